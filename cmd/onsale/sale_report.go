package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/contract"
	"onsale/audit/report"
	"onsale/internal/plain"
)

// reportTimeout bounds the wait for a node that reads its journal, which bounds
// that itself.
const reportTimeout = report.PassTimeout + 10*time.Second

// reportForm says where a report comes from, and where it goes besides.
type reportForm struct {
	desk    desk
	journal string
	html    string
	totals  bool
}

func newSaleReport(p *program) *cobra.Command {
	var form reportForm
	c := &cobra.Command{Use: "report ID", Short: "Sum a sale up, and tell its course", Args: arguments(cobra.ExactArgs(1)),
		Long: `Sums a sale up and tells its course: what was asked for in each second of the
opening minutes, and in each minute afterwards, what became of it, and where the
tickets were. A node reads its journal for that, which takes a processor for some
seconds; --totals leaves it out, --journal reads a copy of the journal instead.

The table shows some rows as one, CSV has them all, JSON has everything, and --html
writes a page with charts that needs nothing else.`,
		Example: "  onsale sale report arena --html arena.html\n  onsale sale report arena --journal copy-of/journal -o csv",
		RunE: func(c *cobra.Command, args []string) error {
			if form.totals && (form.html != "" || form.journal != "") {
				return fmt.Errorf("%w: --totals reads no journal and has no page", errUsage)
			}
			if form.totals {
				return p.reportTotals(c.Context(), &form, args[0])
			}
			told, err := form.tell(c.Context(), args[0])
			if errors.Is(err, contract.ErrJournalIncomplete) && form.html == "" && p.format == "table" && form.journal == "" {
				fmt.Fprintln(p.err, "onsale: totals only:", plain.Text(err.Error()))
				return p.reportTotals(c.Context(), &form, args[0])
			}
			if err != nil {
				return err
			}
			return p.writeReport(told, form.html)
		}}
	form.desk.flags(c.Flags())
	c.Flags().StringVar(&form.journal, "journal", "", "folder of a journal to read, instead of asking a node")
	c.Flags().StringVar(&form.html, "html", "", "file to write a page with charts to")
	c.Flags().BoolVar(&form.totals, "totals", false, "the totals alone, for which no journal is read")
	return c
}

// tell returns the sale's course, from a folder or from a node.
func (f *reportForm) tell(ctx context.Context, sale string) (*contract.SaleTimeline, error) {
	if f.journal != "" {
		return report.Run(ctx, f.journal, sale, report.Options{})
	}
	seller, err := f.desk.open()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	return seller.Timeline(ctx, sale)
}

// reportTotals prints what a node counts by itself.
func (p *program) reportTotals(ctx context.Context, f *reportForm, sale string) error {
	seller, err := f.desk.open()
	if err != nil {
		return err
	}
	r, err := seller.Report(ctx, sale)
	if err != nil {
		return err
	}
	return p.show(r, []string{"what", "value"}, report.Totals(r, p.money))
}

// writeReport prints a report, writes its page, and fails when the books disagree.
func (p *program) writeReport(told *contract.SaleTimeline, page string) (err error) {
	switch p.format {
	case "json":
		err = report.WriteJSON(p.out, told)
	case "csv":
		err = report.WriteCSV(p.out, told)
	default:
		err = report.WriteText(p.out, told)
	}
	if err == nil && page != "" {
		err = writePage(page, func(w io.Writer) error { return report.WriteHTML(w, told) })
	}
	if err == nil && len(told.Timeline.Mismatch) > 0 {
		err = fmt.Errorf("%w: the journal and the totals disagree in %d numbers; run onsale audit", errFindings, len(told.Timeline.Mismatch))
	}
	return err
}

// writePage writes the page whole or not at all.
func writePage(path string, write func(io.Writer) error) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path + ".new") }() // renamed when all went well
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
