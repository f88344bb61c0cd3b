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
//  1. advance. Timers with due <= the holds' time of now fire in (due, order seq)
//     order. A reserved order's timer is its deadline: it expires, its tickets return
//     to the count, and promote runs. A paying order's timer is the hard limit,
//     deadline + grace, or while its attempt is in the line until when it may be there: it is
//     marked overdue once in each attempt (EventOverdue;
//     sale_extend does not take the mark back) and keeps its tickets, because only the
//     provider's word can free them.
//  2. Each command gets the next seq and is decided, in order.
//
// Holds run by a clock of their own, the holds' time: the log's time less what was stopped.
// Deadlines are kept in it; whenever one is shown, it is as the log's time at which the hold
// ends if nothing stops any more (TimeMax at most).
//
// buy checks in this order, and the first that fails decides:
//
//   - the user has 1..UserBytesMax bytes of UTF-8, quantity >= 1, min <= quantity
//     (min 0 means "all or nothing", min = quantity), and the reference, if there is one,
//     is 1..ReferenceBytesMax bytes of printable ASCII: CodeBadRequest
//   - the sale exists: CodeUnknownSale
//   - the user is one under the sale's PseudonymKey (PseudonymKeyOf): CodeBadRequest
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
//     sale are expired, or were given back late in whole or in part, with deadline + CoolDown > the holds'
//     time: CodeCoolingDown
//   - nobody waits and available >= min: reserved with min(quantity, available)
//     tickets and deadline the holds' time + hold. Else waiting < waitlist: waitlisted, at
//     position waiting + 1 (with SkipUnfit promote runs then: it may fit where
//     the head does not). Else CodeSoldOut, but CodeNotEnough when nobody waits and some
//     are available: a buy with a smaller min gets them
//
// Only an order binds its key: a refusal leaves nothing behind, and the same buy is
// decided again, under a seq of its own, when it comes again. A refusal of a buy carries
// nothing but its seq and code, and CodeNotEnough how many tickets are left.
//
// promote(sale) runs whenever tickets come free or a waiting order leaves the
// list. While the sale is not paused, available > 0 and somebody waits: if available >=
// min of the head, it is reserved with min(quantity, available) tickets and deadline the
// holds' time + PromotedHold, or Hold when that is 0 (EventPromoted). Otherwise the head
// blocks (PromoteBlocked counts it) — unless the sale has SkipUnfit: then the first of
// the next SkipScanMax waiting orders that fits is taken. A closed sale has nobody
// waiting.
//
// cancel(order, user, quantity, key): CodeUnknownOrder unless the order is the user's. With
// quantity 0 or the order's all of it is given back: a waitlisted order leaves the list, a
// reserved one returns its tickets, and then promote runs; a cancelled one is CodeOK again;
// else CodeNotCancellable. With fewer a part is: a waitlisted order keeps its place and waits
// for as many fewer, and takes at least the smaller of min and that; a reserved one
// returns them and goes on with its hold; and then promote runs. A reserved one was given back
// late when less was left of it than half of the hold (rounded down) that such an order of
// the sale gets now.
//
// withdraw(order, quantity, key) is a seller's cancel of anybody's order: CodeUnknownOrder unless there
// is one, else as cancel, but that nothing is given back late by it.
//
// A part that was given back is remembered with its key. With a quantity, and before the
// order's state is looked at: a part of the order has the key: CodeOK, nothing is given
// back again, but CodeKeyReused when the part had another quantity, or was given back by a
// refund and this is none, or the other way round; more than the order has: CodeInvalidQuantity.
//
// pay_begin(order, user, amount, account, seconds): CodeBadRequest for an amount without an account,
// an account or seconds without an amount, or more than LineSecondsMax. Else by the order's state. reserved: the order was not made
// before the first birth (CodeNotPayable: its cluster, of which this is a copy, sold it),
// the amount is price x quantity (CodeAmountMismatch), fewer than AttemptsMax attempts
// (CodeAttemptsExceeded); once DeclinesFree of them were declined, or AttemptsFree were made,
// AttemptPause is over since the last began (CodeAttemptTooSoon); the user was declined fewer
// than UserDeclinesMax times since the first of a window (CodeDeclinesExceeded; when both
// refuse, the code is whose end is later, CodeAttemptTooSoon when they are equal); and the
// account under which it is charged is the accepted one (CodeOtherAccount). The first attempt of
// all that costs something says which that is (CodeAccountLimit when AccountsMax were named before,
// by the cluster that this is a copy of). Then
// paying with the next attempt, which with seconds is in the line (Lined) and may be there for so
// long by the holds' time. paying:
// CodePaymentInFlight. paid: CodeAlreadyPaid. expired: CodeSessionExpired.
// Else CodeNotPayable. A user's window begins with a decline (rejected for a live attempt),
// and with the first one UserDeclinesWindow after that or later. These pauses run by the
// log's time. CodeNotPayable when the tickets that the sale has given numbers and those that it
// holds are more than TicketNumberMax.
//
// pay_called(order, attempt) says that the provider is called from now on for an attempt that is
// in the line. It is CodeUnknownOrder, CodeBadRequest for an attempt that never began,
// CodeStaleAttempt unless it is the live one and in the line, CodeNotPayable in a cancelled sale,
// and CodeSessionExpired when it is overdue. Else it leaves the line, and an earlier deadline than
// the holds' time is moved there: its grace begins.
//
// pay_result(order, attempt, outcome, reason): CodeBadRequest for an unknown outcome
// or reason, provider_unavailable with any outcome but cancelled, or another reason with
// any but rejected; CodeUnknownOrder, CodeBadRequest for an attempt that never began. For the
// live attempt (paying, attempt is the newest): accepted makes it paid, gives its tickets the
// sale's next numbers, and makes its capture due (in a cancelled sale
// it is CodeLateSuccess: the order is cancelled, its tickets return, and the attempt
// is remembered in VoidsDue); rejected
// and cancelled make it reserved again while deadline > the holds' time and the sale is not
// cancelled (with provider_unavailable an earlier deadline than PaymentLeeway from now is
// moved there before, once in an order's life, and each time that the attempt was in the line),
// else it is expired (cancelled, if the sale is) and its tickets
// return and promote runs; unknown changes nothing. The order shows the reason
// until its next attempt begins. For any other attempt:
// accepted again for the attempt that paid a paid or refunded order is CodeOK;
// accepted again for an attempt that was voided is CodeStaleAttempt; accepted
// otherwise is CodeLateSuccess and is remembered in VoidsDue; anything else is
// CodeStaleAttempt. pay_voided(order, attempt, outcome) clears that mark: the attempt's money
// was refunded, or was never taken (cancelled). It is CodeBadRequest with another outcome
// and for an attempt that never began, CodeStaleAttempt when the mark is not set, and
// CodeNotCancellable when the attempt's capture was committed and the outcome is cancelled:
// captured money is back when it was refunded, and not before. pay_captured(order, attempt,
// amount) says that the money of the newest attempt was captured: its capture is due no more;
// CodeStaleAttempt when it was not due, CodeBadRequest as above, CodeAmountMismatch unless the
// amount is price x (quantity + the tickets of the newest parts that were refunded, none to
// all of them). The other, older parts are spared: their money was never taken.
//
// Of an order that costs nothing, no capture is ever due and no attempt is remembered in
// VoidsDue, here and below, and a part that is refunded is spared at once: accepted for
// another attempt than the live one and the one that paid is CodeStaleAttempt.
//
// pay_bounced(order, attempt, count, reason) says that the count-th refund of an attempt failed.
// It is CodeBadRequest for count 0, a reason that is none of a refund's, or an attempt that
// never began; CodeStaleAttempt when the attempt's money neither must go back nor went, or
// count is not that of the refund which was sent last, RefundsMax at most. Else the money must go back again
// (VoidsDue), or its return has failed (Failed): after RefundsMax failures, or at once when
// the reason is disputed or refund_refused. Of a failed return pay_voided(refunded) is OK:
// the money is back by another way. pay_result(accepted) is CodeStaleAttempt.
//
// acknowledge(order, attempt, part, note) says that a seller has seen that the refund of an attempt,
// or of a part, failed for good (Acknowledged). It is CodeBadRequest for an empty note or one over
// NoteBytesMax, an attempt that never began, or a part that there is not; CodeNotFailed when its
// refund has not failed, or the part is not of that attempt, which is the newest; told again it is
// CodeOK. A return that fails once more is to be acknowledged anew.
//
// accept_account(account, note) lets new charges be made under an account; told again it is CodeOK.
// CodeBadRequest for what is no account or no note, CodeAccountLimit when AccountsMax were named.
// A copy (BirthCopy) has none that is accepted.
//
// settle(order, attempt, outcome, part, amount, note) says what an operator knows of an attempt's money,
// which is under another account than the accepted one: while it waits for a word, CodeAccountInUse when
// it is not. CodeBadRequest for another outcome, no note, an attempt that never began, a part
// that there is not or with another outcome than refunded, an amount with cancelled and none with
// the others. What is so already is CodeOK, under whatever account, and changes nothing.
//
//   - accepted, that an attempt's money was captured: CodeStaleAttempt unless it is the newest;
//     a paying order is paid, and what was paid is captured, as pay_captured does
//     (in a cancelled sale a paying order is CodeLateSuccess, as for pay_result, and is so again).
//     CodeAmountMismatch unless the amount is what the attempt was for, while it is paying or was too late;
//     what pay_captured takes; or what was captured
//
//   - cancelled, that an attempt took nothing: the live one ends as pay_result does;
//     CodeNotUnsettled of one that was accepted, or whose money must go back, went, or could not
//
//   - refunded, that the money of an attempt is back that had to go (VoidsDue), or of a part:
//     CodeAmountMismatch unless the amount is the attempt's, without the parts whose money
//     was spared or went back before, or the part's; CodeStaleAttempt for a part with another
//     attempt than the newest
//
// CodeNotUnsettled when nothing of the attempt or part waits for that word, and of what costs nothing.
//
// refund(order, quantity, key, tickets): CodeNotPaid unless the order is paid or refunded. With quantity
// 0 or the order's, paid becomes refunded, its tickets are withheld until
// sale_release, its capture is not due any more, and the attempt that paid is
// remembered in VoidsDue; the money of parts that must go back, or whose return failed, goes
// with it (joined). Refunded again is CodeOK. With fewer a part is refunded: it leaves the
// order, its tickets are withheld, and its money is due: it must not be captured, or must go
// back. Keys as for cancel; CodeKeyReused also when tickets are named that are not those of the part.
//
// What is refunded is revoked: the whole order's tickets, or those of a part, which the command
// names (by number, ascending, as many as its quantity, else CodeBadRequest; CodeUnknownTicket when
// the order does not have one, or not any more). When it names none they are the order's highest
// that are not revoked.
//
// pay_voided and pay_bounced with a part, which is numbered from 1 on, are about that part's
// money alone: CodeBadRequest for one that the order does not have or an attempt that never
// began; CodeStaleAttempt unless the order is paid and captured, and the attempt the newest.
// pay_voided of a part that is due, or whose return failed: CodeNotCancellable when the
// outcome is cancelled, else it is returned; of another one CodeStaleAttempt. pay_bounced of a
// part that is due or returned, and the count-th refund of which was sent last: it is due
// again, or has failed, as above; else CodeStaleAttempt.
//
// pay_disputed(order, attempt, status, amount, evidence by) says how a dispute of captured money
// stands (Dispute). It is CodeBadRequest for an unknown status, an amount below 1 or an attempt
// that never began, CodeStaleAttempt when the attempt's capture was not committed, or the
// dispute stands so already. Nothing else of the order changes.
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
// moves nothing. Any other cause forgets all sessions, and lets all attempts leave the line as
// pay_called does; copy forgets all births before it. It
// is OK again, at the next seq, when it is alone in its batch and the last birth has its
// cluster id. Else it is CodeBadRequest.
//
// level(n, actor) raises the level of the formats in which the cluster writes. It is OK when
// n is the level and one, at most LevelBound; else, and among a front-end's commands, it is
// CodeBadRequest. Nothing is decided otherwise by it.
//
// Every sale has a revision: 1 when it is created, one more with each seller's
// command on it that is CodeOK. sale_update, sale_quantity, sale_release and sale_extend may carry one: once
// the sale was found, any other than the sale's is CodeSaleChanged, before anything
// else of the command is looked at.
//
// sale_create(spec): CodeBadRequest for a bad spec, CodeSaleExists,
// CodeSaleLimit; else the next number. The other seller's commands on an unknown
// sale are CodeUnknownSale; their results carry the sale's number.
//
//   - sale_update(spec): a bad spec or another id is CodeBadRequest; a closed sale
//     CodeClosed; from its start on, when anything but Waitlist, Hold, PromotedHold,
//     SkipUnfit, ExpiredHoldsMax, CoolDown, BuysPerSecond and Zone is another one, CodeSaleStarted; else the spec is
//     replaced, and from the start on promote runs
//
//   - sale_pause, sale_resume: CodeClosed when closed; else CodeOK, also again; after
//     sale_resume promote runs
//
//   - sale_close: no more buys; all that wait are cancelled. CodeOK also again
//
//   - sale_cancel: closes, and in seq order cancels every reserved order
//     (EventCancelled) and refunds every paid one (EventRefunded). Paying orders
//     wait for their outcome. CodeOK also again
//
//   - sale_quantity(n): n is 0 or beyond ±TicketsMax: CodeBadRequest; closed:
//     CodeClosed; fewer than sold + held + withheld, fewer than 1 or more than
//     TicketsMax: CodeInvalidQuantity; else the quantity changes and promote runs
//
//   - sale_release(n): n outside 1..withheld is CodeInvalidQuantity; else the
//     tickets are available again and promote runs
//
//   - sale_extend(duration): outside 1..DurationMax is CodeBadRequest; else the deadline
//     of every reserved and paying order of the sale moves by it
//
// outage(from, to, seconds) says that nobody led between two times of the log. It is
// CodeBadRequest unless it is alone in its batch, from is the state's time, and to lies
// behind it and not beyond TimeMax. Else the state's time is to, of which the holds' time
// stops for the whole outage, or as long as a stop may last, and advance runs.
//
// hold_stop(seconds) stops the holds' time until hold_go, or as long as a stop may last.
// Stopped again, or let go on again, nothing changes. An outage meanwhile is part of the
// stop.
//
// How long a stop may last: the stops of one hold together take the command's seconds at
// most. They are counted in windows of the holds' time. longest is the longest hold, of
// those that sales have now, with its grace. When a stop begins and the current window
// began longest ago or more, a new one begins; what the one before had still counts,
// unless that began twice as long ago or more. The stop may last what is left of the
// seconds after the stops of both. So a hold, which lies in two windows at most, has no
// more.
//
// # Invariants
//
// After every decision sold + held + withheld + available == quantity in every
// sale; its tickets have the numbers from 1 on, each once, and as many as are sold are not revoked; what was captured of an order is price x (its paid tickets + those of parts, or of the
// whole, whose money went back or must go back); held + sold + waiting tickets of a user are at most the cap (as it was
// when they were decided). A broken invariant panics with both sides shown.
package sequencer
