package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"

	"onsale/internal/failpoint"
	"onsale/internal/procs"
)

// child is a process of this program that may die at any time, and is started again.
type child struct {
	program, logPath string
	args             []string
	pointFile        string // of its failpoints
	command          *exec.Cmd
	dead             chan struct{} // closed when it has ended
	starts           int
}

func (c *child) start() error {
	log, err := os.OpenFile(c.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	c.command = exec.Command(c.program, c.args...)
	c.command.Stdout, c.command.Stderr = log, log
	c.command.Env = append(OwnEnvironment(), failpoint.Variable+"="+c.pointFile)
	c.command.SysProcAttr = procs.EndWithParent(nil) // never left behind
	if err := c.command.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	c.starts++
	dead := make(chan struct{})
	c.dead = dead
	command := c.command
	go func() {
		_ = command.Wait() // how it ended is told by what it did
		log.Close()
		close(dead)
	}()
	return nil
}

// dieAt lets the process die when it has come by a place so often, from now on or from
// its next start on.
func (c *child) dieAt(point failpoint.Name, passes int) error {
	return os.WriteFile(c.pointFile, []byte(failpoint.Crash(point, passes)), 0o600)
}

// stayAlive takes back where the process was to die.
func (c *child) stayAlive() error {
	if err := os.Remove(c.pointFile); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isDead reports whether the process has ended.
func (c *child) isDead() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// end asks the process to stop, and makes it when it does not.
func (c *child) end() error {
	if c.command == nil || c.isDead() {
		return nil
	}
	_ = c.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.dead:
		return nil
	case <-time.After(20 * time.Second):
		_ = c.command.Process.Kill()
		<-c.dead
		return fmt.Errorf("%s did not stop within 20 s", c.logPath)
	}
}
