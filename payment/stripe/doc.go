// Package stripe takes money through Stripe: cards, with manual capture, so that the
// money is reserved first and taken when the order is paid in the log.
//
// # One charge, one intent, and how it is found again
//
// An attempt to pay is a PaymentIntent, made in two requests: it is created from the
// charge alone (amount, currency, and the key of the charge as metadata and as
// idempotency key), then confirmed with the buyer's payment method. One request could
// do both, but after a crash nobody has the payment method any more, and Stripe
// refuses an idempotency key whose parameters differ. Split, the first half can be sent
// again by whoever knows the order: Stripe answers with the intent that was made
// before, and because creating never confirms, asking can never charge.
//
// Stripe keeps idempotency keys for at least 24 hours
// (https://docs.stripe.com/api/idempotent_requests); a create that comes later would
// make a second intent, which is not the one that was asked about. So whoever looks for
// an intent searches by its metadata first and creates only what the search does not
// know. The search lags behind by minutes, and keys live for a day: what the search
// does not know yet, the create repeats. Only Authorise creates without a search: it is
// called once for an attempt, when it begins. What was
// authorised once is captured and given back without a create: it is there, or it is not,
// and one that is made to ask would say nothing of the money. Where the search does not
// know it, the list of all intents does, from the newest back to when the order was made;
// the same is done before the create of an attempt that may be older than the keys. Ids that were seen are remembered
// (Config.IDsMax), so looking is for the time after a crash, and for refunds. Accounts
// whose country has no search (India) are not served.
//
// # What if we die, or Stripe does?
//
// Before the create arrived: Find or Cancel creates the intent, unconfirmed. After the
// create: they find it. After the confirm: they find what it came to. Cancel cancels
// the intent, and Stripe confirms no cancelled intent, so a confirm of a dead leader
// that is still on its way charges nobody; when the confirm was faster, the intent that
// is cancelled gives the money back.
//
// Confirming has an idempotency key of its own, so that a repetition on the way is one
// confirmation. Capturing, cancelling and refunding have none: the intent's state lets
// each happen once, and Stripe would repeat an error 500 for a day under a key. The
// same holds for a create that was answered with an error 500 (not for one that never
// began): nobody ever learns the intent's id under that key, so nobody can confirm it,
// and the charge is over: Cancelled.
//
// # Decisions
//
// A bank that wants 3-D Secure leaves the intent at requires_action. The buyer gets its
// client secret, for Stripe.js, or the bank's page (Config.ReturnURL), and nobody but Stripe
// keeps it: whoever is asked again fetches the intent again.
//
// A declined intent could be confirmed again with another card. It never is: one
// attempt has one outcome. A buyer who has the client secret could do it without us, so an
// intent that is found declined is cancelled before anybody is told.
//
// # Trade-offs
//
// Three requests for each payment (create, confirm, capture) where two would do, for
// the price of a look-up that cannot charge. Stripe allows 25 requests a second to each
// endpoint. The line before the provider (package payment) counts calls, not requests, at a
// rate below that: CallsPerSecond.
package stripe
