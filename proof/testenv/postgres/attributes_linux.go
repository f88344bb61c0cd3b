package postgres

import "syscall"

// attributes let a server end with whoever started it: killed, it would leave its children and its
// shared memory behind.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGQUIT}
}
