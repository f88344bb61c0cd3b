// Command moneydrill sells beside a payment provider that has its worst day, and checks to
// the cent where the money is at the end. Three nodes, a front-end and the sandbox are
// processes on loopback: no root, no namespaces, no fixed ports. Whatever it starts ends with
// it.
//
// # What is done
//
// Buyers come at a steady rate, each somebody new: they buy one ticket or two, give one or
// both back, pay with every kind of means (accepted, declined, lost, late, never, 3-D Secure
// completed, refused and abandoned, refunds that fail days later, disputes), and ask again
// when an answer is lost. A seller refunds, refunds one of two, and cancels sales.
//
// Two hands strike meanwhile, each after a schedule that a seed decides alone: one the
// processes of ours (leader, follower, front-end, all nodes), the other the provider: killed,
// down, slow, refusing with 429, its books lost and restored, another account's key in its
// place, which an operator accepts for a while. See schedule.go.
//
// # What is checked
//
// At the end all is healed and settles. An order that is still paying is asked for its deadline, its
// hold and grace, which is ten minutes later after a call that failed: the end waits until then, says
// so, and calls an order that is paying beyond it stuck. See deadline.go. Then the drill's own ledger, from what buyers and
// seller were told and from the orders as their buyers list them, is held to the provider's
// books, which it reads itself, in minor units:
//
//	captured = price x paid tickets + returned + due
//
// for every order and in each currency, one charge at most keeping money. And it predicts by
// itself what `onsale payments reconcile` must name at each account: each difference with its
// amount and a cause that the drill made (a refund that failed, a dispute), and none other.
// Books that nobody accepted are empty. See check.go and named.go.
//
// A run that struck no fault of a class that it names, or in which a kind of payment did not
// come, is void.
package main
