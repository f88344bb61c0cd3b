package webhook

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"onsale/api/contract"
)

// A value of the state file, whatever it holds: bbolt itself has no checksums of pages.
//
//	 0      1         5
//	+------+---------+------------+
//	| 0x01 | CRC-32C |  JSON …    |
//	+------+---------+------------+
//
// The first byte is the version; the checksum, in big endian, is of the version and the JSON.
// The keys of events are their numbers in big endian, 8 bytes, so that they are in order.
const (
	recordVersion     = 1
	recordHeaderBytes = 5
)

// Errors of the state file.
var (
	// ErrVersion is returned for a state file of another release.
	ErrVersion = errors.New("the state file has another version")
	// ErrDamaged is returned for a state file whose values are not what was written.
	ErrDamaged = errors.New("the state file is damaged")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// itemRecord is an item as the file has it, waiting or dead.
type itemRecord struct {
	Event    Event         `json:"event"`
	Attempts int           `json:"attempts,omitempty"`
	Waited   time.Duration `json:"waited_ns,omitempty"`
	Due      time.Time     `json:"due,omitzero"`
	Said     string        `json:"said,omitempty"`
	// DeadAt is when it was given up, by the wall clock, for people; zero while it waits.
	DeadAt time.Time `json:"dead_at,omitzero"`
}

// progress is what the file has of an endpoint besides its events.
type progress struct {
	// Position is behind all events that are in the file or need not be any more.
	Position string `json:"position"`
	Begun    bool   `json:"begun"`  // it has a position, which may be "": the oldest
	Number   uint64 `json:"number"` // of the last event
	// Failing is for how long nothing was taken, while a process tried.
	Failing time.Duration         `json:"failing_ns,omitempty"`
	Stopped *contract.WebhookStop `json:"stopped,omitempty"`
}

// The reasons for which an endpoint is stopped.
const (
	StopGone     = "gone"              // it answered 410
	StopDisabled = "disabled"          // it took nothing for disable_after
	StopDeadFull = "dead-letters-full" // DeadMax
	StopFeedGone = "feed-gone"         // the feed does not go back to its position
	StopCut      = "history-cut"       // the cluster was restored, and nobody knows to where
)

func encode(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	record := append(make([]byte, recordHeaderBytes), text...)
	record[0] = recordVersion
	binary.BigEndian.PutUint32(record[1:], sum(record))
	return record, nil
}

func sum(record []byte) uint32 {
	return crc32.Update(crc32.Checksum(record[:1], castagnoli), castagnoli, record[recordHeaderBytes:])
}

// decode fills into, or returns ErrVersion or ErrDamaged.
func decode(record []byte, into any) error {
	switch {
	case len(record) < recordHeaderBytes:
		return fmt.Errorf("%w: a value of %d bytes", ErrDamaged, len(record))
	case record[0] != recordVersion:
		return fmt.Errorf("%w: a value of version %d, this program knows %d", ErrVersion, record[0], recordVersion)
	case binary.BigEndian.Uint32(record[1:]) != sum(record):
		return fmt.Errorf("%w: a value's checksum is wrong", ErrDamaged)
	}
	if err := json.Unmarshal(record[recordHeaderBytes:], into); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

func numberKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

func (i *item) record() itemRecord {
	return itemRecord{Event: i.event, Attempts: i.attempts, Waited: i.waited, Due: i.due.Round(0).UTC(), Said: i.said}
}

// itemOf returns an item as a process finds it. A clock that was wrong when it was written, or is
// now, makes it wait for one pause of the schedule at most.
func itemOf(number uint64, r *itemRecord, now time.Time) *item {
	due := now
	if wait := r.Due.Sub(now); wait > 0 {
		due = now.Add(min(wait, delays[len(delays)-1]))
	}
	i := &item{number: number, event: r.Event, attempts: r.Attempts, waited: r.Waited, due: due, said: r.Said}
	if i.attempts > 0 {
		i.marked = now
	}
	return i
}
