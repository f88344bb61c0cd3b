package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/wal/journal"
)

func mustRun(t testing.TB, dir string, o Options) *contract.SaleTimeline {
	t.Helper()
	told, err := Run(context.Background(), dir, "spring", o)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// Every number of a report that the journal comes to is what the state counted,
// at the end of each batch and whatever happened.
func TestAgreesWithState(t *testing.T) {
	seen := map[string]bool{}
	for seed := range testenv.Pick[uint64](24, 8) {
		story := tell(seed, 600)
		dir := record(t, story)
		for i := 1; i < len(story); i += 1 + len(story)/23 {
			view := story[i].view
			got := mustRun(t, dir, Options{Until: &view})
			if len(got.Timeline.Mismatch) > 0 {
				t.Fatalf("seed %d batch %d: %+v", seed, i, got.Timeline.Mismatch)
			}
			if newest := got.Timeline.Changes[len(got.Timeline.Changes)-1]; newest.Seq != view.ChangedSeq || newest.Actor != view.ChangedBy || newest.At != contract.Time(view.ChangedAt) {
				t.Fatalf("seed %d batch %d: the newest change is %+v, the state says #%d by %q", seed, i, newest, view.ChangedSeq, view.ChangedBy)
			}
			for name, text := range fields(&got.Report) {
				seen[name] = seen[name] || text != "0" && text != `""`
			}
		}
	}
	for name, moved := range seen {
		if !moved {
			t.Errorf("%s was 0 in every story: it is not tested", name)
		}
	}
}

// A mistake on either side shows.
func TestMismatchShows(t *testing.T) {
	story := tell(1, 300)
	dir := record(t, story)
	view := story[len(story)-1].view
	view.Sold++
	view.Counters.Buys[sequencer.CodeSoldOut]++
	got := mustRun(t, dir, Options{Until: &view})
	var names []string
	for _, m := range got.Timeline.Mismatch {
		names = append(names, m.Field)
	}
	if want := "[requests.by_reason.sold_out requests.refused requests.total tickets.sold]"; fmt.Sprint(names) != want {
		t.Errorf("mismatch in %v, want %s", names, want)
	}
	// A journal whose decisions contradict each other says so without a replica.
	for i := range story {
		for k := range story[i].decisions.Events {
			if e := &story[i].decisions.Events[k]; e.Kind == sequencer.EventExpired && e.Sale == 2 {
				e.Kind = sequencer.EventPromoted
			}
		}
	}
	if got := mustRun(t, record(t, story), Options{}); len(got.Timeline.Mismatch) == 0 {
		t.Error("promotions of orders that did not wait are not told")
	}
}

// Each row is what a recount finds, which looks at the state after each batch and
// at no decision but the promotions and the provider's words.
func TestRowsAgainstRecount(t *testing.T) {
	for seed := range uint64(12) {
		story := tell(seed, 900)
		got := mustRun(t, record(t, story), Options{}).Timeline
		want := recount(story, got.Rows)
		for i := range want {
			compareRow(t, seed, &got.Rows[i], &want[i])
		}
		last := got.Rows[len(got.Rows)-1]
		if seed%3 == 0 && last.From+last.Seconds < 12*3600 {
			t.Errorf("seed %d: the story ends after %d s", seed, last.From)
		}
	}
}

func compareRow(t *testing.T, seed uint64, got, want *contract.TimelineRow) {
	t.Helper()
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Fatalf("seed %d:\n got %s\nwant %s", seed, a, b)
	}
}

// recount makes rows of the same times the slow way.
func recount(story []told, shape []contract.TimelineRow) []contract.TimelineRow {
	opened := openedAt(story)
	rows := make([]contract.TimelineRow, len(shape))
	for i := range rows {
		r := &rows[i]
		r.From, r.Seconds = shape[i].From, shape[i].Seconds
		from, to := opened+r.From*int64(time.Second), opened+(r.From+r.Seconds)*int64(time.Second)
		for k := 1; k < len(story); k++ {
			at, was, is := story[k].decisions.Time, &story[k-1].view, &story[k].view
			if at < to {
				r.Available, r.Held, r.Sold, r.Withheld, r.Waitlist = is.Available, is.Held, is.Sold, is.Withheld, is.Waiting
			}
			if at >= from && at < to {
				recountBatch(r, &story[k], &was.Counters, &is.Counters)
			}
		}
		r.Reserved -= r.Promoted
	}
	return rows
}

func recountBatch(r *contract.TimelineRow, e *told, was, is *sequencer.Counters) {
	entered := func(s sequencer.OrderState) uint64 { return is.Entered[s] - was.Entered[s] }
	for code := range is.Buys {
		n := is.Buys[code] - was.Buys[code]
		r.Requests += n
		if code > 0 && n > 0 {
			r.Refused += n
			if r.ByReason == nil {
				r.ByReason = map[string]uint64{}
			}
			r.ByReason[sequencer.Code(code).String()] += n
		}
	}
	r.Replayed += is.Replayed - was.Replayed
	r.Reserved += entered(sequencer.StateReserved)
	r.Waitlisted += entered(sequencer.StateWaitlisted)
	r.Expired += entered(sequencer.StateExpired)
	r.ExpiredTickets += is.Tickets[sequencer.StateExpired] - was.Tickets[sequencer.StateExpired]
	r.Cancelled += entered(sequencer.StateCancelled)
	r.Paid += entered(sequencer.StatePaid)
	r.Refunded += entered(sequencer.StateRefunded)
	r.PaymentAttempts += entered(sequencer.StatePaying)
	ours := false
	for _, event := range e.decisions.Events {
		if event.Sale == 2 {
			ours = true
			if event.Kind == sequencer.EventPromoted {
				r.Promoted++
			}
		}
	}
	for i, result := range e.decisions.Results {
		c := &e.batch.Commands[i]
		ours = ours || c.Sale == 2 || result.Sale == 2
		if c.Kind == sequencer.KindPayResult && result.Code == sequencer.CodeOK && result.Sale == 2 {
			switch c.Outcome {
			case sequencer.PayRejected:
				r.PaymentsRejected++
			case sequencer.PayCancelled:
				r.PaymentsCancelled++
			}
		}
	}
	if ours {
		r.Batches++
	}
}

// openedAt is when buys were first not refused as too early.
func openedAt(story []told) int64 {
	opened := int64(0)
	for i := 1; i < len(story); i++ {
		if i == 1 || story[i].view.StartsAt != story[i-1].view.StartsAt {
			opened = max(story[i].view.StartsAt, story[i].decisions.Time)
		}
	}
	return opened
}

func TestTotalsOfRows(t *testing.T) {
	for seed := range uint64(8) {
		got := mustRun(t, record(t, tell(seed, 500)), Options{})
		var sum contract.TimelineRow
		rows := got.Timeline.Rows
		if got.Timeline.Before != nil {
			rows = append(rows, *got.Timeline.Before)
		}
		for _, r := range rows {
			sum.Requests += r.Requests
			sum.Refused += r.Refused
			sum.Replayed += r.Replayed
			sum.Reserved += r.Reserved + r.Promoted
			sum.Paid += r.Paid
			sum.ExpiredTickets += r.ExpiredTickets
		}
		q := got.Requests
		if sum.Requests != q.Total || sum.Refused != q.Refused || sum.Replayed != q.Replayed || sum.Reserved != got.Orders.Reserved ||
			sum.Paid != got.Orders.Paid || sum.ExpiredTickets != got.Tickets.Expired {
			t.Errorf("seed %d: rows come to %+v, totals are %+v", seed, sum, got.Report)
		}
	}
}

// A sale of a year has as many rows as one of a day.
func TestRowsAreBounded(t *testing.T) {
	c := newCourse(storyStart)
	var total running
	for hour := range int64(24 * 365) {
		total.batches++
		c.mark(storyStart+hour*3600*second, &total)
	}
	if len(c.opening) != OpeningSeconds || len(c.later) > LaterRowsMax || len(c.later) < LaterRowsMax/2 {
		t.Fatalf("%d and %d rows of %d s", len(c.opening), len(c.later), c.seconds)
	}
	if last := c.newest(); last.batches != total.batches {
		t.Errorf("the last row ends with %d batches, %d were marked", last.batches, total.batches)
	}
	for i := 1; i < len(c.later); i++ {
		// The row's end is the last hour before it.
		end := (OpeningSeconds + int64(i+1)*c.seconds - 1) / 3600
		if i < len(c.later)-1 && c.later[i].batches != uint64(end)+1 {
			t.Fatalf("row %d of %d s ends with %d, want %d", i, c.seconds, c.later[i].batches, end+1)
		}
	}
}

func TestErrors(t *testing.T) {
	story := tell(2, 50)
	dir := record(t, story)
	background := context.Background()
	if _, err := Run(background, dir, "winter", Options{}); !errors.Is(err, contract.ErrUnknownSale) {
		t.Errorf("a sale that is not there: %v", err)
	}
	ahead := story[len(story)-1].view
	ahead.AsOfSeq++
	if _, err := Run(background, dir, "spring", Options{Until: &ahead}); !errors.Is(err, sequencer.ErrBehind) {
		t.Errorf("a view ahead of the journal: %v", err)
	}
	stopped, stop := context.WithCancel(background)
	stop()
	if _, err := Run(stopped, dir, "spring", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := Run(background, t.TempDir(), "spring", Options{}); err == nil {
		t.Error("a folder without a journal")
	}
}

// A journal that begins after a snapshot says so, unless the sale is younger.
func TestJournalBeginsLater(t *testing.T) {
	story := tell(5, 40)
	for _, c := range []struct {
		from int
		want error
	}{{1, nil}, {2, contract.ErrJournalIncomplete}} {
		dir := filepath.Join(t.TempDir(), "journal")
		j, err := journal.Open(dir, journal.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Restore(journal.Head{Height: uint64(c.from), RaftIndex: 1, Hash: journal.Hash{1}}); err != nil {
			t.Fatal(err)
		}
		for i := c.from; i < len(story); i++ {
			err := j.Put(&journal.Block{RaftIndex: uint64(10 + i), Batch: sequencer.AppendBatch(nil, &story[i].batch), Decisions: sequencer.AppendDecisions(nil, &story[i].decisions)})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		view := story[len(story)-1].view
		if got, err := Run(context.Background(), dir, "spring", Options{Until: &view}); !errors.Is(err, c.want) || err == nil && len(got.Timeline.Mismatch) > 0 {
			t.Errorf("from block %d: %v, %+v", c.from+1, err, got)
		}
	}
}

// The end of a journal that is being written is no error.
func TestBesideAWriter(t *testing.T) {
	story := tell(4, 200)
	dir := record(t, story)
	segments, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(segments) == 0 {
		t.Fatal(err, segments)
	}
	last := segments[len(segments)-1]
	info, err := os.Stat(last)
	if err != nil {
		t.Fatal(err)
	}
	whole := mustRun(t, dir, Options{}).Timeline.Blocks
	if err := os.Truncate(last, info.Size()-7); err != nil {
		t.Fatal(err)
	}
	if got := mustRun(t, dir, Options{}); got.Timeline.Blocks != whole-1 || len(got.Timeline.Mismatch) > 0 {
		t.Errorf("%d blocks of %d, %+v", got.Timeline.Blocks, whole, got.Timeline.Mismatch)
	}
}
