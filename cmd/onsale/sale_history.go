package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"onsale/api/contract"
)

func newSaleHistory(p *program) *cobra.Command {
	var form reportForm
	c := &cobra.Command{Use: "history ID", Short: "Tell who changed a sale, when and how", Args: arguments(cobra.ExactArgs(1)),
		Long: fmt.Sprintf(`Tells the commands of sellers and operators that a sale took, whose each was, and what it
changed: the newest %d. A node reads its journal for that, which takes a processor for some
seconds; --journal reads a copy of the journal instead.`, contract.ChangesMax),
		Example: "  onsale sale history arena\n  onsale sale history arena --journal copy-of/journal -o json",
		RunE: func(c *cobra.Command, args []string) error {
			told, err := form.tell(c.Context(), args[0])
			if err != nil {
				return err
			}
			if left := told.Timeline.ChangesLeftOut; left > 0 {
				fmt.Fprintf(p.err, "onsale: %d older changes are left out\n", left)
			}
			return p.show(told.Timeline.Changes, []string{"seq", "at", "verb", "actor", "change"}, changeRows(told.Timeline.Changes))
		}}
	form.desk.flags(c.Flags())
	c.Flags().StringVar(&form.journal, "journal", "", "folder of a journal to read, instead of asking a node")
	return c
}

// changeRows has a row for each change.
func changeRows(changes []contract.PastChange) (rows [][]string) {
	for _, one := range changes {
		rows = append(rows, []string{cell(one.Seq), cell(one.At), one.Verb, one.Actor, spellChange(&one)})
	}
	return rows
}

// spellChange says what changed in one line: quantity 3 -> 5, status open -> paused.
func spellChange(one *contract.PastChange) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(one.After)) {
		word := name + " "
		if before, known := one.Before[name]; known {
			word += spellSetting(before) + " -> "
		}
		words = append(words, word+spellSetting(one.After[name]))
	}
	return strings.Join(words, ", ")
}

// spellSetting spells what a history tells of a sale, alike whether it came as JSON or not.
func spellSetting(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return strings.Trim(string(data), `"`)
}
