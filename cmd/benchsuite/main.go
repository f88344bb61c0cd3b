// Command benchsuite measures the targets T1 to T9 (bench/suite), keeps what came of it
// as one JSON document, and makes the report and the README's table of it. It runs in
// the source tree; `make bench` and `make bench-quick` call it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"onsale/bench/suite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "benchsuite:", err)
	if errors.Is(err, suite.ErrOptions) {
		os.Exit(2)
	}
	os.Exit(1)
}
