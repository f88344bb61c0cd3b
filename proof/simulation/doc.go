// Package simulation plays whole sales on a small cluster that exists only in
// memory: replicas with logs and snapshots, leaders that lose what was not committed,
// front-ends, clients that repeat what was not answered, desks, and a payment provider
// whose answers get lost. One seed is one run on one goroutine and is replayed exactly;
// real are the state machine and its codecs, everything around it is a model.
//
// Every step is held against the promises P1 to P9 (properties_test.go has a checker
// for each) and every decision against package naive. docs/correctness.md says what
// the model leaves out.
//
// The package has tests only.
package simulation
