package sandbox

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"onsale/payment"
	"onsale/sequencer"
)

// ErrBooks is returned when a file is not a sandbox's, or another process has it.
var ErrBooks = errors.New("sandbox: the books cannot be opened")

// Open opens the books, an empty file's or an existing one's. What was being processed
// when the last process died stays so until it is cancelled; whose buyer authenticates by itself
// does so, with the whole delay.
func Open(config Config) (*Books, error) {
	b := &Books{config: config, rate: newRate(config.CallsPerSecond), byKey: map[string]*payment.Entry{}, settled: map[string]chan struct{}{}, stop: make(chan struct{})}
	b.account = accountPrefix + cmp.Or(config.Account, newAccount())
	if config.Path == "" {
		return b, nil
	}
	file, err := os.OpenFile(config.Path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	b.file = file
	if err := b.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrBooks, config.Path, err), file.Close())
	}
	b.goOn()
	return b, nil
}

// goOn lets those authenticate who were to when the last process died.
func (b *Books) goOn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if does := behaviourOf(e.Method); e.Phase == payment.RequiresAction && does.delay > 0 {
			b.later(e.Charge, does)
		}
	}
}

// newAccount draws an account's id.
func newAccount() string {
	id := make([]byte, 8)
	rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// load locks the file, reads it, and cuts a torn last line.
func (b *Books) load() error {
	if err := unix.Flock(int(b.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another process has it: %w", err)
	}
	text, err := io.ReadAll(b.file)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for i, line := range bytes.Split(text[:whole], []byte{'\n'}) {
		if len(line) == 0 {
			continue
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		switch {
		case i == 0 && r.Version != recordsVersion:
			return fmt.Errorf("format %d, this program knows %d", r.Version, recordsVersion)
		case i == 0 && !sequencer.ValidAccount([]byte(accountPrefix+r.Account)):
			return fmt.Errorf("the account %q", r.Account)
		case i == 0:
			b.account = accountPrefix + r.Account
		case r.Entry == nil:
			return fmt.Errorf("line %d has no charge", i+1)
		default:
			b.enter(*r.Entry)
		}
	}
	if err := b.file.Truncate(int64(whole)); err != nil {
		return err
	}
	if _, err := b.file.Seek(int64(whole), io.SeekStart); err != nil {
		return err
	}
	if whole > 0 {
		return nil
	}
	return b.first()
}

// first writes the line that names the format, and makes the file's name durable.
func (b *Books) first() error {
	if err := b.write(record{Version: recordsVersion, Account: strings.TrimPrefix(b.account, accountPrefix)}); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(b.config.Path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// keep makes a change durable, then shows it. The caller holds the lock.
func (b *Books) keep(e payment.Entry) (*payment.Entry, error) {
	if b.file != nil {
		if err := b.write(record{Entry: &e}); err != nil {
			return nil, err
		}
	}
	b.config.Reached(Step(e.Phase))
	return b.enter(e), nil
}

// write appends a line. The first failure is final: file and memory disagree then.
func (b *Books) write(r record) error {
	if b.failure != nil {
		return b.failure
	}
	line, err := json.Marshal(r)
	if err == nil {
		_, err = b.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		b.failure = fmt.Errorf("%w: %w", ErrBooks, err)
	}
	return b.failure
}

// enter shows a charge as it stands now.
func (b *Books) enter(e payment.Entry) *payment.Entry {
	known := b.byKey[e.Key]
	if known == nil {
		known = new(payment.Entry)
		b.byKey[e.Key] = known
		b.entries = append(b.entries, known)
	}
	*known = e
	return known
}

// Close ends the books; webhooks that are under way are waited for.
func (b *Books) Close() error {
	var err error
	b.closed.Do(func() {
		close(b.stop)
		b.finished.Wait()
		if b.file != nil {
			err = b.file.Close()
		}
	})
	return err
}

// Entries returns a copy of all charges, in the order of their creation.
func (b *Books) Entries() []payment.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]payment.Entry, 0, len(b.entries))
	for _, e := range b.entries {
		all = append(all, *e)
	}
	return slices.Clip(all)
}
