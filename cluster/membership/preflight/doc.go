// Package preflight says whether a cluster is ready for a sale: what an operator would look at the
// night before, in one list. It judges what the members said of themselves (membership.Preflight)
// and what is planned; it asks nobody, so that every case has a test.
//
// What it trades off: it sees the cluster as it is now, at rest. That a disk keeps up with the rush,
// or a network, only a load shows.
package preflight

import (
	"cmp"
	"slices"
	"time"

	"onsale/cluster/membership"
)

// Verdict is what a check came to.
type Verdict string

// The verdicts, the worst first.
const (
	Fail    Verdict = "fail"    // the sale is not to begin like this
	Warning Verdict = "warning" // somebody should know why this is as it should be
	OK      Verdict = "ok"
)

// Line is what one check found, of a member or of all.
type Line struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Member  string  `json:"member,omitempty"`
	Detail  string  `json:"detail"`
	Action  string  `json:"action,omitempty"` // what to do; "" when all is well
}

// Sale is the sale that is to begin.
type Sale struct {
	ID       string
	Status   string // as sellers see it: scheduled, open, …
	StartsAt time.Time
	Hold     time.Duration
	Price    int64 // minor units
	Test     bool  // a rehearsal
	// PseudonymKey is the id of the key under which its buyers are known; "" when they are in clear.
	PseudonymKey string
	Tickets      uint64 // for sale
	Waitlist     uint64 // places
}

// Plan is what is expected.
type Plan struct {
	Requests     uint64        // of buyers, in all
	Connections  uint64        // of buyers at each process that answers them
	BackupAgeMax time.Duration // of the newest backup
}

// Question is all that is judged.
type Question struct {
	membership.Preflight
	Sale Sale
	Plan Plan
	// TokenEnds is when the token ends with which the operator asks; nil for never.
	TokenEnds *time.Time
	Now       time.Time
}

// check is one thing that is looked at; a line for each that it finds, and for what is well.
type check struct {
	name string
	look func(q *Question) []Line
}

func checks() []check {
	return []check{
		{"sale", sale}, {"members", members}, {"alarms", alarms}, {"replicas", replicas}, {"builds", builds}, {"front-ends", frontEnds},
		{"pseudonyms", pseudonyms}, {"tickets", tickets},
		{"clocks", clocks}, {"disk", disk}, {"memory", memory}, {"files", files}, {"certificates", certificates}, {"token", token},
		{"backup", backup}, {"provider", provider}, {"webhooks", webhooks},
	}
}

// Judge returns what all checks found, the worst first, else in the order of the checks.
func Judge(q *Question) (lines []Line) {
	for _, c := range checks() {
		for _, l := range c.look(q) {
			l.Check = c.name
			lines = append(lines, l)
		}
	}
	order := []Verdict{Fail, Warning, OK}
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Compare(slices.Index(order, a.Verdict), slices.Index(order, b.Verdict))
	})
	return lines
}

// Worst returns the worst verdict of lines.
func Worst(lines []Line) Verdict {
	for _, v := range []Verdict{Fail, Warning} {
		if slices.ContainsFunc(lines, func(l Line) bool { return l.Verdict == v }) {
			return v
		}
	}
	return OK
}

// ends returns until when the sale needs what a certificate or a token is for: a day after the last
// hold of its first buyers.
func (q *Question) ends() time.Time { return q.Sale.StartsAt.Add(q.Sale.Hold + afterwards) }

// afterwards is for how long a sale is looked after when its first holds have ended.
const afterwards = 24 * time.Hour

// fine is a line of its own when nothing was found.
func fine(found []Line, detail string) []Line {
	if len(found) > 0 {
		return found
	}
	return []Line{{Verdict: OK, Detail: detail}}
}
