//go:build !linux

package procs

import "syscall"

// endWithParent returns the attributes as they are: only Linux tells a process of its
// parent's end.
func endWithParent(given *syscall.SysProcAttr) *syscall.SysProcAttr { return given }
