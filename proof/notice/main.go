// Package main writes NOTICE: whose work is in the binary, and under which licence.
//
// It asks the go command which modules the packages of cmd/onsale come from, and takes
// the licences from the module cache, so that there is no list to keep by hand. What is
// embedded and no module (minified scripts and styles) has its licence beside it in this
// repository, as NAME.LICENSE. The test holds the file to what this program writes: a
// dependency that came, went or changed its version fails it until NOTICE is written anew.
//
// What it trades off: it takes every file that is named as licences are, and does not judge
// what they allow. Somebody has to read a licence before its module is used.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	notice, err := generate(root)
	if err != nil {
		return err
	}
	return os.WriteFile("NOTICE", notice, 0o644)
}
