//go:build !linux

package orderindex

import "errors"

// dropCached is for Linux alone.
func dropCached(string) error { return errors.ErrUnsupported }
