package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"onsale/audit"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// violationsMax bounds the violations that are told; all are counted.
const violationsMax = 50

// verdict collects what is wrong.
type verdict struct {
	Violations []string `json:"violations"`
	Count      int      `json:"violation_count"`

	mu  sync.Mutex
	log func(format string, values ...any) // tells each at once; nil tells nobody
}

func (v *verdict) wrong(property, format string, values ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Count++
	if v.log != nil {
		v.log("violation of %s: "+format, append([]any{property}, values...)...)
	}
	if len(v.Violations) < violationsMax {
		v.Violations = append(v.Violations, property+": "+fmt.Sprintf(format, values...))
	}
}

// decided is a purchase as a journal has it.
type decided struct {
	user  string
	key   sequencer.KeyDigest
	code  sequencer.Code
	order string // uid
	at    int64  // by the log's time
}

// purchases reads every purchase of a journal, by seq, and what its time did.
func purchases(dir string) (map[uint64]decided, *silence, error) {
	all, quiet := map[uint64]decided{}, &silence{}
	var batch sequencer.Batch
	var decisions sequencer.Decisions
	_, err := journal.Scan(dir, func(b *journal.Block) error {
		if err := sequencer.DecodeBatch(b.Batch, &batch); err != nil {
			return fmt.Errorf("block %d: %w", b.Height, err)
		}
		if err := sequencer.DecodeDecisions(b.Decisions, batch.Commands, &decisions); err != nil {
			return fmt.Errorf("block %d: %w", b.Height, err)
		}
		quiet.see(&batch, &decisions)
		for i := range batch.Commands {
			c, r := &batch.Commands[i], &decisions.Results[i]
			if c.Kind != sequencer.KindBuy || r.Replayed || r.Code == sequencer.CodeNotTaken {
				continue
			}
			p := decided{user: string(c.User), key: c.Key, code: r.Code, at: batch.Time}
			if r.Order != 0 {
				p.order = sequencer.FormatUID(r.Sale, r.Order)
			}
			all[r.Seq] = p
		}
		return nil
	})
	return all, quiet, err
}

// checkAcknowledged holds every answered purchase against the log (P3, P9).
func (h *history) checkAcknowledged(log map[uint64]decided, v *verdict) (checked int) {
	for i := range h.operations {
		o := &h.operations[i]
		if o.kind != "buy" || !o.known || o.seq == 0 {
			continue
		}
		checked++
		d, there := log[o.seq]
		switch {
		case !there:
			v.wrong("P3", "%s was told seq %d, which is no purchase in the log", o.user, o.seq)
		case d.user != o.user || d.key != sequencer.DigestKey([]byte(o.user), []byte(o.key)):
			v.wrong("P3", "%s was told seq %d, which is a purchase of %s in the log", o.user, o.seq, d.user)
		case o.order != d.order:
			v.wrong("P9", "%s was told order %q at seq %d, the log has %q", o.user, o.order, o.seq, d.order)
		case o.order == "" && o.reason != d.code.String():
			v.wrong("P9", "%s was told %q at seq %d, the log has %q", o.user, o.reason, o.seq, d.code)
		}
	}
	return checked
}

// checkFIFO sweeps over the copies of purchases by time: one that was answered before
// another was sent has the lower seq (P4). O(n log n).
func (h *history) checkFIFO(v *verdict) {
	type moment struct {
		at  int64
		end bool
		op  *operation
	}
	var moments []moment
	for i := range h.operations {
		o := &h.operations[i]
		if o.kind != "buy" || !o.known || o.seq == 0 || o.replayed {
			continue // a replayed answer has the seq of an earlier request
		}
		moments = append(moments, moment{o.call, false, o}, moment{o.finish, true, o})
	}
	slices.SortFunc(moments, func(a, b moment) int {
		if a.at != b.at {
			return int(max(-1, min(1, a.at-b.at)))
		}
		return map[bool]int{true: 1}[a.end] - map[bool]int{true: 1}[b.end] // a call at the same instant is no later
	})
	var newest *operation // of those that were answered, the one with the highest seq
	for _, m := range moments {
		switch {
		case m.end:
			if newest == nil || m.op.seq > newest.seq {
				newest = m.op
			}
		case newest != nil && m.op.seq < newest.seq:
			v.wrong("P4", "%s asked %d ns after %s was answered, and has seq %d, below %d", m.op.user, m.op.call-newest.finish, newest.user, m.op.seq, newest.seq)
		}
	}
}

// checkKeys: a key makes at most one order, and once it has, every repeat says that order
// (P5). A refusal binds nothing, so a refused copy may be followed by an order, but no copy
// that was sent after somebody was told the order may be refused.
func (h *history) checkKeys(v *verdict) {
	ordered := map[string]*operation{} // by key: who was told its order first
	for i := range h.operations {
		o := &h.operations[i]
		if o.kind != "buy" || !o.known || o.order == "" {
			continue
		}
		first := ordered[o.key]
		if first != nil && (first.order != o.order || first.seq != o.seq) {
			v.wrong("P5", "key %s: order %q, seq %d; and order %q, seq %d", o.key, first.order, first.seq, o.order, o.seq)
		}
		if first == nil || o.finish < first.finish {
			ordered[o.key] = o
		}
	}

	for i := range h.operations {
		o := &h.operations[i]
		first := ordered[o.key]
		if o.kind == "buy" && o.known && o.order == "" && first != nil && first.finish < o.call {
			v.wrong("P5", "key %s has order %q, and a copy sent %d ns after that was told is refused: %q, seq %d",
				o.key, first.order, o.call-first.finish, o.reason, o.seq)
		}
	}
}

func (h *history) checkAnswers(v *verdict) {
	for _, odd := range h.undocumented {
		v.wrong("answers", "%s", strings.TrimSpace(odd))
	}
}

// checkLog holds the history against a journal.
func (r *run) checkLog(journal string) {
	v := &r.report.Verdict
	log, quiet, err := purchases(journal)
	if journal == "" || err != nil {
		v.wrong("audit", "no journal is whole: %v", err)
		return
	}
	r.report.Acknowledged = r.history.checkAcknowledged(log, v)
	r.report.Time = r.history.checkStamps(log, v)
	quiet.check(v)
	r.report.Time.Outages, r.report.Time.Outage, r.report.Time.Unclaimed = quiet.found.Outages, quiet.found.Outage, quiet.found.Unclaimed
}

// check holds the history against the journals.
func (r *run) check(all []class) {
	v := &r.report.Verdict
	complete := ""
	for _, n := range append(append([]*process{}, r.stage.lone), r.stage.voters()...) {
		found, err := audit.Run(r.stage.journal(n), audit.Options{})
		if err != nil {
			v.wrong("audit", "%s: %v", n.name, err)
			continue
		}
		r.report.Audits[n.name] = fmt.Sprintf("%s: %d requests decided again", found.Verdict, found.Redecided)
		switch found.Verdict {
		case audit.VerdictClean: // the last one of the cluster's, of which each is whole
			complete = r.stage.journal(n)
		case audit.VerdictFindings:
			v.wrong("audit", "%s: %d findings, such as %+v", n.name, found.FindingCount, found.Findings[0])
		}
	}
	r.report.Failpoints, r.report.Hangs = r.hits()
	r.history.checkAnswers(v)
	r.history.checkFIFO(v)
	r.history.checkKeys(v)
	r.report.Asked = r.history.checkStarts(v)
	r.checkLog(complete)
	r.report.Linearity = r.history.checkLinear(v)
	r.judge(all)
}
