// Package failpoint names the places at which a process is made to die, to hang or to
// fail on purpose: before and after everything that a crash must not split.
//
// A program has them only when it is built with the tag "failpoints", as tests and the
// nemesis do. Without it Hit and Err are empty functions that the compiler removes, so
// that they cost nothing where decisions are made, and no flag, variable or request of
// a program that sells tickets can reach them.
//
// With the tag, the environment variable FAILPOINTS_FILE names a file. It is read
// every 10 ms and holds "name=action" or "name=action:n": at the n-th hit from then on
// (the first without a number) the process
//
//   - crash: kills itself, as a power cut would look to it;
//   - stall: stays there for ever;
//   - error: is told an error, where the place can have one;
//   - hang: stays there for a time, as "name=hang:7s" says, at the first hit, and goes on.
//
// The file is removed when that happens, so that it happens once; a line on the
// standard error says which one it was.
//
// "name=delay:10ms" makes every hit take so much longer, for as long as the file is
// there: a disk that is slow without failing.
package failpoint

import (
	"errors"
	"fmt"
	"time"
)

// Variable is the environment variable that names the file.
const Variable = "FAILPOINTS_FILE"

// ClockVariable is the environment variable that names the file with the seconds by
// which a node's wall clock is off; it may change at any time.
const ClockVariable = "CLOCK_FILE"

// ReadInterval is how often the files are looked at.
const ReadInterval = 10 * time.Millisecond

// DelayMax bounds how long one hit may be made to take, and HangMax how long it may hang.
const (
	DelayMax = 10 * time.Second
	HangMax  = time.Minute
)

// ErrInjected is what Err returns for the action "error".
var ErrInjected = errors.New("an error was injected at a failpoint")

// Name is a place.
type Name string

// Crash is the line that kills the process when it has come by a place so often.
func Crash(name Name, hits int) string { return fmt.Sprintf("%s=crash:%d", name, hits) }

// Delay is the line that makes every hit of a place take so much longer.
func Delay(name Name, delay time.Duration) string { return fmt.Sprintf("%s=delay:%v", name, delay) }

// Hang is the line that lets the process stay at a place for a time, once.
func Hang(name Name, lasts time.Duration) string { return fmt.Sprintf("%s=hang:%v", name, lasts) }

// Payment and Provider are what the places of a payment begin with, at the leader and
// in the sandbox; package payment's step, or package sandbox's, follows.
const (
	Payment  Name = "payment-"
	Provider Name = "provider-"
)

// The places, in the order in which a request, a snapshot, a payment passes them.
const (
	ForwardSend       Name = "forward-send"        // a batch for the leader was not sent yet
	ForwardReceive    Name = "forward-receive"     // it arrived
	ProposeBefore     Name = "propose-before"      // a batch has its place, and raft has not got it
	LogAppendBefore   Name = "log-append-before"   // raft's entries are not written
	SyncBefore        Name = "fsync-before"        // a file was written and is not durable
	SyncAfter         Name = "fsync-after"         // it is
	LogAppendAfter    Name = "log-append-after"    // raft's entries are durable, and nobody knows
	ApplyBefore       Name = "apply-before"        // an entry is committed and not decided
	JournalPutBefore  Name = "journal-put-before"  // it is decided and not in the journal
	JournalPutAfter   Name = "journal-put-after"   // it is
	AnswerBefore      Name = "answer-before"       // nobody was told
	AnswerAfter       Name = "answer-after"        // who waits at the leader was told
	ForwardAnswer     Name = "forward-answer"      // another process has not been told
	LogTruncateBefore Name = "log-truncate-before" // an end of raft's log is to be dropped
	LogTruncateAfter  Name = "log-truncate-after"

	SnapshotFreeze      Name = "snapshot-freeze"       // the state is frozen
	JournalSyncBefore   Name = "journal-sync-before"   // the journal may end before it
	JournalSyncAfter    Name = "journal-sync-after"    // the journal is durable up to it
	SnapshotWriteBefore Name = "snapshot-write-before" // some of its bytes are not written
	SnapshotWritten     Name = "snapshot-written"      // its bytes are written
	SnapshotClosing     Name = "snapshot-close-before" // it has no name yet
	SnapshotClosed      Name = "snapshot-close-after"  // it counts
	RenameBefore        Name = "rename-before"
	RenameAfter         Name = "rename-after"
	RestoreBefore       Name = "restore-before"  // nothing of a snapshot was read
	RestoreJournal      Name = "restore-journal" // the journal is where the snapshot is, the state is not
	RestoreAfter        Name = "restore-after"

	VoteBefore Name = "vote-before" // a term or a vote is not durable
	VoteAfter  Name = "vote-after"
	TakeOffice Name = "take-office" // everything before the term is applied, nothing is taken yet
	JoinAdmit  Name = "join-admit"  // a node was let in by the leader and has not heard
	JoinAdopt  Name = "join-adopt"  // it knows its cluster and did not write that down

	ArchiveSegmentBefore Name = "archive-segment-before" // a segment was not put
	ArchiveSegmentAfter  Name = "archive-segment-after"  // it was, and counts for nothing yet
	ArchiveRowAfter      Name = "archive-row-after"      // it counts, and the archiver has not noted that
	ArchiveSnapshotAfter Name = "archive-snapshot-after" // a snapshot was put, and no old one removed

	PaymentBegun      Name = "payment-begun"      // the intent is committed
	PaymentAuthorised Name = "payment-authorised" // the provider has answered
	PaymentDecided    Name = "payment-decided"    // the outcome is committed, the buyer has no answer
	PaymentCaptured   Name = "payment-captured"
	PaymentNoted      Name = "payment-noted" // that is committed
	PaymentFound      Name = "payment-found" // the provider was asked on
	PaymentCancelled  Name = "payment-cancelled"
	PaymentVoided     Name = "payment-voided"

	PaymentAsked    Name = "payment-asked"    // a door that is not the leader's was asked to, and the leader has not heard
	PaymentAnswered Name = "payment-answered" // the leader has answered it, and the buyer has no answer

	ProviderCalled     Name = "provider-called"     // a call has come and nothing of it is done
	ProviderProcessing Name = "provider-processing" // a charge came to that, which is durable and not answered
	ProviderAuthorised Name = "provider-authorised"
	ProviderCaptured   Name = "provider-captured"
	ProviderDeclined   Name = "provider-declined"
	ProviderCancelled  Name = "provider-cancelled"
	ProviderRefunded   Name = "provider-refunded"

	ProviderRequiresAction Name = "provider-requires_action" // the buyer must authenticate

	ExportStatement Name = "export-statement" // a statement of a transaction of the export is not sent
	ExportCommit    Name = "export-commit"    // all are sent, and not committed
	ExportCommitted Name = "export-committed" // they are, and the exporter has not noted it
	ExportFile      Name = "export-file"      // a file of CSV is durable and not in its place

	WebhookRead     Name = "webhook-read"     // events have come from the feed and are not in the state file
	WebhookStored   Name = "webhook-stored"   // they are, with the position behind them
	WebhookSend     Name = "webhook-send"     // an event is not sent yet
	WebhookSent     Name = "webhook-sent"     // the receiver has answered, and nobody knows
	WebhookResolved Name = "webhook-resolved" // that is in the state file
)

// Names returns all places of what sells.
func Names() []Name { return append(NodeNames(), ProviderNames()...) }

// WebhookNames returns the places of the process that sends webhooks.
func WebhookNames() []Name {
	return []Name{WebhookRead, WebhookStored, WebhookSend, WebhookSent, WebhookResolved}
}

// ExporterNames returns the places of an exporter.
func ExporterNames() []Name {
	return []Name{ExportStatement, ExportCommit, ExportCommitted, ExportFile}
}

// ArchiverNames returns the places of an archiver.
func ArchiverNames() []Name {
	return []Name{ArchiveSegmentBefore, ArchiveSegmentAfter, ArchiveRowAfter, ArchiveSnapshotAfter}
}

// DoorNames returns the places that a front-end comes by, as nodes do.
func DoorNames() []Name { return []Name{ForwardSend, PaymentAsked, PaymentAnswered} }

// ProviderNames returns the places of the sandbox.
func ProviderNames() []Name {
	return []Name{ProviderCalled, ProviderProcessing, ProviderRequiresAction, ProviderAuthorised, ProviderCaptured, ProviderDeclined, ProviderCancelled, ProviderRefunded}
}

// HangNames returns the places of a node at which a disk that hangs, or decisions that do,
// look as they are: raft's log, its votes, Apply, the journal, and a snapshot.
func HangNames() []Name {
	return []Name{LogAppendBefore, VoteBefore, ApplyBefore, JournalPutBefore, JournalSyncBefore, SnapshotWriteBefore, SnapshotClosing}
}

// NodeNames returns the places of a node.
func NodeNames() []Name {
	return []Name{ForwardSend, ForwardReceive, ProposeBefore, LogAppendBefore, SyncBefore, SyncAfter, LogAppendAfter, ApplyBefore, JournalPutBefore,
		JournalPutAfter, AnswerBefore, AnswerAfter, ForwardAnswer, LogTruncateBefore, LogTruncateAfter,
		SnapshotFreeze, JournalSyncBefore, JournalSyncAfter, SnapshotWriteBefore, SnapshotWritten, SnapshotClosing, SnapshotClosed, RenameBefore, RenameAfter, RestoreBefore, RestoreJournal, RestoreAfter,
		VoteBefore, VoteAfter, TakeOffice, JoinAdmit, JoinAdopt,
		PaymentBegun, PaymentAuthorised, PaymentDecided, PaymentCaptured, PaymentNoted, PaymentFound, PaymentCancelled, PaymentVoided,
		PaymentAsked, PaymentAnswered}
}
