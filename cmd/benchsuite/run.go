package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"onsale/bench/render"
	"onsale/bench/result"
	"onsale/bench/suite"
)

// latest is the document that the README tells.
const latest = "bench/results/latest.json"

func newRoot() *cobra.Command {
	root := &cobra.Command{Use: "benchsuite", Short: "Measure the targets T1 to T9, and report what came of it", SilenceUsage: true, SilenceErrors: true,
		Long: `benchsuite measures the targets T1 to T9 with what they are compared with, step by
step, and writes one JSON document and one HTML page. A step that fails is told and does
not end the run.

Exit codes: 0 everything was measured (met or not), 1 a step failed, 2 wrong use.`}
	root.AddCommand(newRun(), newRender(), newSteps())
	return root
}

// runFlags are those of run.
type runFlags struct {
	quick             bool
	only, into, html  string
	readme, out, root string
}

func newRun() *cobra.Command {
	var f runFlags
	c := &cobra.Command{Use: "run", Short: "Measure", Args: cobra.NoArgs,
		Example: "  benchsuite run --readme README.md\n  benchsuite run --quick\n  benchsuite run --only T1,T5 --into bench/results/latest.json",
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c) }}
	c.Flags().BoolVar(&f.quick, "quick", false, "fewer rounds, and no sale of ten million buyers: about 5 minutes instead of 30")
	c.Flags().StringVar(&f.only, "only", "", "only these steps or targets, with commas between them")
	c.Flags().StringVar(&f.into, "into", "", "document whose other steps are kept; the new document has them too")
	c.Flags().StringVar(&f.html, "html", "bench/results/report.html", "page that is written; \"\" for none")
	c.Flags().StringVar(&f.readme, "readme", "", "file whose table is written; "+latest+" becomes the document that it tells")
	c.Flags().StringVar(&f.out, "out", "bench/results", "folder of the documents")
	c.Flags().StringVar(&f.root, "root", ".", "of the source tree")
	return c
}

func (f *runFlags) run(c *cobra.Command) error {
	root, err := filepath.Abs(f.root)
	if err != nil {
		return err
	}
	o := &suite.Options{Root: root, Profile: suite.Full(), Folder: f.out, Progress: c.ErrOrStderr()}
	if f.quick {
		o.Profile = suite.Quick()
	}
	if f.only != "" {
		o.Only = strings.Split(f.only, ",")
	}
	if f.into != "" {
		if o.Into, err = result.ReadFile(f.into); err != nil {
			return err
		}
	}
	document, path, failure := suite.Run(c.Context(), o)
	if document == nil || len(document.Steps) == 0 {
		return failure
	}
	fmt.Fprintf(c.OutOrStdout(), "\n%s\n%s\n", render.Text(document), path)
	return errors.Join(failure, f.publish(document))
}

// publish writes what is made of a document.
func (f *runFlags) publish(d *result.Document) error {
	if f.readme != "" {
		if err := errors.Join(d.WriteFile(filepath.Join(f.out, filepath.Base(latest))), writeReadme(f.readme, d)); err != nil {
			return err
		}
	}
	return writePage(f.html, d)
}

func writePage(path string, d *result.Document) error {
	if path == "" {
		return nil
	}
	data, err := render.HTML(d)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // reports are for everybody
		return err
	}
	return result.Replace(path, data)
}

func writeReadme(path string, d *result.Document) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed, err := render.IntoReadme(string(old), d)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return result.Replace(path, []byte(changed))
}

// newRender makes page and table of a document that is there already.
func newRender() *cobra.Command {
	var f runFlags
	c := &cobra.Command{Use: "render DOCUMENT", Short: "Make the page and the README's table of a document", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := result.ReadFile(args[0])
			if err != nil {
				return err
			}
			if f.readme != "" {
				if err := writeReadme(f.readme, d); err != nil {
					return err
				}
			}
			if err := writePage(f.html, d); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), render.Text(d))
			return err
		}}
	c.Flags().StringVar(&f.html, "html", "", "page that is written")
	c.Flags().StringVar(&f.readme, "readme", "", "file whose table is written")
	return c
}

func newSteps() *cobra.Command {
	quick := false
	c := &cobra.Command{Use: "steps", Short: "List the steps", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		profile := suite.Full()
		if quick {
			profile = suite.Quick()
		}
		for _, s := range suite.List(profile) {
			fmt.Fprintln(c.OutOrStdout(), s)
		}
		return nil
	}}
	c.Flags().BoolVar(&quick, "quick", false, "of the quick profile")
	return c
}
