package folder

import (
	"errors"

	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// damage is what says that a data folder is damaged, or has lost something.
var damage = [...]error{
	wal.ErrCorrupt, journal.ErrCorrupt, journal.ErrDiverged, ErrHistory, ErrIdentityDamaged,
	store.ErrVotes, store.ErrSnapshot, store.ErrRecord, sequencer.ErrSnapshotCorrupt, sequencer.ErrBatchCorrupt,
}

// IsDamage reports whether an error says that what a node keeps is damaged or lost. It
// is repaired from the peers.
func IsDamage(err error) bool {
	for _, known := range damage {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
