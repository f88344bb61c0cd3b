//go:build linux

// Command drill breaks a cluster on purpose and checks what its buyers were told. It is a
// stranger to the program: it imports nothing of ours (the linter holds that), starts the
// built program, speaks HTTP as openapi.yaml has it and the command line of onsale, and
// reads the provider's books as JSON. What it believes of the rules is written here once
// more, so that a mistake in the nemesis' checkers, in the client or in the state is not
// made twice.
//
// # What runs
//
// Three nodes, two front-ends and the sandbox provider, each in a network namespace of its
// own on one bridge, each node's data on a small file system in memory. A fourth node joins
// and is removed. Whatever ends by itself is started again, as by a supervisor.
//
// # What is done to it
//
//	kill     kill -9 of a node, the leader more often, a front-end or the provider
//	pause    SIGSTOP of one, up to six seconds
//	cable    a machine's cable is out
//	part     two machines do not hear each other, or one does not hear the other
//	disk     the disks of one, two or all nodes are full, to the last byte or below the reserve
//	join     the fourth node joins with an empty folder, or is removed
//	move     a node comes back under another address; all three at once (cluster readdress)
//
// Faults overlap: one hand does the first four, another the rest. After each round all is
// mended, and buys must succeed at every door within ten seconds.
//
// # What is checked
//
// Every request and answer is a line of record.jsonl, and the checks read nothing else but
// the books. See check.go.
package main
