// Command mutants measures what the tests would notice: it changes one thing in one
// function, such as < to <=, runs the tests that should find it, and counts how many
// of a random sample they find. The seed is printed and accepted as a flag.
//
// Nothing in the tree changes: the compiler reads the changed files from a temporary
// folder (go test -overlay). A function that is changed chooses among itself and its
// changed copies by an environment variable, so that one build has all mutants of a
// package's sample. Each test is run alone without a mutant, must pass, and says which
// mutants it reaches; those are tried with the tests that reach them. A mutant is killed
// when a test fails or hangs; one that does not compile is replaced by the next of the
// sample; one in the list of equivalents, which changes nothing that is promised, is left
// out.
//
// Arguments of panic, fmt.Errorf and errors.New, and what is logged, are not changed:
// they are words for people. Neither are the places of failpoints, which a program does
// not have, and declarations outside functions: tests name the bounds that they reach.
//
// # Trade-offs
//
// Each mutant costs runs of tests, as short ones (go test -short), so that a sample is
// what an hour can afford; what only a whole run would find counts as not found. The fast
// tests run before the slow ones, and the first that fails ends them. What fails is run
// again, and counts when it fails again: on a machine that others use, a test may fail
// though nothing is wrong, and by chance a test that draws its cases finds a mutant once
// only. What takes three times as long as without a mutant, 20 s at least, is run again
// alone with twice that time before it counts as hanging.
//
// A copy is called by its function: what a function allocates, and how deep its callers
// are, may differ from the program that is sold.
//
// A score has the error of a sample: 60 mutants tell 90 % from 80 %, not from 93 %.
// Maintained tools try all mutants of a module, in a copy of it or in its files, and
// know neither seeds nor samples; this one is as long as its table of operators.
package main
