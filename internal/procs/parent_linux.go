package procs

import "syscall"

// EndWithParent returns the attributes with a signal at the parent's end, unless they name
// one.
func EndWithParent(given *syscall.SysProcAttr) *syscall.SysProcAttr {
	var attributes syscall.SysProcAttr
	if given != nil {
		attributes = *given
	}
	if attributes.Pdeathsig == 0 {
		attributes.Pdeathsig = syscall.SIGKILL
	}
	return &attributes
}
