package contract

import (
	"cmp"
	"fmt"
	"time"
)

// SaleTimeline is a sale's report with its course over time.
type SaleTimeline struct {
	Report
	Timeline Timeline `json:"timeline"`
}

// Timeline is the course of a sale as its journal tells it. Rows count from
// OpenedAt in whole seconds of the log's time; those of the opening minutes are
// one second long, later ones a minute, or longer when a long sale would have too
// many of them. A row without any batch of the sale is there too, up to the last
// that has one.
type Timeline struct {
	// OpenedAt is the sale's start, or when it was created if that was later.
	OpenedAt time.Time `json:"opened_at"`
	// SoldOutSeconds is how long after OpenedAt no ticket was available for the
	// first time; absent when there always was one.
	SoldOutSeconds *float64 `json:"sold_out_seconds,omitempty"`
	// PeakRequests is the most requests of one second, and Busiest are the seconds with most of
	// them, the busiest first, wherever they are in the course of the sale.
	PeakRequests uint64       `json:"peak_requests"`
	Busiest      []BusySecond `json:"busiest"`
	// Batches counts the batches of the log that had to do with the sale.
	Batches uint64 `json:"batches"`
	// Before is what was asked for before OpenedAt; absent when that is nothing.
	Before *TimelineRow  `json:"before,omitempty"`
	Rows   []TimelineRow `json:"rows"`
	// Changes are the newest ChangesMax commands of sellers and operators that the sale took,
	// in their order, and ChangesLeftOut counts the older ones.
	Changes        []PastChange `json:"changes"`
	ChangesLeftOut uint64       `json:"changes_left_out"`
	// Blocks is how many blocks of the journal were read, ChainHead the hash of
	// the last: an audit of that journal names it too.
	Blocks    uint64 `json:"blocks"`
	ChainHead string `json:"chain_head"`
	// Mismatch is where the totals of the rows and the replica's disagree, or
	// where the journal contradicts itself. It is an error of the program or of the
	// data: run an audit. Absent when there is none.
	Mismatch []Mismatch `json:"mismatch,omitempty"`
}

// BusySecond is one second in which buyers asked for something.
type BusySecond struct {
	From     int64  `json:"from_seconds"` // after the opening; before it when negative
	Requests uint64 `json:"requests"`     // decided buys, without replays
}

// TimelineRow counts what happened in some seconds, and says where the tickets
// were at their end. Requests, and what became of them, are orders unless a name
// says tickets.
type TimelineRow struct {
	From       int64             `json:"from_seconds"` // after the opening
	Seconds    int64             `json:"seconds"`      // how long the row is
	Batches    uint64            `json:"batches"`
	Requests   uint64            `json:"requests"`                    // decided buys, without replays
	Replayed   uint64            `json:"replayed"`                    // known idempotency keys
	Reserved   uint64            `json:"reserved"`                    // buys that got tickets at once
	Waitlisted uint64            `json:"waitlisted"`                  // buys that had to wait
	Refused    uint64            `json:"refused"`                     // buys that made no order
	ByReason   map[string]uint64 `json:"refused_by_reason,omitempty"` // of the refusals

	Promoted       uint64 `json:"promoted"` // waiting orders that got tickets
	Expired        uint64 `json:"expired"`
	ExpiredTickets uint64 `json:"expired_tickets"`
	Cancelled      uint64 `json:"cancelled"`
	Paid           uint64 `json:"paid"`
	Refunded       uint64 `json:"refunded"`

	PaymentAttempts   uint64 `json:"payment_attempts"`   // that began
	PaymentsRejected  uint64 `json:"payments_rejected"`  // the provider declined
	PaymentsCancelled uint64 `json:"payments_cancelled"` // ended at the provider without an outcome

	Available uint32 `json:"available_tickets"` // at the end of the row, as are all below
	Held      uint32 `json:"held_tickets"`
	Sold      uint32 `json:"sold_tickets"`
	Withheld  uint32 `json:"withheld_tickets"`
	Waitlist  uint32 `json:"waitlist_length"` // orders
}

// Mismatch is one number of which there are two.
type Mismatch struct {
	Field   string `json:"field"`   // as the report names it: tickets.sold
	Journal string `json:"journal"` // what the journal comes to
	Replica string `json:"replica"` // what the replica, or the rules, say
}

// ReportLatency says how long buyers waited: from reading a buy to having its
// answer, the commit on a majority included. It counts the buys that this node
// itself answered with a decision, of the sale, since the process started. What
// other nodes and front-ends answered is not in it, nor what was answered without
// a decision. Percentiles are right to one part in a hundred.
type ReportLatency struct {
	Buys uint64  `json:"buys"`
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p99_9_ms"`
	Max  float64 `json:"max_ms"`
	// Buckets count the buys by how long they took, shortest first.
	Buckets []LatencyBucket `json:"buckets,omitempty"`
}

// LatencyBucket counts the buys that took at most UpTo milliseconds and longer
// than the bucket before.
type LatencyBucket struct {
	UpTo float64 `json:"up_to_ms"`
	Buys uint64  `json:"buys"`
}

// String says what is wrong.
func (m Mismatch) String() string {
	return fmt.Sprintf("%s is %s by the journal, %s by the replica", m.Field, cmp.Or(m.Journal, "absent"), cmp.Or(m.Replica, "absent"))
}
