package procs

import (
	"net"
	"testing"
)

func TestFreeAddress(t *testing.T) {
	given := map[string]bool{}
	for range 500 {
		address, err := FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		if given[address] {
			t.Fatalf("%s was given twice", address)
		}
		given[address] = true
	}
	for address := range given {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}

// Every process has an address of its own, all of them loopback.
func TestLoopback(t *testing.T) {
	if loopback(1) == "127.0.0.1" {
		t.Skip("this system has one loopback address")
	}
	seen := map[string]bool{}
	for pid := 1; pid < 1<<22; pid = pid*3/2 + 1 {
		for _, id := range []int{pid, 1<<22 - pid} {
			host := loopback(id)
			if seen[host] || !net.ParseIP(host).IsLoopback() {
				t.Errorf("%d: %s, seen: %v", id, host, seen[host])
			}
			seen[host] = true
		}
	}
}
