//go:build !linux

package wal

// Allocate does nothing: space is found as it is written, which is slower, not wrong.
func (f osFile) Allocate(int64) error { return nil }
