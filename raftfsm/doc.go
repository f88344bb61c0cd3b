// Package raftfsm is one replica of a cluster: the sequencer's state under
// hashicorp/raft, from the inbox to the answer.
//
// # One way to decide
//
// Requests are ordered first, committed second, decided third.
//
//	callers of Decide ─▶ inbox ─▶ batcher ─▶ raft ─▶ machine ─▶ journal
//	      ▲                                             │          │
//	      └───────────── answer ◀── future ◀────────────┴──▶ views for readers
//
// The inbox gives a request its place. One goroutine, propose, takes what queued while
// the last entry was being stored, stamps it with the leader's time and hands it to raft
// as one entry. raft calls machine.Apply with each committed entry, on every replica, on
// one goroutine. Apply is the only code that changes a count; it decides, publishes what
// readers see, and writes the block into the journal. A second goroutine, answer, waits
// for the entries in the same order and tells the waiters. So there is nothing to take
// back when leadership is lost, first come is first served by construction, and a
// follower that takes over has decided exactly what the leader had.
//
// propose waits until an entry is stored here, not until it is committed, before it
// forms the next: an entry formed earlier would be nearly empty and cost an fsync of its
// own. Up to Config.InFlightMax entries are under way.
//
// # Who owns what
//
//	raft            log, term, vote, members; its own goroutines
//	store, folder   the files; opened before raft and closed after it
//	machine         the sequencer's state; written by Apply and Restore alone
//	view            what readers see without the state's lock
//	inbox           what has a place and is not proposed; a lock of its own
//	batcher         what is proposed and not answered; propose and answer
//	leadership      whether the inbox is open; the goroutine follow
//	Membership      nothing: it asks raft, and changes through it
//	Checks          checkpoints, under their own lock
//	watchdog        alarms, and the snapshot that is due
//	diskWatch       how much room the disk has; its own goroutine
//	hold            whether buys are taken; set by who knows all voters' disks
//	lifecycle       whether the node stops, and what it failed with
//
// machine.mu keeps readers (Read) apart from Apply. It is held for the decisions of one
// batch in memory, never for IO: the journal is written outside of it, by the goroutine
// that alone writes the state. A reader that is slow makes everybody wait for the next
// decision, so the longest time under this lock is a metric.
//
// # A full disk
//
// A leader whose voters run out of room takes no buys (HoldBuys) and everything else, so
// that payments live on the reserve. None of it is in the log. A node that cannot write
// does not run: a Reader shows what its folder has, without a part in raft.
//
// # Leadership
//
// raft says that a node leads before its state has everything that earlier leaders
// committed. leadership proposes a barrier first, and opens the inbox when that was
// applied; only then does the node call itself leader, and anchor its clock no earlier
// than the log's time. The log's time runs on the monotonic clock from there: a wall
// clock that jumps must not expire everybody's hold.
//
// A node that loses the lead shuts the inbox. What was proposed may still be committed:
// its waiters are told that the outcome is unknown, and ask again with the same key. What
// was not proposed is refused, and safe to send elsewhere.
//
// A follower whose connection to the leader ends asks whether anybody still listens
// there. If the machine answers that nobody does, the process is gone, and the followers
// stand for election in their turns, without waiting for a timeout. raft's safety does
// not depend on when somebody stands.
//
// # Snapshots
//
// The watchdog begins a snapshot when a restart would replay too much. Freezing the
// state costs a pointer for each page of orders; writing goes on beside later batches.
// The journal is synced before the snapshot counts, since raft may forget the entries
// then. A snapshot that comes from the leader is built and verified aside, and swapped
// in whole; the journal begins anew at its head and the gap is filled from the peers.
//
// A leader keeps the log that a member needs which lags, for Config.PeerAwayMax after it was
// heard last, and behind a snapshot that it is sent: while the state is large, the next
// snapshot is due before that one is built, and a log that ended there would bring the next,
// and so on. It keeps no more than Config.LogKeptBytesMax, and nothing beside what raft
// leaves when the disk is low: a member that is dead stops no snapshot and fills no disk.
// What if the leader changes meanwhile? The next one may have less log, and sends a snapshot.
//
// # What if we die here?
//
//	before an entry is stored     nobody was answered; the sender asks again
//	stored, not committed         committed later or not; the sender asks with its key
//	committed, not decided        the next start replays it from raft's log
//	decided, not in the journal   likewise: the same decision, the same block
//	answered                      the entry is durable on a majority, so it stays
//	in a snapshot                 there is none yet, and raft has the entries
//	a member is lost              the others go on while they are a majority
//
// The journal is not synced for an answer; raft's log is the truth, and what the replay
// brings must match the blocks that are there, byte for byte. A node that cannot write,
// finds damage or decided otherwise than a majority (Checks) ends its process, and every
// error after which nobody knows what is on disk is final: lifecycle.fatal. Until the
// process has ended it takes no requests and confirms no position.
//
// Close hands the lead over, shuts the inbox, waits until everything proposed was
// answered, and stops raft after that: raft v1.8.0 never answers what it had queued when
// it stopped.
//
// # Trade-offs
//
// Every decision is made on every replica, so the cluster decides no faster than one
// core of its slowest majority; batches, not threads, carry the load. A read of the
// newest state costs a commit, because raft's VerifyLeader may believe an old heartbeat.
// A request is answered after an fsync on a majority and not before, which is most of
// its latency. The state is in memory whole. A node that doubts what it has stops, where
// it could often have gone on. Replicas compare hashes every few hundred batches, so one
// that differs may answer reads until then.
package raftfsm
