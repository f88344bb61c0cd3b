// Package bench loads a sale over real HTTP and reports what came of it: how
// fast, how late, how many, at which cost, and whether the books are right. The
// load shares the machine with the nodes, and its own CPU time is reported.
package bench
