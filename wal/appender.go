package wal

import (
	"reflect"
	"unsafe"

	tidwall "github.com/tidwall/wal"
)

// appender is tidwall/wal without its memory of what was written. That library keeps
// all entries of the newest segment for its own readers, in a buffer that grows by a
// quarter at a time: each byte is copied about five times, into memory that was never
// touched before, which was a third of a leader's processor time. This package reads
// from the files and never through tidwall/wal, so after each write the buffer begins
// anew. The library has no call for that, and its fields are not exported: they are
// found by name and kind when the log is opened. In a version that does not have them
// nothing is forgotten, and nothing but speed is lost.
type appender struct {
	log *tidwall.Log
	// kept are the newest segment's bytes and their places; the segment stays the
	// newest as long as the log is open, because its size is out of reach.
	kept []reflect.Value
}

func openAppender(dir string, options *tidwall.Options) (Appender, error) {
	log, err := tidwall.Open(dir, options)
	if err != nil {
		return nil, err
	}
	a := &appender{log: log, kept: newestEntries(log)}
	a.forget()
	return a, nil
}

// newestEntries returns the slices in which tidwall/wal keeps the newest segment's
// entries; fewer when it has no such fields.
func newestEntries(log *tidwall.Log) (kept []reflect.Value) {
	segments := reflect.ValueOf(log).Elem().FieldByName("segments")
	if segments.Kind() != reflect.Slice || segments.Len() == 0 {
		return nil
	}
	newest := segments.Index(segments.Len() - 1)
	if newest.Kind() != reflect.Pointer || newest.Elem().Kind() != reflect.Struct {
		return nil
	}
	for _, name := range [...]string{"ebuf", "epos"} {
		if f := newest.Elem().FieldByName(name); f.Kind() == reflect.Slice {
			kept = append(kept, reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem())
		}
	}
	return kept
}

func (a *appender) forget() {
	for _, k := range a.kept {
		k.SetLen(0)
	}
}

// WriteBatch implements Appender.
func (a *appender) WriteBatch(batch *tidwall.Batch) error {
	err := a.log.WriteBatch(batch)
	a.forget()
	return err
}

// Close implements Appender.
func (a *appender) Close() error { return a.log.Close() }
