package main

import (
	"os"
	"runtime"
)

// processorsFactor is how many of Go's processors a server has for each core.
//
// A goroutine that comes back from an fsync has to find a free processor; with one
// for each core they are all busy with requests, and the commit that everybody
// waits for waits behind everybody. With more of them the kernel shares the cores
// fairly among the threads, and the one that was asleep comes first. Measured with
// `bench sale` on 2 cores, 512 connections: 29,000 requests/s with one a core,
// 53,000 with two, 54,000 with four (bench/README.md).
const processorsFactor = 4

// setProcessors applies the factor, unless the operator chose by GOMAXPROCS.
func setProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(processorsFactor * runtime.GOMAXPROCS(0))
	}
}
