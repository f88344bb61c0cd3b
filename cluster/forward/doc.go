// Package forward brings what a front-end or a follower cannot decide to the
// leader, and its answers back.
//
// Writes go in batches, one under way at a time: whatever queued while the last
// one was away is the next one, in order, so the order in which a door received
// its requests is the order in which they are decided, and the leader pays for a
// batch, not for a request.
//
// # At most once
//
// A batch carries its session and its number, and both are in the log: the state
// executes a number once (sequencer/sessions.go). So a batch whose answer was lost
// is sent again under its number, to whoever leads now, and either it is executed
// then or it was executed before, and the leader reads the decisions of that time
// out of its journal. Nothing is ever sent again under another number.
//
// What if we die here? The door dies: its buyers lost their connections and ask
// again with their idempotency keys. The leader dies: the batch is committed or it
// is not; the door asks the next leader, by number. Both die: as if the door died.
// What was not decided within DecideTimeout is told as no-leader when no leader
// ever was sent it, else as outcome-unknown; the next batch's higher number fences
// it: from then on it can never be executed.
//
// # Following the leader
//
// One loop does it (follow), for everything that only the leader can do: try who is
// thought to lead, learn from the answer who else may, pause, try again. Who decided a batch
// is thought to lead until it says otherwise, or others do. Each errand says
// what its errors mean: a question is asked again whatever became of it, a batch under its
// number, a payment only when nobody can have taken it. A process with a node tries that
// one first, by handing it the batch: its own error tells that it does not lead, which
// costs the sale no second look.
//
// What another process has to say is an answer or the code of an error (package codes).
// One that this release does not know leaves open what was done.
//
// # What is carried
//
// Batches on a connection of their own; questions, steps of administration and payments
// as frames beside each other (frame.go), each a kind of its own. This package knows none
// of their meaning: it calls Control and Payments, which others declare.
//
// # Reads
//
// A node reads its own replica. It waits, bounded, until it is where the asker was
// told that the decision is, and then asks the leader, who makes sure that it still
// leads. A front-end without a replica asks a node; equal questions are asked once.
//
// What it trades off: a leader that pauses costs everybody AttemptTimeout before another
// is tried, because nothing but its answer tells a slow one from a dead one; one batch
// under way means that a request waits for half a batch on average before its own
// leaves; and a front-end shows sales as they were up to MirrorInterval ago.
package forward
