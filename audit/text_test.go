package audit

import (
	"strings"
	"testing"

	"onsale/sequencer"
)

// told is a journal with a finding of each shape.
var told = forgery{
	batches: batches{
		at(0, sell(waitlist(2)), buy("ann", 2), keyed(buy("bob", 1)), buy("cid", 1), buy("dan", 1), keyed(buy("bob", 1))),
		at(1, pay(2, "ann", 2), nobody()), at(4),
	},
	forge: func(f *forged) {
		f.result(6).Deadline = 7
		f.result(8).Code = sequencer.CodeNotPayable
		f.event().Quantity = 1
		f.last().stateHash = 1
	},
}

// What people read, to the letter.
func TestReportAsText(t *testing.T) {
	r := told.run(Options{})
	r.Directory, r.Seconds, r.Notes = "data/journal", 2, []string{"a note"}
	text := r.String()
	head, findings, _ := strings.Cut(text, "\n4 findings")
	if want := `audit of data/journal: NOT CLEAN, 4 findings
note: a note

blocks     3, height 1 to 3, raft index 2 to 6
head       0000000000000000000000000000000000000000000000000000000000000000
time       2026-06-01T00:00:00.000000000Z to 2026-06-01T00:00:04.000000000Z
requests   8, seq 1 to 8; 1 events; 3 users with orders
checked    8 decisions decided again, 0 not
took       2.0 s, 4 requests/s

request        outcome            state              count
buy            ok                 waitlisted             2
buy            ok                 reserved               1
buy            sold_out                                  1
buy again      ok                 waitlisted             1
cancel         not_payable                               1
pay_begin      ok                 paying                 1
sale_create    ok                                        1

sale 1 "spring" (open): 0 sold + 2 held + 0 withheld + 0 available = 2 tickets; 3 orders, 2 waiting, 1 buys refused as sold out, 0 for too few left
`; head != want {
		t.Errorf("the report is\n%s", head)
	}
	for _, want := range []string{
		", 4 are listed:\n",
		"  decision: block 1 (raft index 2), seq 6, buy, order 3: the rules decide otherwise; " +
			"expected ok (seq 3, order 3 of sale 1 waitlisted, 1 tickets, position 1, attempt 0, told again); " +
			"found ok (seq 3, order 3 of sale 1 waitlisted, 1 tickets, position 1, attempt 0, " +
			"until 1970-01-01T00:00:00.000000007Z, told again)\n",
		"  decision: block 2 (raft index 4), seq 8, cancel: the rules decide otherwise; " +
			"expected unknown_order (seq 8); found not_payable (seq 8)\n",
		"  event: block 3 (raft index 6), order 2: the rules make another event; " +
			"expected order 2 of sale 1 overdue, 2 tickets, before command 0; " +
			"found order 2 of sale 1 overdue, 1 tickets, before command 0\n",
		"  state-hash: block 3 (raft index 6): the state after the block is another one; " +
			"later hashes are not compared; expected ",
	} {
		if !strings.Contains(findings, want) {
			t.Errorf("%q is not in%s", want, findings)
		}
	}
	damage := Finding{Kind: KindChain, Block: 7, Message: "damaged"}
	if got, want := damage.String(), "chain: block 7 (raft index 0): damaged"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	promoted := sequencer.Event{Order: 3, Sale: 1, Kind: sequencer.EventPromoted, Quantity: 1, Before: 2, Deadline: 7}
	const want = "order 3 of sale 1 promoted, 1 tickets, before command 2, until 1970-01-01T00:00:00.000000007Z"
	if got := describeEvent(&promoted); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The three words of a report, and what stands first in it.
func TestHeadlines(t *testing.T) {
	sound := forgery{batches: told.batches}
	for _, c := range []struct {
		report *Report
		want   string
	}{
		{sound.run(Options{}), "audit of : clean\n\n"},
		{sound.run(Options{LedgerOnly: true}), "audit of : nothing wrong was found, but not everything could be checked\n" +
			"note: nothing was decided again: the chain and the books were checked alone\n\n"},
		{told.run(Options{}), "audit of : NOT CLEAN, 4 findings\n\n"},
	} {
		if text := c.report.String(); !strings.HasPrefix(text, c.want) {
			t.Errorf("%q is not in front of %s", c.want, text)
		}
	}
}

// Of each kind only so many are listed; all are counted.
func TestFindingsMax(t *testing.T) {
	r := told.run(Options{FindingsMax: 1})
	listed := map[Kind]int{}
	for _, f := range r.Findings {
		listed[f.Kind]++
	}
	if r.FindingCount != 4 || r.FindingKinds[KindDecision] != 2 || listed[KindDecision] != 1 || len(listed) != 3 {
		t.Errorf("%d findings, %v, listed are %v", r.FindingCount, r.FindingKinds, listed)
	}
	many := batches{at(0, sell())}
	for range 30 {
		many = append(many, at(1, nobody()))
	}
	forged := forgery{batches: many, forge: func(f *forged) {
		for seq := uint64(2); seq <= 31; seq++ {
			f.result(seq).Code = sequencer.CodeNotPayable
		}
	}}
	if r := forged.run(Options{}); r.FindingCount != 30 || len(r.Findings) != 20 {
		t.Errorf("%d findings, %d are listed", r.FindingCount, len(r.Findings))
	}
}

// A finding says where it is: at a command, or at the block when time did it.
func TestPlaceOfAFinding(t *testing.T) {
	over := forgery{
		batches: batches{at(0, sell(quantity(9)), buy("ann", 4), buy("ann", 1), buy("bob", 1)), at(3, nobody()), at(4)},
		forge: func(f *forged) {
			f.reserve(3, 1)
			f.blocks[1].decisions.Events = nil
		},
	}
	r := over.run(Options{LedgerOnly: true})
	want := []string{
		`cap: block 1 (raft index 2), seq 3, buy, order 3: user "ann" has more tickets of sale 1 than one user may; ` +
			"expected at most 4; found 5",
		"expiry: block 3 (raft index 6), order 2: 3 holds are over at the journal's end and did not expire; " +
			"this is the first; expected expired; found reserved",
	}
	for i, f := range r.Findings {
		if i >= len(want) || f.String() != want[i] {
			t.Errorf("finding %d is %s", i, f.String())
		}
	}
	if len(r.Findings) != len(want) {
		t.Errorf("%d findings", len(r.Findings))
	}
	late := forgery{
		batches: batches{at(0, sell(), buy("ann", 1), nobody()), at(3), at(4)},
		forge:   func(f *forged) { f.later() },
	}
	if f := late.run(Options{LedgerOnly: true}).Findings[0]; f.Block != 3 || f.Seq != 0 || f.Command != "" || f.Order != 2 {
		t.Errorf("what time did late is at %+v", f)
	}
	for _, f := range forgedDecisions[0].run(Options{}).Findings { // of a whole batch
		if f.Order != 0 || f.Seq != 0 || f.Block != 2 {
			t.Errorf("a batch's finding is at %+v", f)
		}
	}
}
