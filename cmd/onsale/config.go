package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"onsale/internal/setting"
)

// newConfig looks at settings: a node's, with the word frontend a front-end's, with webhooks those of
// the process that sends them.
func newConfig(p *program) *cobra.Command {
	show := func(use, whose string, s *setting.Set, load func() error) *cobra.Command {
		c := &cobra.Command{Use: use, Short: "Print the settings that " + whose + " would use", Args: arguments(cobra.NoArgs),
			Long: "Prints the settings that " + whose + ` would use, in the form that --config takes; of secrets
only the paths.`,
			RunE: func(*cobra.Command, []string) error {
				if err := load(); err != nil {
					return err
				}
				return p.printSettings(s)
			}}
		c.Flags().AddFlagSet(s.Flags)
		return c
	}
	validate := func(use, whose string, s *setting.Set, load, check func() error, files func() *fileBounds) *cobra.Command {
		c := &cobra.Command{Use: use, Short: "Check the settings that " + whose + " would use", Args: arguments(cobra.NoArgs),
			Long: `Checks all settings and reads the files that they name, as ` + whose + ` does before
anything else; says all that is wrong at once, and how the open files are divided that
this shell's limit allows. It binds no port and makes no file.`,
			RunE: func(*cobra.Command, []string) error {
				if err := load(); err != nil {
					return err
				}
				if err := check(); err != nil || files == nil {
					return p.fine(err)
				}
				statement, err := files().shareFiles()
				if err != nil {
					return usage(err)
				}
				_, err = fmt.Fprintf(p.out, "ok\nopen files:%s\n", pairs(statement))
				return err
			}}
		c.Flags().AddFlagSet(s.Flags)
		return c
	}
	node, other := newSettings(), newSettings()
	front, otherFront := newFrontEndSettings(), newFrontEndSettings()
	printing := show("print", "a node", node.Set, node.load)
	printing.AddCommand(show("frontend", "a front-end", front.Set, front.load))
	hooks, otherHooks := newWebhookSettings(), newWebhookSettings()
	printing.AddCommand(show("webhooks", "the process onsale webhooks", hooks.Set, hooks.load))
	checking := validate("validate", "a node", other.Set, other.load, other.check, other.fileBounds)
	checking.AddCommand(validate("frontend", "a front-end", otherFront.Set, otherFront.load, otherFront.check, otherFront.fileBounds),
		validate("webhooks", "the process onsale webhooks", otherHooks.Set, otherHooks.load, otherHooks.check, nil))
	return group("config", "Look at the settings of a node, a front-end or the process onsale webhooks", printing, checking)
}

// fine says that nothing is wrong, or returns what is.
func (p *program) fine(err error) error {
	if err == nil {
		_, err = fmt.Fprintln(p.out, "ok")
	}
	return err
}

// pairs writes names and values as the log does.
func pairs(statement []any) (text string) {
	for i := 0; i < len(statement); i += 2 {
		text += fmt.Sprintf(" %v=%v", statement[i], statement[i+1])
	}
	return text
}

// printSettings prints what is in force; as a table it is TOML.
func (p *program) printSettings(s *setting.Set) error {
	if p.format == "table" {
		return s.Write(p.out)
	}
	var rows [][]string
	values := s.Values()
	for _, name := range s.Names() {
		rows = append(rows, []string{name, cell(values[name])})
	}
	return p.show(values, []string{"setting", "value"}, rows)
}
