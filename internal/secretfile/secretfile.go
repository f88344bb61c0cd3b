// Package secretfile reads and makes files whose content nobody but their owner may know:
// secrets of tokens and peers, private keys, keys of payment providers.
//
// A file that other users of the machine can read is refused: who was told where it lies
// has had it. Trade-offs: the mode bits are looked at, and no further access rules of the
// file system; a folder above the file that nobody else can enter would do as well and does
// not count, because it may be copied out of there as it is.
package secretfile

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"onsale/internal/durable"
)

// RandomBytes is how many random bytes a file that is made holds.
const RandomBytes = 32

// ErrExposed is returned for a file that users of the machine can read or change who may
// not.
var ErrExposed = errors.New("is no secret")

// bytesMax bounds what is read of a file: no secret or key is as long.
const bytesMax = 1 << 20

// Read returns the content of a secret file; ErrExposed, or what the system says.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := judge(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, bytesMax+1))
	if err == nil && len(data) > bytesMax {
		err = fmt.Errorf("%s has more than %d bytes", path, bytesMax)
	}
	return data, err
}

// Check says what Read would of a file that another package reads: a pipe is read once.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return judge(path, info)
}

// The bits of a file's mode that are looked at.
const (
	othersRead  fs.FileMode = 0o004
	othersWrite fs.FileMode = 0o002
	groupRead   fs.FileMode = 0o040
	groupWrite  fs.FileMode = 0o020
)

func judge(path string, info fs.FileInfo) error {
	mode := info.Mode()
	switch {
	case mode.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case mode&othersRead != 0:
		return exposed(path, mode, "every user of this machine can read it")
	case mode&(othersWrite|groupWrite) != 0:
		return exposed(path, mode, "others than its owner can change it")
	}
	return nil
}

func exposed(path string, mode fs.FileMode, how string) error {
	return fmt.Errorf("%s %w: %s (mode %04o); say chmod 600 %s, and make a new one unless nobody else was there",
		path, ErrExposed, how, mode.Perm(), path)
}

// GroupReads reports whether a file's group can read it, other than one of root's, which is
// how systemd and packages hand a key to a service. A file that is not there has none.
func GroupReads(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&groupRead == 0 {
		return false
	}
	system, known := info.Sys().(*syscall.Stat_t)
	return !known || system.Uid != 0
}

// Make makes a file with fresh random bytes in hexadecimal, for its owner alone, and the
// folder where there is none. It is never seen in part: a crash leaves either none or a
// whole one, and of two processes that make it both read the first one's. A file that is
// there stays.
func Make(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".secret-") // for the owner alone
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // linked when all went well
	fresh := make([]byte, RandomBytes)
	rand.Read(fresh) // never fails
	_, err = f.WriteString(hex.EncodeToString(fresh) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncFolder(dir)
}

// Lines returns the lines of a file's content without white space around them, and without
// empty ones.
func Lines(content []byte) (lines [][]byte) {
	for line := range bytes.Lines(content) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}
