package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"onsale/audit"
	"onsale/audit/archive/blob"
)

func newAudit(p *program) *cobra.Command {
	var options audit.Options
	var contains string
	c := &cobra.Command{Use: "audit JOURNAL_DIR|ARCHIVE", Short: "Prove from a journal or an archive that a sale was fair and exact", Args: arguments(cobra.ExactArgs(1)),
		Long: `Reads a node's journal (DATA/journal) or an archive (file:///PATH, s3://BUCKET/PREFIX), checks its hash chain, decides every request
again with an independent second implementation of the rules, and compares: every
decision, the counts, the caps, the order and the expiries. It changes nothing and
may run beside the node. It exits with 6 when it finds something, or when it cannot
decide everything again because the journal does not begin at the beginning.

A journal whose newest blocks are missing is only a shorter journal, and a damaged
newest block looks like an append that was cut short: give --contains the hash that
another node's journal, its status or an earlier audit ended with.`,
		RunE: func(c *cobra.Command, args []string) error {
			if contains != "" {
				head, err := hex.DecodeString(contains)
				if err != nil || len(head) != len(options.Contains) {
					return fmt.Errorf("%w: --contains is %q, expected are %d hexadecimal digits", errUsage, contains, 2*len(options.Contains))
				}
				copy(options.Contains[:], head)
			}
			report, err := auditPlace(c.Context(), args[0], options)
			if err != nil {
				return err
			}
			if p.format == "json" {
				err = report.WriteJSON(p.out)
			} else {
				err = report.WriteText(p.out)
			}
			if err == nil && report.Verdict != audit.VerdictClean {
				err = fmt.Errorf("%w: %s", errFindings, report.Verdict)
			}
			return err
		}}
	c.Flags().IntVar(&options.FindingsMax, "findings-max", 20, "findings of each kind to list; all are counted")
	c.Flags().BoolVar(&options.LedgerOnly, "ledger-only", false, "check the chain and keep books of what was decided, and decide nothing again: quick, and never clean")
	c.Flags().StringVar(&contains, "contains", "", "hash of a block that must be there, such as the head of another node's journal")
	return c
}

// auditPlace audits a journal by its folder, or an archive by its URL.
func auditPlace(ctx context.Context, place string, o audit.Options) (*audit.Report, error) {
	if !blob.IsURL(place) {
		return audit.Run(place, o)
	}
	catalog, err := openCatalog(ctx, "ARCHIVE", place)
	if err != nil {
		return nil, err
	}
	report, err := audit.RunBlocks(place, o, archivedBlocks(ctx, catalog))
	if err != nil {
		return nil, err
	}
	off, err := catalog.CutOff()
	for _, c := range off {
		report.Notes = append(report.Notes, fmt.Sprintf("blocks %v of birth %s are archived and not audited: history went on from in front of them with birth %s", c.Span, c.Birth, c.Since))
	}
	return report, err
}
