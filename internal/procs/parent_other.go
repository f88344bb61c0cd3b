//go:build !linux

package procs

import "syscall"

// EndWithParent returns the attributes as they are: only Linux tells a process of its
// parent's end.
func EndWithParent(given *syscall.SysProcAttr) *syscall.SysProcAttr { return given }
