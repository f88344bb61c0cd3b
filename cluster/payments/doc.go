// Package payments brings requests to pay, and providers' webhooks, from the process that
// received them to the leader's payment coordinator (payment.Desk), and the answers back.
// It is the protocol of payments between processes: a frame kind of its own (package
// forward), whose verbs and bodies are in message.go.
//
// # Never twice
//
// A payment is a question that must not be asked twice blindly: the process that lost
// its answer does not know whether an attempt began. So a question that was sent and not
// answered is not sent again; whoever asked is told ErrOutcomeUnknown. One that a node
// did not take, because it does not lead or could not be reached, goes on to who does.
// That an order is never charged twice does not rest on this: the coordinator commits an
// attempt before it asks the provider, under a key that is that attempt's alone
// (package payment). What rests on it is that a buyer's one request makes one attempt.
//
// What if we die here? The process that received the request dies: the attempt goes on
// without it, and the order shows its outcome. The leader dies before it committed the
// attempt: nothing happened. After that: the next leader's coordinator settles it.
//
// # Why here
//
// Package payment knows the rules of money and no links; package forward knows links and
// no money. This package knows both, and neither knows it.
//
// What it trades off: bodies are JSON, which costs a payment some microseconds, beside
// tens of milliseconds for the provider, and can be read in a trace; and a request waits
// on one node alone, so that its answer is lost with it.
package payments
