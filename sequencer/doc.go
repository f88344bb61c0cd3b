// Package sequencer holds the rules of a sale: which order each request gets,
// in which state it is, and what the counts are. It is a pure, deterministic
// state machine: no clock, no randomness, no IO, no goroutine, no dependence on
// map order. Every replica that applies the same batches has the same state,
// gives the same decisions and has the same Hash.
//
// # Use
//
// A State belongs to one goroutine, the one that calls Apply. Readers of other
// goroutines are the caller's to keep apart.
//
// # The rules
//
// The log's time is now = max(now, Batch.Time). Deadlines that would lie beyond
// TimeMax are TimeMax. A batch is decided so:
//
//  1. advance. Timers with due <= now fire in (due, order seq) order. A reserved
//     order's timer is its deadline: it expires, its tickets return to the
//     count, and promote runs. A paying order's timer is the hard limit,
//     deadline + grace: it is marked overdue once in each attempt (EventOverdue;
//     extend does not take the mark back) and keeps its tickets, because only the provider's word can free them.
//  2. Each command gets the next seq and is decided, in order.
//
// buy checks in this order, and the first that fails decides:
//
//   - the user has 1..UserBytesMax bytes of UTF-8, quantity >= 1, min <= quantity
//     (min 0 means "all or nothing", min = quantity), and the reference, if there is one,
//     is 1..ReferenceBytesMax bytes of printable ASCII: CodeBadRequest
//   - the sale exists: CodeUnknownSale
//   - the user's key is free. If an order of the user, in whichever sale, carries it:
//     with the same sale, quantity, min and reference that order again (Replayed; Seq is the
//     order's; it is shown in its state of now); with another body CodeKeyReused
//   - the sale is not closed or cancelled (CodeClosed), not paused (CodePaused),
//     and has started (CodeNotStarted), in this order
//   - quantity <= cap, and quantity + the tickets of the user's live orders of
//     this sale (waitlisted, reserved, paying, paid) <= cap: CodeCapExceeded
//   - the user ever made fewer than OrdersPerUserMax orders of this sale, and all users
//     fewer than OrdersMax of all sales: CodeOrderLimit
//   - with ExpiredHoldsMax > 0: fewer than that many of the user's orders of this
//     sale are expired with deadline + CoolDown > now: CodeCoolingDown
//   - nobody waits and available >= min: reserved with min(quantity, available)
//     tickets and deadline now + hold. Else waiting < waitlist: waitlisted, at
//     position waiting + 1 (with SkipUnfit promote runs then: it may fit where
//     the head does not). Else CodeSoldOut
//
// Only an order binds its key: a refusal leaves nothing behind, and the same buy is
// decided again, under a seq of its own, when it comes again. A refusal of a buy carries
// nothing but its seq and code.
//
// promote(sale) runs whenever tickets come free or a waiting order leaves the
// list. While available > 0 and
// somebody waits: if available >= min of the head, it is reserved with
// min(quantity, available) tickets and deadline now + hold (EventPromoted).
// Otherwise the head blocks (PromoteBlocked counts it) — unless the sale has
// SkipUnfit: then the first of the next SkipScanMax waiting orders that fits is
// taken. A paused sale still promotes; a closed one has nobody waiting.
//
// cancel(order, user): CodeUnknownOrder unless the order is the user's. A
// waitlisted order leaves the list, a reserved one returns its tickets, and then
// promote runs; a cancelled one is CodeOK again; else CodeNotCancellable.
//
// pay_begin(order, user, amount): by the order's state. reserved: the amount is
// price x quantity (CodeAmountMismatch), fewer than AttemptsMax attempts
// (CodeAttemptsExceeded), then paying with the next attempt. paying:
// CodePaymentInFlight. paid: CodeAlreadyPaid. expired: CodeSessionExpired.
// Else CodeNotPayable.
//
// pay_result(order, attempt, outcome, reason): CodeBadRequest for an unknown outcome
// or reason, or a reason with any outcome but rejected; CodeUnknownOrder, CodeBadRequest for an attempt that never began. For the
// live attempt (paying, attempt is the newest): accepted makes it paid and its capture due (in a cancelled sale
// it is CodeLateSuccess: the order is cancelled, its tickets return, and the attempt
// is remembered in VoidsDue); rejected
// and cancelled make it reserved again while deadline > now and the sale is not
// cancelled, else it is expired (cancelled, if the sale is) and its tickets
// return and promote runs; unknown changes nothing. The order shows the reason
// until its next attempt begins. For any other attempt:
// accepted again for the attempt that paid a paid or refunded order is CodeOK;
// accepted again for an attempt that was voided is CodeStaleAttempt; accepted
// otherwise is CodeLateSuccess and is remembered in VoidsDue; anything else is
// CodeStaleAttempt. pay_voided(order, attempt) clears that mark, or is
// CodeStaleAttempt when it is not set (CodeBadRequest for an attempt that never
// began). pay_captured(order, attempt) says that the money of the newest attempt was
// captured: its capture is due no more; CodeStaleAttempt when it was not due,
// CodeBadRequest as above.
//
// refund(order): paid becomes refunded, its tickets are withheld until
// sale_release, its capture is not due any more, and the attempt that paid is
// remembered in VoidsDue. Refunded again is CodeOK; else CodeNotPaid.
//
// A seller's or operator's command carries who gave it, for the record alone: nothing is
// decided by it, but one that is longer than UserBytesMax or no UTF-8 is CodeBadRequest.
//
// Whenever the order was found (and is the user's, where a user is given), the
// result shows it: order, sale, state, quantity, deadline while it holds
// tickets, position while it waits, and its number of attempts.
//
// session_open makes a front-end's session, whose id is the command's seq; it has
// executed no number yet. When there are SessionsMax, the one whose last use (the
// seq of the forward that was executed last in it, else its id) is lowest is
// forgotten first.
//
// forward(session, number, count) says that the next count commands of the same
// batch (or what is left of it) are one batch of that session. number < 1 or count
// 0 is CodeBadRequest; a session that is not there CodeUnknownSession; a number that
// the session has executed, or a lower one, CodeBatchRepeated. Then none of these
// commands is decided: each gets its seq and CodeNotTaken. Else the session has
// executed number, and they are decided. A session_open or forward among them is
// CodeBadRequest and announces nothing.
//
// birth(cluster id, time, cause) notes that the cluster drew an id of its own. Nobody else
// may have written what follows, so no number is ever given out twice: it is decided, and
// what follows it, behind every seq that another history of this cluster can have reached
// by then. It is OK when it is alone in its batch and NextBirth takes it, and then its seq
// is NextBirth's, which all later ones follow; cause new is the first command of all and
// moves nothing. Any other cause forgets all sessions, and copy all births before it. It
// is OK again, at the next seq, when it is alone in its batch and the last birth has its
// cluster id. Else it is CodeBadRequest.
//
// Every sale has a revision: 1 when it is created, one more with each seller's
// command on it that is CodeOK. sale_update and sale_quantity may carry one: once
// the sale was found, any other than the sale's is CodeSaleChanged, before anything
// else of the command is looked at.
//
// sale_create(spec): CodeBadRequest for a bad spec, CodeSaleExists,
// CodeSaleLimit; else the next number. The other seller's commands on an unknown
// sale are CodeUnknownSale; their results carry the sale's number.
//   - sale_update(spec): a bad spec or another id is CodeBadRequest; a closed sale
//     CodeClosed; from its start on, when anything but Waitlist, Hold, SkipUnfit,
//     ExpiredHoldsMax and CoolDown is another one, CodeSaleStarted; else the spec is
//     replaced, and from the start on promote runs
//   - sale_pause, sale_resume: CodeClosed when closed; else CodeOK, also again
//   - sale_close: no more buys; all that wait are cancelled. CodeOK also again
//   - sale_cancel: closes, and in seq order cancels every reserved order
//     (EventCancelled) and refunds every paid one (EventRefunded). Paying orders
//     wait for their outcome. CodeOK also again
//   - sale_quantity(n): n is 0 or beyond ±TicketsMax: CodeBadRequest; closed:
//     CodeClosed; fewer than sold + held + withheld, fewer than 1 or more than
//     TicketsMax: CodeInvalidQuantity; else the quantity changes and promote runs
//   - sale_release(n): n outside 1..withheld is CodeInvalidQuantity; else the
//     tickets are available again and promote runs
//
// extend(duration): outside 1..DurationMax is CodeBadRequest; else the deadline of
// every reserved and paying order moves by it, after an outage without a leader.
//
// # Invariants
//
// After every decision sold + held + withheld + available == quantity in every
// sale; held + sold + waiting tickets of a user are at most the cap (as it was
// when they were decided). A broken invariant panics with both sides shown.
package sequencer
