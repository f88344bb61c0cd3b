// Command note names HEAD as a release in the file RELEASES: make release-note RELEASE=v1.2.3.
// The line is to be committed; the release is the commit before.
package main

import (
	"context"
	"fmt"
	"os"

	"onsale/proof/releases"
	"onsale/sequencer"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: note v1.2.3, at the root of the tree")
		os.Exit(2)
	}
	r, err := releases.Note(context.Background(), ".", os.Args[1], sequencer.LevelMax)
	if err != nil {
		fmt.Fprintln(os.Stderr, "note:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %s\ncommit that file, and tag the commit that it names: git tag -a %s %s\n", releases.File, r, r.Name, r.Commit[:12])
}
