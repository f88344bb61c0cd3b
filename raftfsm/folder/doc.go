// Package folder is a node's data folder: whose it is, what lies in it, whether its
// parts still belong together, and what is made of one beside a running node.
//
//	NODE.json       Identity: node, cluster, and whether raft has written here
//	raft-log        store.Log; its lock keeps a second process away from everything
//	raft-votes.bolt store.Votes
//	snapshots       store.Snapshots
//	journal         the chain of decisions
//
// Open takes the lock first, then looks whose folder it is, opens the rest, and holds
// the parts against each other. Each part may be whole and still not be what it was: a
// copy of an old disk, a snapshot that was removed, a log whose end was lost after it
// was acknowledged. What one part proves to have been there, the others must have; else
// Open returns what IsDamage knows, and the node does not start. A voter that starts
// with less than it has promised can break a majority's word; a voter that stays down
// cannot.
//
// What if we die here? The identity is replaced by a rename, so that it is the old one
// or the new one. RestoreBackup writes it last: until then the folder is nobody's.
// SetAside is one rename, and deletes nothing.
//
// Owner has the only lock of this package. Everything else is used by one goroutine,
// before raft runs or while no node does.
//
// What it trades off: a node that lost what it might have recovered from its peers
// stops and waits for an operator (onsale cluster repair), where guessing would start at
// once and be wrong rarely. A backup is a whole snapshot, written while decisions go on;
// there are no increments.
package folder
