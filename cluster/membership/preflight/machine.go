package preflight

import (
	"fmt"
	"math"
	"slices"
	"time"

	"onsale/cluster/membership"
)

// What a sale costs a node, from docs/capacity.md, rounded up for longer names of users.
const (
	diskBytesPerRequest = 100 // in the journal and the raft log; 38 and 37 measured, with a key
	memoryBytesPerOrder = 160 // 123 measured, of one that waits
	memoryBytesPerSale  = 512 << 20
)

// The bounds of clocks: off by more than the first a buyer sees, by more than the second is an alarm.
const (
	clockOffSeen = 0.1 // seconds
	clockOffMax  = 1.0
)

// clocks looks at the members' wall clocks.
func clocks(q *Question) (found []Line) {
	most := 0.0
	for i := range q.Members {
		m := &q.Members[i]
		if m.Node == nil {
			continue
		}
		off := math.Abs(m.Node.ClockAhead)
		most = max(most, off)
		if off > clockOffSeen {
			verdict := Warning
			if off > clockOffMax {
				verdict = Fail
			}
			found = append(found, Line{Verdict: verdict, Member: m.ID, Detail: fmt.Sprintf("its clock is %.3f s ahead of the log's time", m.Node.ClockAhead),
				Action: "see that chrony or ntpd runs there"})
		}
	}
	return fine(found, fmt.Sprintf("at most %.3f s off", most))
}

// disk looks whether the journal of what is expected fits beside the reserve.
func disk(q *Question) (found []Line) {
	needed := int64(min(q.Plan.Requests, math.MaxInt64/diskBytesPerRequest)) * diskBytesPerRequest
	least := int64(math.MaxInt64)
	for i := range q.Members {
		m := &q.Members[i]
		if m.Node == nil {
			continue
		}
		free := max(0, m.Node.FreeBytes-m.Node.ReserveBytes)
		least = min(least, free)
		if free < needed {
			found = append(found, Line{Verdict: Fail, Member: m.ID, Detail: fmt.Sprintf("%d MiB are free beside the reserve, %d requests may take %d MiB", free>>20, q.Plan.Requests, needed>>20),
				Action: "free space on its disk, make it larger, or say --requests"})
		}
	}
	if least == math.MaxInt64 {
		return nil
	}
	return fine(found, fmt.Sprintf("%d MiB are free beside the reserve, %d requests may take %d MiB", least>>20, q.Plan.Requests, needed>>20))
}

// memory looks whether the orders fit that the sale may make.
func memory(q *Question) (found []Line) {
	orders := min(q.Plan.Requests, q.Sale.Tickets+q.Sale.Waitlist)
	needed := orders*memoryBytesPerOrder + memoryBytesPerSale
	for _, id := range q.told() {
		available := q.Facts[id].Memory.Available
		switch {
		case available == 0:
			found = append(found, Line{Verdict: Warning, Member: id, Detail: "it does not know how much memory is available", Action: "look there"})
		case available < needed:
			found = append(found, Line{Verdict: Fail, Member: id, Detail: fmt.Sprintf("%d MiB of memory are available, %d orders may take %d MiB", available>>20, orders, needed>>20),
				Action: "give it more, or bound the waitlist"})
		}
	}
	return fine(found, fmt.Sprintf("%d orders may take %d MiB of each", orders, needed>>20))
}

// files looks whether buyers' connections fit, where buyers come to the nodes.
func files(q *Question) (found []Line) {
	for _, id := range q.told() {
		switch is := q.Facts[id].Files; {
		case is.Max == 0:
			found = append(found, Line{Verdict: Warning, Member: id, Detail: "it does not know its limit of open files", Action: "see ulimit -n"})
		case is.Buyers < q.Plan.Connections && !q.hasFrontEnds():
			found = append(found, Line{Verdict: Fail, Member: id, Detail: fmt.Sprintf("it lets %d connections of buyers in, %d are expected; its limit of open files is %d", is.Buyers, q.Plan.Connections, is.Max),
				Action: "raise LimitNOFILE (ulimit -n) and --connections-max, or say --connections"})
		case is.Open > is.Max/2:
			found = append(found, Line{Verdict: Warning, Member: id, Detail: fmt.Sprintf("%d of %d files are open at rest", is.Open, is.Max), Action: "raise LimitNOFILE (ulimit -n)"})
		}
	}
	return fine(found, "enough on each node")
}

// certificates looks whether they last until the sale is over.
func certificates(q *Question) (found []Line) {
	any := false
	for i := range q.Members {
		m := &q.Members[i]
		if m.Node == nil {
			continue
		}
		for _, c := range m.Node.Certificates {
			any = true
			if c.NotAfter.Before(q.ends()) {
				found = append(found, Line{Verdict: Fail, Member: m.ID, Detail: fmt.Sprintf("its certificate for %s ends at %s, the sale is over at %s", c.Use, c.NotAfter.UTC().Format(time.RFC3339), q.ends().UTC().Format(time.RFC3339)),
					Action: "give it a new one; it is read again by itself"})
			}
		}
	}
	if !any {
		return []Line{{Verdict: OK, Detail: "the nodes have none"}}
	}
	return fine(found, "they last until "+q.ends().UTC().Format(time.RFC3339))
}

// token looks whether the operator can still act when the sale is under way.
func token(q *Question) []Line {
	if q.TokenEnds == nil || q.TokenEnds.After(q.ends()) {
		return []Line{{Verdict: OK, Detail: "yours lasts"}}
	}
	return []Line{{Verdict: Warning, Detail: fmt.Sprintf("yours ends at %s, the sale is over at %s", q.TokenEnds.UTC().Format(time.RFC3339), q.ends().UTC().Format(time.RFC3339)),
		Action: "have one at hand that lasts longer: onsale token --lifetime"}}
}

// backup looks how old the newest one is that any member knows of.
func backup(q *Question) []Line {
	var newest *time.Time
	from := ""
	for _, id := range q.told() {
		if at := q.Facts[id].BackupAt; at != nil && (newest == nil || at.After(*newest)) {
			newest, from = at, id
		}
	}
	if newest == nil {
		return []Line{{Verdict: Fail, Detail: "no member has given one", Action: "onsale snapshot save FILE, and keep it elsewhere"}}
	}
	l := Line{Verdict: OK, Member: from, Detail: fmt.Sprintf("the newest is of %s, %v old", newest.UTC().Format(time.RFC3339), q.Now.Sub(*newest).Round(time.Second))}
	if q.Now.Sub(*newest) > q.Plan.BackupAgeMax {
		l.Verdict, l.Action = Fail, "onsale snapshot save FILE, and keep it elsewhere"
	}
	return []Line{l}
}

// told returns who told facts, by id.
func (q *Question) told() (ids []string) {
	for id := range q.Facts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (q *Question) hasFrontEnds() bool {
	return slices.ContainsFunc(q.Members, func(m membership.MemberStatus) bool { return m.Node != nil && len(m.Node.FrontEnds) > 0 })
}
