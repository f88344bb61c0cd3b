// Package membership lets nodes into a cluster, gives them a vote, takes it away,
// and tells how the cluster is. It knows when a change is safe; raftfsm makes it.
//
// # The rules
//
// They are those of Consul's autopilot. A node joins as a learner, which gets the log and
// has no vote: a voter with an empty log would raise the quorum before it can help to reach
// it. The learner gets its vote after it was healthy (heard the leader within
// LastContactMax, lags at most TrailingEntriesMax) for StableTime without a break. One node
// changes at a time, and no change is made that leaves fewer healthy voters than a quorum,
// unless an operator forces it.
//
// A node is its id and its data folder together. A voter that comes back with an empty
// folder has forgotten whom it voted for, so it could vote twice in one term: it is refused
// until its old self was removed. A second node of the same id is refused while the first
// one answers.
//
// A node looks after its own membership too (Manager.attend): every second it compares where
// it is with what the membership says, and asks the leader when that differs, when it waits
// for its vote, or when it hears no leader. So a node that comes back under another address
// is admitted there, when nobody answers as it at the old one, and one that was removed hears
// of it and ends. A leader says so only when a majority has confirmed the removal.
//
// # Who asks whom
//
// Every node has a Manager, and the leader's does the work. Steps of administration are
// asked at any node, which asks the leader (forward.AskLeader): each may be asked twice,
// because what was done before is nothing to do (Request.WasMember). A node that joins asks the nodes that it
// was told of, and whom they name (forward.AskAt): it must ask itself, so that its
// certificate speaks for it.
//
// # What if we die here
//
// A new cluster is made by one node, the lowest of those that are expected; it writes the
// cluster down before the others can hear of it, and goes on after a crash. A node that
// dies between being let in and noting it joins again and is found a member. A leader that
// dies forgets who waits for a vote; they remind the next one every second, and their time
// begins anew. Whether a node waits for its vote, and that it was removed, is in its
// NODE.json before anybody counts on it.
//
// What it trades off: health is what a status every few hundred milliseconds shows, so
// that a node which is ill in between counts as well; and with one change at a time a
// cluster of five is replaced in five steps.
package membership
