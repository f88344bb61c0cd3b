// Package threadtime measures the processor time of a short piece of work. A wall clock also counts
// the time in which the kernel ran other programs on the work's core, which on a busy machine is more
// than the work: what a piece of code costs, and how long it kept a lock for, are two questions.
package threadtime

import (
	"runtime"
	"time"
)

// Begin keeps the goroutine on its thread until End, and reads the thread's clock. Reading it is a
// system call of some 200 ns.
func Begin() (began time.Duration) {
	runtime.LockOSThread()
	return now()
}

// End returns the processor time since Begin, and lets the goroutine leave the thread. It is 0 on
// systems without such a clock.
func End(began time.Duration) time.Duration {
	spent := now() - began
	runtime.UnlockOSThread()
	return spent
}
