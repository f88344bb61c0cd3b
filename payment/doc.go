// Package payment speaks to payment providers, the one place where two systems must
// agree.
//
// # The protocol
//
// A Desk runs beside each node and works while its node leads. For one attempt to pay
// an order:
//
//  1. pay_begin is committed: the order is paying, the attempt has a number, and the
//     order's tickets are safe until the provider's word is known.
//  2. the provider authorises the amount under a key that no other attempt of any cluster
//     ever has, so that asking twice charges once.
//  3. pay_result is committed: paid, or reserved again. Now the buyer is answered.
//  4. the money is captured, and pay_captured is committed.
//
// # Whose charge it is
//
// The key (sequencer.PaymentRef) is the id of the birth in which the order's seq lies, the
// order's uid and the attempt's number. Two clusters on one account of the provider, or one
// that was restored from a backup, may give out one uid twice; a birth is drawn at random
// and covers a stretch of seqs that nobody else decides. An order keeps its birth when the
// cluster is born again, so what it paid after the backup is found by the key and is its
// own. The charge carries all of it at the provider, with a digest of the buyer, and is
// compared as a whole wherever it is met: one that differs in anything belongs to another.
// It is refused (ErrConflict), neither captured nor given back, and counted for an alarm;
// an attempt that met one is over.
//
// Orders of before a copy's birth are another cluster's: nobody here asks the provider
// about them, and they are counted.
//
// # What if we die here?
//
// Before 1 is committed: nothing happened. After 1, before or after 2: the order is
// paying in every replica's state. The next leader's desk finds it among the unsettled
// orders and asks the provider by the key: authorised becomes accepted, declined
// becomes rejected; an attempt that the provider never heard of, or that stays without
// an outcome for AbandonAfter, is cancelled there first — from then on the provider
// refuses that key for ever, so that an authorisation of the dead leader that is still
// on its way can charge nobody — and only then is the order reserved again. After 3:
// the order shows that its capture is due, and capturing twice captures once. After
// 4's capture, before its commit: the same.
//
// Money that came for nothing (a success that became known after its order was gone,
// a refund by the seller, a cancelled sale) is in the state as a void that is due,
// until the provider has said that it is void or refunded. It was authorised once, so a
// provider that never heard of it has lost its books, or is asked with another account's
// key: that is no answer, nothing is made there that could be cancelled instead, and of
// money whose capture is committed nothing but "refunded" is one.
//
// Two desks may work at once for a moment, when a leader does not know yet that it
// leads no more. Every step at the provider may be repeated, and the provider gives
// the steps of one key one order; every commit goes through the one log. So what they
// do together is what one of them would have done.
//
// # Trade-offs
//
// That an attempt is given up is not in the log before it is cancelled. Who sent a
// cancellation and heard no answer accepts that attempt no more; but a leader that loses
// its office then cannot tell its successor. If the attempt, which had no outcome for
// AbandonAfter, is authorised in just that moment, accepted and captured by the successor,
// and the cancellation arrives only then, the tickets are paid and the money is back.
// Reconciling names it. A commit before each cancellation would close that gap.
package payment
