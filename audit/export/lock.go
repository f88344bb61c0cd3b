package export

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// ErrOtherExporter is returned when somebody else writes, or wrote, to a target.
var ErrOtherExporter = errors.New("another exporter writes there")

// Self names this process to others.
func Self() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("onsale export, process %d on %s", os.Getpid(), host)
}

// Lock takes a file that says who holds it and since when. It is held until it is closed, or the
// process ends. ErrOtherExporter names who has it.
func Lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path) // it only helps to find it
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrOtherExporter, strings.TrimSpace(string(holder))), file.Close())
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(Self()+", since "+time.Now().UTC().Format(time.RFC3339)+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
