package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"onsale/audit"
)

// terminate ends the processes and waits for them; the data stays.
func (c *cluster) terminate() error {
	var errs []error
	for _, n := range c.nodes {
		if n.command == nil || n.command.Process == nil {
			continue
		}
		n.command.Process.Signal(syscall.SIGTERM)
	}
	for _, n := range c.nodes {
		if n.command == nil || n.command.Process == nil {
			continue
		}
		timer := time.AfterFunc(20*time.Second, func() { n.command.Process.Kill() })
		if err := n.command.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", n.id, err))
		}
		timer.Stop()
		n.command = nil
		n.log.Close()
	}
	return errors.Join(errs...)
}

// kill ends a node's process as a crash does.
func (n *node) kill() error {
	if err := n.command.Process.Kill(); err != nil {
		return err
	}
	return n.reap()
}

// reap waits for a node's process that was killed.
func (n *node) reap() error {
	_ = n.command.Wait() // it was killed
	return n.log.Close()
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
