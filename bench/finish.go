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
func (c *cluster) terminate() error { return errors.Join(terminate(c.frontEnds), terminate(c.nodes)) }

func terminate(nodes []*node) error {
	errs := make([]error, len(nodes))
	var group sync.WaitGroup
	for i, n := range nodes {
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

// finish ends the processes, audits every node's journal unless something failed before, and
// removes the data.
func (c *cluster) finish(failed error, log io.Writer) (audits []AuditReport, err error) {
	err = errors.Join(failed, c.terminate())
	for _, n := range c.nodes {
		if err != nil {
			break
		}
		fmt.Fprintln(log, "auditing the journal of", n.id)
		var found *audit.Report
		if found, err = audit.Run(filepath.Join(n.dataDir, "journal"), audit.Options{}); err == nil {
			audits = append(audits, AuditReport{n.id, string(found.Verdict), found.Requests, found.FindingCount, found.Seconds})
		}
	}
	return audits, errors.Join(err, os.RemoveAll(c.dir))
}
