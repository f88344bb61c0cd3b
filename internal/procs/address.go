package procs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
)

// ErrNoAddress is returned when no free loopback address was found.
var ErrNoAddress = errors.New("no free loopback address")

// Ports that are given away are below those that the kernel gives to outgoing connections
// (from 32768 on): else a connection could take a killed server's port before its restart.
const (
	portMin  = 16 << 10
	portMax  = 32<<10 - 1
	portLuck = 1000 // tries
)

// taken are the addresses that this process has given away. They are the process', as the
// kernel's table of ports is the machine's: two users of this package must not get the same.
var taken sync.Map

// FreeAddress returns HOST:PORT on loopback where nobody listens. It is given away once, and
// on Linux its host is this process' own: nobody else takes the port between its choice and
// its use, or while its server is down.
func FreeAddress() (string, error) {
	host := loopback(os.Getpid())
	for range portLuck {
		address := fmt.Sprintf("%s:%d", host, portMin+rand.IntN(portMax-portMin+1))
		if _, given := taken.LoadOrStore(address, true); given {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", ErrNoAddress
}

// loopback returns an address of a process' own: process ids have at most 22 bits, and all
// of 127.0.0.0/8 is loopback on Linux. 127.0.x.x is left to others.
func loopback(pid int) string {
	if runtime.GOOS != "linux" {
		return "127.0.0.1"
	}
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&63, pid>>8&255, pid&255)
}
