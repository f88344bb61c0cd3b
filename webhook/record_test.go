package webhook

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/golden"
)

// someRecords are one of each kind, with every field.
func someRecords() map[string]any {
	at := time.Date(2026, 11, 1, 9, 0, 0, 5_000_000, time.UTC)
	event := Event{ID: "5c1f0e9a7b3d2846-811-0", Type: "onsale.order.paid.v1", Subject: "AAAQ0000000B4", Time: at, Body: []byte(`{"id":"<x>"}`)}
	return map[string]any{
		"waiting": &itemRecord{Event: event, Attempts: 3, Waited: 90 * time.Second, Due: at.Add(time.Minute), Said: "failed: answered 500"},
		"dead":    &itemRecord{Event: event, Attempts: 21, Waited: GiveUpAfter, Said: "refused: answered 400", DeadAt: at.Add(73 * time.Hour)},
		"progress": &progress{Position: "5c1f0e9a7b3d2846-811-0", Begun: true, Number: 17, Failing: time.Hour,
			Stopped: &contract.WebhookStop{Reason: StopGone, Why: "the receiver answered 410", At: at}},
	}
}

func TestRecords(t *testing.T) {
	for name, value := range someRecords() {
		record, err := encode(value)
		if err != nil {
			t.Fatal(err)
		}
		golden.Format(t, "record-"+name, record)
		again := reflect.New(reflect.TypeOf(value).Elem()).Interface()
		if err := decode(record, again); err != nil || !reflect.DeepEqual(again, value) {
			t.Errorf("%s is read as %+v, %v", name, again, err)
		}

		for at := range record {
			damaged := append([]byte(nil), record...)
			damaged[at] ^= 0x10
			if err := decode(damaged, again); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
				t.Fatalf("%s with byte %d changed: %v", name, at, err)
			}
		}
		for length := range record {
			if err := decode(record[:length], again); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s cut to %d bytes: %v", name, length, err)
			}
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, value := range someRecords() {
		record, err := encode(value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var r itemRecord
		if decode(data, &r) != nil {
			return
		}
		record, err := encode(&r)
		if err != nil {
			t.Fatal(err)
		}
		var again itemRecord
		if err := decode(record, &again); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%+v is written and read as %+v, %v", r, again, err)
		}
	})
}

// A clock that is years off, when an event was put off or now, makes nobody wait for longer than
// the schedule does.
func TestWrongClock(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct{ due, want time.Duration }{
		"in time": {time.Minute, time.Minute}, "late": {-time.Hour, 0}, "years late": {-9e4 * time.Hour, 0}, "years ahead": {9e4 * time.Hour, 12 * time.Hour},
	} {
		i := itemOf(1, &itemRecord{Due: now.Add(c.due), Attempts: 1}, now)
		if wait := i.due.Sub(now); wait != c.want {
			t.Errorf("%s: it waits %v, wanted %v", name, wait, c.want)
		}
	}
}
