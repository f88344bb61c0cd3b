// Command nemesis breaks a cluster of real processes on purpose, and checks that
// nobody who was told something was told wrong (Kingsbury's Jepsen is the model:
// https://jepsen.io).
//
// Three nodes, two front-ends and the payment provider run in network namespaces of
// their own. Buyers buy, repeat themselves, cancel and pay through every door, also one of two
// tickets, authenticate (3-D Secure) or stay away until the end, and
// write down when they asked and what they were told. Meanwhile faults are drawn from
// a seeded deck and overlap: kills, pauses, partitions both ways and one way, full
// disks, failing fsyncs, calls that hang, clocks that jump or are wrong from the start, outages
// of the provider, joins, removals, transfers and restarts; all voters are suspended, alone. In
// between there is calm: then buys must succeed within RecoveryMax. A cluster of one node is
// suspended beside them.
//
// At the end everything is healed and stopped, and the history is held against the
// journals:
//
//   - every answered purchase is in the journal under its seq, with that outcome (P3, P9);
//   - who was answered before another asked has the lower seq (P4), by one sweep in
//     O(n log n);
//   - a key made at most one order, and was never refused once that was told (P5);
//   - small sales of their own are linearizable, unknown outcomes modelled as such, by
//     porcupine;
//   - by true time, which is this process' clock: each purchase was decided between its call and
//     its answer, no sale opened before its instant, no hold ended before its buyer was told
//     that it does, and nothing was silent while holds ran without an outage being given back
//     (P7);
//   - every journal is decided again by the second implementation of the rules, which
//     counts tickets, caps, holds and payments (P1, P2, P6, P7);
//   - all replicas have one state hash (P8);
//   - the provider's books agree with the orders (P6);
//   - no process keeps goroutines or memory that it does not need.
//
// It makes networks and disks of its own, so it needs root; it touches nothing of the
// machine's.
//
// A run in which too few faults of a class or too few requests happened proves
// nothing: it is void.
package main
