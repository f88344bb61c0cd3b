// Package result is what a run of the suite measured: the targets with their raw
// rounds, the peers, the curves of growth, and where all of it was measured. It is one
// JSON document, and from it alone come the report, the README's table and the
// comparison of two runs. It measures nothing and imports nothing of ours.
package result
