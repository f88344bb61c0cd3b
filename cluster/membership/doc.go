// Package membership lets nodes into a cluster, gives them a vote, takes it away,
// and tells how the cluster is. It knows when a change is safe; raftfsm makes it.
//
// The rules are those of Consul's autopilot: a node joins as a learner, which gets
// the log and has no vote; it gets one after it was healthy (heard the leader within
// LastContactMax, lags at most TrailingEntriesMax) for StableTime without a break;
// one node changes at a time; and no change is made that leaves fewer healthy
// voters than a quorum.
//
// What it trades off: the leader keeps in memory who waits for a vote, so after a
// change of leadership the nodes that wait ask again, and their time begins anew.
package membership
