package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// confirm asks on a terminal whether to do something dangerous; a script has to
// say --yes.
func confirm(c *cobra.Command, what string) error {
	in, isFile := c.InOrStdin().(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) {
		return fmt.Errorf("%w: to %s, add --yes", errUsage, what)
	}
	fmt.Fprintf(c.ErrOrStderr(), "Really %s? Type yes: ", what)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return fmt.Errorf("%w: not confirmed", errUsage)
	}
	return nil
}
