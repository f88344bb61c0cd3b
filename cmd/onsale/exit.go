package main

import (
	"errors"
	"net"

	"onsale/api"
	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/audit/archive"
	rows "onsale/audit/export"
	"onsale/audit/export/sqldb"
	"onsale/bench"
	"onsale/internal/ticket"
	"onsale/payment"
	"onsale/raftfsm"
	"onsale/raftfsm/folder"
	"onsale/sequencer"
	"onsale/wal"
)

// The errors that have an exit code of their own.
var (
	// errUsage is returned when the command line is wrong.
	errUsage = errors.New("wrong use")
	// errRefused is returned when the sale decided, and decided no.
	errRefused = errors.New("refused")
	// errFindings is returned when an audit found something, or could not
	// decide everything again.
	errFindings = errors.New("the audit is not clean")
	// errDifferences is returned when the provider's books and the orders differ.
	errDifferences = errors.New("the payment provider's books and the orders do not agree")
	// errRows is returned when a database has other rows than the journal makes.
	errRows = errors.New("the database and the journal do not agree")
)

// isNobody reports whether nobody listens where a request, or a peer's call, was to go.
func isNobody(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// exitCode maps errors to exit codes; newRoot documents them.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage), errors.Is(err, raftfsm.ErrBadConfig), errors.Is(err, bench.ErrOptions), errors.Is(err, api.ErrBadConfig), errors.Is(err, auth.ErrBadConfig):
		return 2
	case errors.Is(err, ticket.ErrNotGenuine):
		return 7
	case errors.Is(err, errRefused), errors.Is(err, bench.ErrRealSale), errors.Is(err, ticket.ErrRevoked), errors.Is(err, ticket.ErrCut), errors.Is(err, ticket.ErrOtherSale),
		errors.Is(err, archive.ErrOtherHistory), errors.Is(err, archive.ErrSuperseded),
		errors.Is(err, sqldb.ErrOtherHistory), errors.Is(err, rows.ErrOtherExporter), errors.Is(err, rows.ErrUsers):
		return 3
	case errors.Is(err, errUndecided): // also when nobody could tell more
		return 5
	case errors.Is(err, sequencer.ErrNoLeader), errors.Is(err, sequencer.ErrOverloaded), errors.Is(err, sequencer.ErrStopping), errors.Is(err, sequencer.ErrSuperseded), errors.Is(err, sequencer.ErrStorageLow),
		errors.Is(err, client.ErrNotSent), isNobody(err), errors.Is(err, payment.ErrNoAnswer), errors.Is(err, payment.ErrOtherAccount), errors.Is(err, contract.ErrThrottled), errors.Is(err, contract.ErrTimelineBusy):
		return 4
	case errors.Is(err, sequencer.ErrOutcomeUnknown):
		return 5
	case errors.Is(err, errFindings), errors.Is(err, errDifferences), errors.Is(err, errRows):
		return 6
	case errors.Is(err, raftfsm.ErrDiverged):
		return 8
	}
	return 1
}

// explain adds the next step to what went wrong, where there is one.
func explain(err error) string {
	text := err.Error()
	var problem *contract.Problem
	switch {
	case errors.Is(err, errUndecided), errors.As(err, &problem) && errors.Is(err, sequencer.ErrOutcomeUnknown):
		return text // it says what to do
	case errors.Is(err, sequencer.ErrOutcomeUnknown):
		return text + "\nIt may have been done: look before you repeat it. A purchase that is repeated with the same --key makes at most one order, and is answered with that."
	case folder.IsOtherVersion(err):
		return text + "\nNothing is damaged: another release of onsale wrote it, and this is " + thisBuild().String() +
			". Use that release, or a later one; docs/upgrading.md tells more."
	case errors.Is(err, wal.ErrLocked):
		return text + "\nAnother onsale runs on this data folder."
	case isNobody(err):
		return text + "\nStart one with `onsale serve`, or say where it is with --http (buyers) and --private (sellers, operators)."
	case errors.As(err, &problem) && problem.Status == 401:
		return text + "\nGive --token, or --secret-file to make one; `onsale token --help` tells more."
	}
	return text
}
