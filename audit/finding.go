package audit

import "fmt"

// Kind names what is wrong.
type Kind string

// The kinds of findings.
const (
	KindChain     Kind = "chain"      // damage, or a block that does not follow the one before
	KindEncoding  Kind = "encoding"   // a batch or its decisions cannot be read
	KindTime      Kind = "time"       // log time runs back, or is not the batch's
	KindSequence  Kind = "sequence"   // a seq is missing, doubled or out of place
	KindDecision  Kind = "decision"   // the rules decide otherwise
	KindEvent     Kind = "event"      // the rules make another event, none, or one more
	KindStateHash Kind = "state-hash" // the state after the block has another hash
	KindCount     Kind = "count"      // more tickets than there are
	KindCap       Kind = "cap"        // a user has more tickets than the sale allows
	KindFIFO      Kind = "fifo"       // somebody was passed over
	KindExpiry    Kind = "expiry"     // a hold is too long or short, or ended early or late
	KindKey       Kind = "key"        // one idempotency key, two orders
	KindOrder     Kind = "order"      // a step that the order's life does not have
	KindTicket    Kind = "ticket"     // a number given twice, left out, or revoked of whom it is not
)

// Finding is one thing that is wrong, and where.
type Finding struct {
	Kind      Kind   `json:"kind"`
	Block     uint64 `json:"block"` // height in the chain
	RaftIndex uint64 `json:"raft_index"`
	Seq       uint64 `json:"seq,omitempty"`     // of the command concerned; 0 when it is the block
	Command   string `json:"command,omitempty"` // its kind
	Order     uint64 `json:"order,omitempty"`
	Message   string `json:"message"`
	Expected  string `json:"expected,omitempty"`
	Found     string `json:"found,omitempty"`

	check check
}

// String returns the finding as one line.
func (f *Finding) String() string {
	text := fmt.Sprintf("%s: block %d (raft index %d)", f.Kind, f.Block, f.RaftIndex)
	if f.Seq != 0 {
		text += fmt.Sprintf(", seq %d", f.Seq)
	}
	if f.Command != "" {
		text += ", " + f.Command
	}
	if f.Order != 0 {
		text += fmt.Sprintf(", order %d", f.Order)
	}
	text += ": " + f.Message
	if f.Expected != "" || f.Found != "" {
		text += fmt.Sprintf("; expected %s; found %s", f.Expected, f.Found)
	}
	return text
}

// findings is a bounded list with full counts. After a first difference many
// follow from it, so that each kind may only take its share of the list.
type findings struct {
	list  []Finding
	count map[Kind]uint64
	total uint64
	limit int // of each kind
	at    Finding
}

// report adds what a check found at the place where the audit stands. The values are
// those of the check's message.
func (f *findings) report(c check, order uint64, expected, found string, values ...any) {
	kind := checks[c].kind
	f.total++
	f.count[kind]++
	if f.count[kind] > uint64(f.limit) {
		return
	}
	finding := f.at
	finding.Kind, finding.check = kind, c
	finding.Order, finding.Expected, finding.Found = order, expected, found
	finding.Message = fmt.Sprintf(checks[c].message, values...)
	f.list = append(f.list, finding)
}
