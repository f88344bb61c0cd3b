package raftfsm

import (
	"errors"

	"onsale/raftfsm/folder"
)

// IsDamage reports whether an error says that this node's data is damaged, lost, or not
// what a majority has. It is repaired from the peers.
func IsDamage(err error) bool { return errors.Is(err, ErrDiverged) || folder.IsDamage(err) }
