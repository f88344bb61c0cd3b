// Package tuning sets what a server asks of Go's runtime: how many processors, and how rarely
// memory is collected. bench/peers gives the same to those whom we are compared with.
package tuning

import (
	"os"
	"runtime"
)

// processorsFactor is how many of Go's processors a server has for each core.
//
// A goroutine that comes back from an fsync has to find a free processor; with one
// for each core they are all busy with requests, and the commit that everybody
// waits for waits behind everybody. With more of them the kernel shares the cores
// fairly among the threads, and the one that was asleep comes first. `bench sale`
// on 2 cores, 512 connections, medians of three alternating runs on a quiet
// machine: 41,900 requests/s and p99.9 48 ms with one a core, 46,100 and 35 ms with
// four. When other programs want the cores too, the difference is larger.
const processorsFactor = 4

// Apply is called by every command that serves, before it begins.
func Apply() {
	setProcessors()
	loadBallast()
}

// setProcessors applies the factor to what Go takes by itself, unless the operator chose by
// GOMAXPROCS. Called again it changes nothing: tests run many servers in one process.
func setProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.SetDefaultGOMAXPROCS()
		runtime.GOMAXPROCS(processorsFactor * runtime.GOMAXPROCS(0))
	}
}
