package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// keepEvidence writes what a failed run leaves to look at into its folder: what the
// clients wrote down, and the journals, whose disks end with this process.
func (r *run) keepEvidence() error {
	failed := r.history.write(filepath.Join(r.options.Dir, "history.txt"))
	for _, n := range r.stage.voters() {
		failed = errors.Join(failed, each(fmt.Sprintf("cp -r %s %s", r.stage.journal(n), filepath.Join(r.options.Dir, n.name+"-journal"))))
	}
	return failed
}

// write writes one operation a line.
func (h *history) write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	for i := range h.operations {
		fmt.Fprintf(out, "%+v\n", h.operations[i])
	}
	return errors.Join(out.Flush(), file.Close())
}
