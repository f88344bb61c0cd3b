package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// process is a server that this program started.
type process struct {
	command *exec.Cmd
	stop    syscall.Signal // asks it to end
	logPath string
	dead    chan struct{}
	cause   error // why it ended, once dead
}

// stopMax is how long a process may take to end before it is made to.
const stopMax = 20 * time.Second

func startProcess(command *exec.Cmd, stop syscall.Signal, logPath string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	if command.Stdout == nil {
		command.Stdout = log
	}
	command.Stderr = log
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Pdeathsig = syscall.SIGQUIT // never left behind
	if err := command.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	p := &process{command: command, stop: stop, logPath: logPath, dead: make(chan struct{})}
	go func() {
		p.cause = command.Wait()
		log.Close()
		close(p.dead)
	}()
	return p, nil
}

func (p *process) pid() int { return p.command.Process.Pid }

func (p *process) end() error {
	_ = p.command.Process.Signal(p.stop) // it may be dead already
	select {
	case <-p.dead:
		return nil
	case <-time.After(stopMax):
		_ = p.command.Process.Kill()
		<-p.dead
		return fmt.Errorf("%s did not stop within %v", p.command.Path, stopMax)
	}
}

// await asks until the server answers.
func (p *process) await(ready func() error) error {
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = ready(); err == nil {
			return nil
		}
		select {
		case <-p.dead:
			return fmt.Errorf("%s ended (%w): %s", p.command.Path, p.cause, p.lastLog())
		default:
		}
	}
	return fmt.Errorf("%s is not ready after 30 s: %w: %s", p.command.Path, err, p.lastLog())
}

func (p *process) lastLog() []byte {
	data, _ := os.ReadFile(p.logPath)
	return bytes.TrimSpace(data[max(0, len(data)-1000):])
}

// errMissing is returned when a program that a peer needs is not installed.
var errMissing = errors.New("not installed")

// find returns a program of a Debian package; PostgreSQL's are not in the path.
func find(program, debianPackage string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	paths, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if len(paths) == 0 {
		return "", fmt.Errorf("%s: %w: apt install %s", program, errMissing, debianPackage)
	}
	slices.Sort(paths)
	return paths[len(paths)-1], nil
}

// unprivileged gives a directory to a user who is not root, and returns how to become
// that user: PostgreSQL refuses to run as root. It returns nil for who is not root.
func unprivileged(directory string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, errUID := strconv.Atoi(account.Uid)
	gid, errGID := strconv.Atoi(account.Gid)
	if err := errors.Join(errUID, errGID, os.Chown(directory, uid, gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
