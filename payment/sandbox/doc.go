// Package sandbox is a payment provider to sell against without money: stateful, with
// books of its own in a file, and with the bad days of real providers on demand. It
// runs inside a node (Books is a payment.Provider) or as a process of its own (Server
// and Client), which survives the crashes of ours.
//
// # What the payment methods do
//
//	tok_accept            authorised at once
//	tok_decline           declined
//	tok_insufficient_funds, tok_expired, tok_wrong_details, tok_authentication,
//	tok_limit             declined for that reason
//	tok_delay_NNNms       authorised after so many milliseconds; the answer waits
//	tok_lost              authorised, and the answer is lost
//	tok_late_NNNms        no answer; authorised after so many milliseconds
//	tok_never             no answer and never an outcome
//	tok_3ds               the buyer must authenticate, on a page of the sandbox (NewPages): completed
//	                      it is authorised, refused it is declined, abandoned it stays as it is
//	tok_3ds_passes_NNNms, tok_3ds_fails_NNNms  the same, done by itself so much later
//	tok_double_webhook    authorised, and the webhook is sent twice
//	tok_refund_fails_NNNms         authorised; its first refund is taken, and fails so much later
//	tok_refund_always_fails_NNNms  the same of every refund
//	tok_refund_refused             authorised; every refund is refused for good
//	tok_disputed_NNNms             authorised; its capture is disputed so much later
//	tok_disputed_won_NNNms, tok_disputed_lost_NNNms  the same, and decided as long after that
//	everything else       declined: unknown method
//
// # What if it dies here?
//
// A change is a line in the file and fsynced before it is answered or shown. A torn
// last line is cut when the file is opened: nobody was told of it.
package sandbox
