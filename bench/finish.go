package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"onsale/audit"
)

// stopMax is how long a node may take to stop.
const stopMax = 20 * time.Second

// terminate ends the processes and waits for them; the data stays.
func (c *cluster) terminate() error {
	errs := make([]error, len(c.nodes))
	var group sync.WaitGroup
	for i, n := range c.nodes {
		if n.process == nil {
			continue
		}
		group.Go(func() {
			code, err := n.process.Stop(stopMax)
			if err == nil && code != 0 {
				err = fmt.Errorf("node %s ended with exit code %d", n.id, code)
			}
			errs[i], n.process = err, nil
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// audit checks every node's journal after the nodes were stopped, and that they tell
// the same history.
func (c *cluster) audit(log io.Writer) (audits []AuditReport, err error) {
	for _, n := range c.nodes {
		fmt.Fprintln(log, "auditing the journal of", n.id)
		found, err := audit.Run(filepath.Join(n.dataDir, "journal"), audit.Options{})
		if err != nil {
			return audits, fmt.Errorf("audit of %s: %w", n.id, err)
		}
		audits = append(audits, auditOf(n.id, found))
	}
	return audits, nil
}

// finish ends the processes, audits the journals unless something failed before, and
// removes the data.
func (c *cluster) finish(failed error, log io.Writer) (audits []AuditReport, err error) {
	if err = errors.Join(failed, c.terminate()); err == nil {
		audits, err = c.audit(log)
	}
	return audits, errors.Join(err, os.RemoveAll(c.dir))
}

// stop ends the processes and removes the data.
func (c *cluster) stop() error {
	return errors.Join(c.terminate(), os.RemoveAll(c.dir))
}
