// Command mutants measures what the tests would notice: it changes one thing in one
// function, such as < to <=, runs the tests that should find it, and counts how many
// of a random sample they find. The seed is printed and accepted as a flag.
//
// Nothing in the tree changes: the compiler reads the changed file from a temporary
// folder (go test -overlay). A mutant is killed when a test fails or hangs; one that
// does not compile is replaced by the next of the sample; one in the list of
// equivalents, which changes nothing that is promised, is left out.
//
// Arguments of panic, fmt.Errorf and errors.New, and what is logged, are not changed:
// they are words for people. Neither are the places of failpoints, which a program does
// not have, and declarations outside functions: tests name the bounds that they reach.
//
// # Trade-offs
//
// Each mutant costs a build and a run of tests, as a short one (go test -short), so that
// a sample is what a night can afford; what only a whole run would find counts as not
// found. A suite ends after three times what it took without a mutant, 20 s at least: on
// a machine that others use, a mutant that is slow may be taken for one that hangs.
//
// A score has the error of a sample: 60 mutants tell 90 % from 80 %, not from 93 %.
// Maintained tools try all mutants of a module, in a copy of it or in its files, and
// know neither seeds nor samples; this one is as long as its table of operators.
package main
