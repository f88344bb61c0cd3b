package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"onsale/audit"
)

// ErrOptions is returned when an option breaks its bound.
var ErrOptions = errors.New("bad bench options")

// Setup says which nodes a run starts for itself, as processes on this machine.
type Setup struct {
	Program    string // the onsale binary
	DataParent string // where the temporary data goes; "" is the system's folder
	Nodes      int
	NodeFlags  []string // further ones of every node
	ProfileDir string   // where the nodes' CPU profiles go; "" for none
	Log        io.Writer
}

// AddFlags lets a command line choose the nodes.
func (s *Setup) AddFlags(f *pflag.FlagSet) {
	f.IntVar(&s.Nodes, "nodes", s.Nodes, "nodes to start, as processes on this machine")
	f.StringArrayVar(&s.NodeFlags, "node-flag", nil, "further flag of every node, may be given several times")
	f.StringVar(&s.ProfileDir, "cpu-profiles", "", "folder for a CPU profile of each node's first ten seconds, made when it is missing")
	f.StringVar(&s.DataParent, "data-parent", "", "folder below which the temporary data goes")
}

const nodesMax = 9

// check returns ErrOptions when there are too few nodes, or too many.
func (s *Setup) check(least int) error {
	if s.Nodes < least || s.Nodes > nodesMax {
		return fmt.Errorf("%w: %d nodes, allowed are %d to %d", ErrOptions, s.Nodes, least, nodesMax)
	}
	return nil
}

// Ending is how the nodes of a run ended.
type Ending struct {
	Replicas []nodeStatus  `json:"replicas"`
	Audits   []AuditReport `json:"audits"`
}

// AuditReport is what the audit of one node's journal said.
type AuditReport struct {
	Node     string  `json:"node"`
	Verdict  string  `json:"verdict"`
	Requests uint64  `json:"requests"`
	Findings uint64  `json:"findings"`
	Seconds  float64 `json:"seconds"`
}

// Exact returns nil when every audit is clean.
func (e *Ending) Exact() error {
	for _, a := range e.Audits {
		if a.Verdict != string(audit.VerdictClean) {
			return fmt.Errorf("%w: the audit of %s says %q (%d findings)", errInexact, a.Node, a.Verdict, a.Findings)
		}
	}
	return nil
}

var errInexact = errors.New("the sale was not exact")

func (e *Ending) print(w io.Writer) {
	for _, s := range e.Replicas {
		fmt.Fprintf(w, "replica %-10s seq %d, state hash %s, journal hash %.16s…\n", s.NodeID, s.Seq, s.StateHash, s.JournalHash)
	}
	for _, a := range e.Audits {
		fmt.Fprintf(w, "audit of %-9s %s: %d requests decided again, %d findings, %.1f s\n", a.Node, a.Verdict, a.Requests,
			a.Findings, a.Seconds)
	}
}

// run does something with nodes of its own, compares their states and audits their journals
// unless it failed, and leaves nothing behind.
func (s *Setup) run(ctx context.Context, diskDelay time.Duration, e *Ending, do func(*cluster) error) error {
	if s.ProfileDir != "" {
		if err := os.MkdirAll(s.ProfileDir, 0o750); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.Log, "starting %d node(s)\n", s.Nodes)
	c, err := startCluster(ctx, s, randomSecret(), diskDelay)
	if err != nil {
		return err
	}
	profiled := c.profile(ctx)
	err = do(c)
	if err = errors.Join(err, profiled()); err == nil {
		e.Replicas, err = c.converge(ctx)
	}
	e.Audits, err = c.finish(err)
	return err
}

// finish ends the processes, audits every node's journal unless something failed before, and
// removes the data.
func (c *cluster) finish(failed error) (audits []AuditReport, err error) {
	err = errors.Join(failed, c.terminate())
	for _, n := range c.nodes {
		if err != nil {
			break
		}
		fmt.Fprintln(c.setup.Log, "auditing the journal of", n.id)
		var found *audit.Report
		if found, err = audit.Run(filepath.Join(n.dataDir, "journal"), audit.Options{}); err == nil {
			audits = append(audits, AuditReport{n.id, string(found.Verdict), found.Requests, found.FindingCount, found.Seconds})
		}
	}
	return audits, errors.Join(err, os.RemoveAll(c.dir))
}
