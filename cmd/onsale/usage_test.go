package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command that must have a flag is wrong use without it, and says which one.
func TestMissingFlagsAreWrongUse(t *testing.T) {
	tried := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, below := range c.Commands() {
			walk(below)
		}
		must := required(c)
		if len(must) == 0 {
			return
		}
		tried++
		args := append(strings.Fields(c.CommandPath())[1:], anyArguments(c)...)
		has(t, command(t, 2, args...), append(must, "wrong use")...)
	}
	walk(newRoot(&program{}))
	if tried < 5 {
		t.Fatalf("%d commands have a flag that they must have, expected are 5 at least", tried)
	}
}

// required returns the flags that a command must have, those of which it must have one too.
func required(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		for _, kind := range []string{cobra.BashCompOneRequiredFlag, "cobra_annotation_one_required"} {
			if f.Annotations[kind] != nil && !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	})
	return names
}

// anyArguments returns as many arguments as a command wants at least, at most two.
func anyArguments(c *cobra.Command) (args []string) {
	for len(args) < 2 && c.ValidateArgs(args) != nil {
		args = append(args, "x")
	}
	return args
}
