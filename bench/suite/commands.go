package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// results is the folder of the documents, below the root.
const results = "bench/results"

func newRun() *cobra.Command {
	var isQuick, publish bool
	var only, into, out, root string
	c := &cobra.Command{Use: "run", Short: "Measure", Args: cobra.NoArgs,
		Example: "  suite run --publish\n  suite run --quick\n  suite run --only T1,T5 --into bench/results/FILE",
		RunE: func(c *cobra.Command, _ []string) error {
			absolute, err := filepath.Abs(root)
			if err != nil {
				return err
			}
			s := &suite{root: absolute, profile: profileOf(isQuick), folder: filepath.Join(absolute, out),
				progress: c.ErrOrStderr(), stopMax: stopMax}
			if only != "" {
				s.only = strings.Split(only, ",")
			}
			if into != "" {
				if s.into, err = readFile(into); err != nil {
					return err
				}
			}
			if s.commit, err = commitOf(c.Context(), absolute); err != nil {
				return err
			}

			failure := s.run(c.Context(), steps(s.profile))
			if s.document == nil || len(s.document.steps) == 0 {
				return failure
			}
			fmt.Fprintf(c.OutOrStdout(), "\n%s\n%s\n", s.document.markdown(false), s.path)
			if publish {
				failure = errors.Join(failure, s.document.publish(absolute))
			}
			return failure
		}}
	f := c.Flags()
	f.BoolVar(&isQuick, "quick", false, "fewer rounds, and no sale of ten million buyers: about 5 minutes instead of 30")
	f.BoolVar(&publish, "publish", false, "write the tables of README.md and docs/measurements.md")
	f.StringVar(&only, "only", "", "only these steps or targets, with commas between them")
	f.StringVar(&into, "into", "", "document whose other steps are kept; the new document has them too")
	f.StringVar(&out, "out", results, "folder of the documents, below the root")
	f.StringVar(&root, "root", ".", "folder of the source tree")
	return c
}

func profileOf(isQuick bool) *profile {
	if isQuick {
		return quick()
	}
	return full()
}

// newRender makes the tables of a document that is there already.
func newRender() *cobra.Command {
	publish := false
	c := &cobra.Command{Use: "render [DOCUMENT]", Short: "Print a document's tables, those of the newest full run without one",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			read := func() (*document, error) { return newest(results) }
			if len(args) > 0 {
				read = func() (*document, error) { return readFile(args[0]) }
			}
			d, err := read()
			if err != nil {
				return err
			}
			if publish {
				if err := d.publish("."); err != nil {
					return err
				}
			}
			_, err = fmt.Fprint(c.OutOrStdout(), d.markdown(false))
			return err
		}}
	c.Flags().BoolVar(&publish, "publish", false, "write the tables of README.md and docs/measurements.md")
	return c
}

func newSteps() *cobra.Command {
	isQuick := false
	c := &cobra.Command{Use: "steps", Short: "List the steps", Args: cobra.NoArgs, Run: func(c *cobra.Command, _ []string) {
		for _, s := range steps(profileOf(isQuick)) {
			fmt.Fprintf(c.OutOrStdout(), "%-9s %-7s %s; at most %v\n", s.id, strings.Join(s.targets, ","), s.what, s.limit)
		}
	}}
	c.Flags().BoolVar(&isQuick, "quick", false, "those of the quick profile")
	return c
}
