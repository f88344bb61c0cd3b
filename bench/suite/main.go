// Command suite measures the targets T1 to T10, keeps what came of it, and writes the
// tables of the README and of docs/measurements.md. It also has what needs no place in the
// program that sells: more load than a node can take.
// It runs in the source tree; the Makefile's bench targets call it.
//
// The suite runs the benchmarks of the packages, the comparison with peers and `onsale
// bench`, each as a process of its own under a time limit. It says what to run, how often,
// in which turn, and which number of the output is which figure. Whatever is a ratio is
// measured in rounds, and within a round everybody has a turn, so that all see the same
// machine. A step that fails does not end the run: its figures say why they are not there,
// and the result is written after every step.
//
// Results are text in Go's benchmark format, so that benchstat compares two of them, and a
// person reads them. Of one, the newest full run, come the tables; nothing in them is typed.
//
// # Trade-offs
//
// It is a program of its own: it needs the source tree and the Go tool, which an operator
// has not, and what is measured should not change because the measuring changed. Steps read
// the JSON and the benchmark lines that their commands print, so a command that is renamed
// breaks its step; it says so. There are no charts: who wants one has the numbers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "suite:", err)
	if errors.Is(err, errOptions) || errors.Is(err, bench.ErrOptions) {
		os.Exit(2)
	}
	os.Exit(1)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{Use: "suite", Short: "Measure the targets, and report what came of it",
		SilenceUsage: true, SilenceErrors: true,
		Long: `suite measures the targets T1 to T10 with what they are compared with, step by step, and
writes one document in Go's benchmark format. A step that fails is told and does not end
the run.

Exit codes: 0 everything was measured (met or not), 1 something failed, 2 wrong use.`}
	root.AddCommand(newRun(), newRender(), newOverload(), newRejoin(), newOrders())
	return root
}
