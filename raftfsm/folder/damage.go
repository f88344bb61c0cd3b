package folder

import (
	"errors"
	"slices"

	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// ErrVersion is returned when a data folder's identity, or a backup, was written in a version
// of its format that this program does not know. It is whole; nothing was changed.
var ErrVersion = errors.New("unknown format version")

// damage is what says that a data folder is damaged, or has lost something.
var damage = [...]error{
	wal.ErrCorrupt, journal.ErrCorrupt, journal.ErrDiverged, ErrHistory, ErrIdentityDamaged,
	store.ErrVotes, store.ErrSnapshot, store.ErrRecord, sequencer.ErrSnapshotCorrupt, sequencer.ErrBatchCorrupt,
}

// otherVersion is what says that a data folder was written by another release, or at a level
// that this one does not speak.
var otherVersion = [...]error{wal.ErrVersion, journal.ErrVersion, store.ErrVersion, ErrVersion, sequencer.ErrVersion, sequencer.ErrLevel}

// IsDamage reports whether an error says that what a node keeps is damaged or lost. It
// is repaired from the peers.
func IsDamage(err error) bool { return isOneOf(err, damage[:]) && !IsOtherVersion(err) }

// IsOtherVersion reports whether an error says that what a node keeps is whole and in a
// format of another release. Nothing is repaired because of it: another program reads it.
func IsOtherVersion(err error) bool { return isOneOf(err, otherVersion[:]) }

func isOneOf(err error, known []error) bool {
	return slices.ContainsFunc(known, func(one error) bool { return errors.Is(err, one) })
}
