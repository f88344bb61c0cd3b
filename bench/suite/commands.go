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
	var only string
	c := &cobra.Command{Use: "run", Short: "Measure", Args: cobra.NoArgs,
		Example: "  suite run --publish\n  suite run --quick\n  suite run --only T1,T5",
		RunE: func(c *cobra.Command, _ []string) error {
			root, err := filepath.Abs(".")
			if err != nil {
				return err
			}
			s := &suite{root: root, profile: full(), folder: filepath.Join(root, results),
				progress: c.ErrOrStderr(), stopMax: stopMax}
			if isQuick {
				s.profile = quick()
			}
			if only != "" {
				s.only = strings.Split(only, ",")
			}
			if s.commit, err = commitOf(c.Context(), root); err != nil {
				return err
			}

			failure := s.run(c.Context(), steps(s.profile))
			if s.document == nil || len(s.document.steps) == 0 {
				return failure
			}
			fmt.Fprintf(c.OutOrStdout(), "\n%s\n%s\n", s.document.markdown(false), s.path)
			if publish {
				failure = errors.Join(failure, s.document.publish(root))
			}
			return failure
		}}
	f := c.Flags()
	f.BoolVar(&isQuick, "quick", false, "fewer rounds, and no sale of ten million buyers: about 5 minutes instead of 30")
	f.BoolVar(&publish, "publish", false, "write the tables of README.md and docs/measurements.md")
	f.StringVar(&only, "only", "", "only these steps or targets, with commas between them")
	return c
}

// newRender makes the tables of a document that is there already.
func newRender() *cobra.Command {
	publish := false
	c := &cobra.Command{Use: "render", Short: "Print the tables of the newest full run", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := newest(results)
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
