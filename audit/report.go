package audit

import (
	"cmp"
	"encoding/hex"
	"slices"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// Verdict is the audit's answer in a word.
type Verdict string

// The verdicts.
const (
	// VerdictClean: everything was checked and nothing is wrong.
	VerdictClean Verdict = "clean"
	// VerdictFindings: something is wrong.
	VerdictFindings Verdict = "findings"
	// VerdictUnchecked: nothing is wrong with the chain, and not all decisions
	// could be decided again.
	VerdictUnchecked Verdict = "unchecked"
)

// Report is what an audit found.
type Report struct {
	Verdict   Verdict  `json:"verdict"`
	Directory string   `json:"directory"`
	Notes     []string `json:"notes,omitempty"`
	// Missing are heights in front of the journal that were not there to be read.
	Missing []journal.Span `json:"missing,omitempty"`

	Blocks         uint64 `json:"blocks"`
	FirstHeight    uint64 `json:"first_height"`
	LastHeight     uint64 `json:"last_height"`
	FirstRaftIndex uint64 `json:"first_raft_index"`
	LastRaftIndex  uint64 `json:"last_raft_index"`
	ChainHead      string `json:"chain_head"` // hash of the last block

	Requests  uint64 `json:"requests"`
	Events    uint64 `json:"events"`
	FirstSeq  uint64 `json:"first_seq"`
	LastSeq   uint64 `json:"last_seq"`
	FirstTime int64  `json:"first_time"` // log time, nanoseconds since the Unix epoch
	LastTime  int64  `json:"last_time"`

	Redecided uint64 `json:"redecided"` // decisions that were decided again
	Unchecked uint64 `json:"unchecked"` // decisions that could not be
	Buyers    uint64 `json:"buyers"`    // users who ever had an order
	Outcomes  []Row  `json:"outcomes"`
	Sales     []Sale `json:"sales"`

	Seconds      float64         `json:"seconds"` // how long the audit took
	FindingCount uint64          `json:"finding_count"`
	FindingKinds map[Kind]uint64 `json:"finding_kinds,omitempty"`
	Findings     []Finding       `json:"findings,omitempty"`
}

// Outcome is what distinguishes the rows of a report.
type Outcome struct {
	Command  sequencer.Kind
	Code     sequencer.Code
	State    sequencer.OrderState
	Replayed bool
}

// Row counts the requests with one outcome.
type Row struct {
	Command  string `json:"command"`
	Code     string `json:"code"`
	State    string `json:"state,omitempty"`
	Replayed bool   `json:"replayed,omitempty"`
	Count    uint64 `json:"count"`
}

// Sale is a sale's totals at the end of the journal.
type Sale struct {
	Number    uint16 `json:"number"`
	ID        string `json:"id"`
	Status    string `json:"status"` // empty when nothing was decided again
	Quantity  uint32 `json:"quantity"`
	Sold      int64  `json:"sold"`
	Held      int64  `json:"held"`
	Withheld  int64  `json:"withheld"`
	Available int64  `json:"available"`
	Waiting   int    `json:"waiting"`
	Orders    uint64 `json:"orders"`
	SoldOut   uint64 `json:"sold_out"`   // buys refused because nothing was left
	NotEnough uint64 `json:"not_enough"` // buys refused because too few were
}

// finish closes the books and draws up the report.
func (a *auditor) finish() *Report {
	r := &a.report
	whole := r.FirstHeight == 1 && !a.unread
	a.findings.at = Finding{Block: a.last.Height, RaftIndex: a.last.RaftIndex}
	switch {
	case whole:
		a.ledger.Finish()
		r.Sales = a.sales()
	case r.Blocks == 0:
		r.Notes = append(r.Notes, "no block could be read: there is nothing to check")
	case r.FirstHeight > 1:
		r.Notes = append(r.Notes, "the journal begins after a snapshot: its chain, times and sequence were checked, "+
			"its decisions could not be decided again")
	}
	if a.judge != nil {
		r.Redecided = a.judge.decided
		a.compareTotals(r.Sales)
	} else {
		r.Notes = append(r.Notes, "nothing was decided again: the chain and the books were checked alone")
	}
	if a.options.Contains != (journal.Hash{}) && !a.contained {
		a.findings.report(checkContains, 0, hex.EncodeToString(a.options.Contains[:]), hex.EncodeToString(a.last.Hash[:]))
	}
	r.LastHeight, r.LastRaftIndex, r.ChainHead = a.last.Height, a.last.RaftIndex, hex.EncodeToString(a.last.Hash[:])
	r.LastSeq = max(a.ledger.next, 1) - 1
	r.Buyers = uint64(len(a.ledger.users))
	r.Outcomes = rows(a.outcomes)
	r.FindingCount, r.FindingKinds, r.Findings = a.findings.total, a.findings.count, a.findings.list
	switch {
	case r.FindingCount > 0:
		r.Verdict = VerdictFindings
	case !whole || a.judge == nil:
		r.Verdict = VerdictUnchecked
	default:
		r.Verdict = VerdictClean
	}
	return r
}

func rows(outcomes map[Outcome]uint64) []Row {
	keys := make([]Outcome, 0, len(outcomes))
	for o := range outcomes {
		keys = append(keys, o)
	}
	slices.SortFunc(keys, func(a, b Outcome) int {
		again := func(o Outcome) int { return map[bool]int{true: 1}[o.Replayed] }
		return cmp.Or(cmp.Compare(a.Command, b.Command), cmp.Compare(again(a), again(b)), cmp.Compare(a.Code, b.Code), cmp.Compare(a.State, b.State))
	})
	list := make([]Row, 0, len(keys))
	for _, o := range keys {
		row := Row{Command: o.Command.String(), Code: o.Code.String(), Replayed: o.Replayed, Count: outcomes[o]}
		if o.State != sequencer.StateNone {
			row.State = o.State.String()
		}
		list = append(list, row)
	}
	return list
}

// sales are the totals of the books.
func (a *auditor) sales() []Sale {
	var list []Sale
	for _, s := range a.ledger.sales {
		sale := Sale{
			Number: s.number, ID: s.spec.ID, Quantity: s.spec.Quantity,
			Sold: s.sold, Held: s.held, Withheld: s.withheld, Available: s.available(),
			Waiting: s.waiting, Orders: s.orders, SoldOut: s.soldOut, NotEnough: s.notEnough,
		}
		list = append(list, sale)
	}
	return list
}

// compareTotals holds the books against the model at the end, and adds the statuses,
// which only the rules know.
func (a *auditor) compareTotals(sales []Sale) {
	for i := range sales {
		s := &sales[i]
		view, known := a.judge.model.Sale(s.Number)
		if known {
			s.Status = view.Status(view.AsOfTime).String()
		}
		want := Sale{
			Number: s.Number, ID: view.ID, Status: s.Status, Quantity: view.Quantity,
			Sold: int64(view.Sold), Held: int64(view.Held), Withheld: int64(view.Withheld), Available: int64(view.Available),
			Waiting: int(view.Waiting), Orders: s.Orders, SoldOut: view.Counters.Buys[sequencer.CodeSoldOut],
			NotEnough: view.Counters.Buys[sequencer.CodeNotEnough],
		}
		if *s != want {
			a.findings.report(checkTotals, 0, want.String(), s.String(), s.Number)
		}
	}
}
