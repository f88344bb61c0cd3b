// Package codes says what an error of one process is to another: a number of its own on
// the wire, and its text beside it for people. One table (table.go) is read both ways, so
// that errors.Is finds in this process what was the matter in that one, however often the
// error was wrapped there, and nobody compares texts.
//
// A code is given once and never again to another error. A peer of a newer release may
// send one that this release does not know: its text is told, as ErrUnknown, and it is
// taken for an error that leaves open what was done.
//
// An error without a code travels as ErrRejected: what the other process was asked for
// was not done, and its text says why. So an error that leaves open what was done needs
// a code; ErrOutcomeUnknown has one.
//
// What it trades off: the errors of several packages meet here, so that this package
// knows more of them than a codec must (three of raft's membership among them, and those
// of payments); each package that has a table of its own would need its own range of
// codes, and its own place to be forgotten in.
package codes
