package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"onsale/internal/procs"
)

// inNamespace is set in the process that has a network and mounts of its own.
const inNamespace = "NEMESIS_IN_NAMESPACE"

// Exit codes.
const (
	exitFound = 1 // a violation, or a run that could not be made
	exitVoid  = 2 // too little happened: the run proves nothing
)

func main() {
	if os.Getenv(inNamespace) == "" {
		os.Exit(again())
	}
	report, err := command()
	if err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
		os.Exit(exitFound)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(report); err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
		os.Exit(exitFound)
	}
	switch {
	case report.Verdict.Count > 0:
		os.Exit(exitFound)
	case len(report.Void) > 0:
		os.Exit(exitVoid)
	}
}

// again runs this program in namespaces of its own; they, and all processes in them, end
// with it.
func again() int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
		return exitFound
	}
	command := exec.Command("unshare", append([]string{"--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", self}, os.Args[1:]...)...)
	command.Env = append(os.Environ(), inNamespace+"=1")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = procs.EndWithParent(nil)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT) // is the other's, which checks what it has
	err = command.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
		return exitFound
	}
	return 0
}

func command() (report *Report, err error) {
	var o Options
	var keep bool
	flag.StringVar(&o.Program, "program", "bin/onsale", "the program to break")
	flag.DurationVar(&o.Duration, "duration", 3*time.Minute, "for how long; an interrupt ends it earlier, and what happened is checked")
	flag.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano()), "of the faults' schedule")
	flag.IntVar(&o.Clients, "clients", 24, "buyers at once")
	flag.Float64Var(&o.RequestsPerSecondMin, "requests-per-second-min", 500, "a run that answers fewer is void")
	flag.BoolVar(&keep, "keep", false, "keep logs and journals")
	flag.Parse()
	if o.Program, err = filepath.Abs(o.Program); err != nil {
		return nil, err
	}
	if o.Dir, err = os.MkdirTemp("", "onsale-nemesis-"); err != nil {
		return nil, err
	}
	o.Log = os.Stderr
	fmt.Fprintln(os.Stderr, "seed", strconv.FormatUint(o.Seed, 10)+", folder", o.Dir)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	enough, end := signal.NotifyContext(ctx, syscall.SIGINT)
	defer end()
	o.Enough = enough.Done()
	report, err = Run(ctx, o)
	if keep || err != nil || report.Failed() {
		fmt.Fprintln(os.Stderr, "logs and journals are kept in", o.Dir)
		return report, errors.Join(err, Keep(o.Dir))
	}
	return report, Clean(o.Dir)
}
