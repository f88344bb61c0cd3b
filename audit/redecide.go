package audit

import (
	"fmt"

	"onsale/audit/naive"
	"onsale/sequencer"
)

// judge decides every batch again, with two implementations.
type judge struct {
	findings *findings
	model    *naive.Model

	state     *sequencer.State // nil when the state hash is not checked any more
	decisions sequencer.Decisions

	decided uint64
}

func newJudge(f *findings, o Options) *judge {
	j := &judge{findings: f, model: naive.New()}
	if !o.SkipStateHash {
		j.state = sequencer.New()
	}
	return j
}

// decide compares the recorded decisions of a batch with the model's.
func (j *judge) decide(b *sequencer.Batch, recorded *sequencer.Decisions) {
	want := j.model.Apply(b)
	if recorded.Time != want.Time {
		j.findings.report(checkRedecidedTime, 0, clock(want.Time), clock(recorded.Time))
	}
	for i := range want.Results {
		j.decided++
		if recorded.Results[i] != want.Results[i] {
			j.differ(&b.Commands[i], recorded.FirstSeq+uint64(i), &want.Results[i], &recorded.Results[i])
		}
	}
	j.compareEvents(want.Events, recorded.Events)
	j.findings.at.Seq, j.findings.at.Command = 0, ""
}

func (j *judge) differ(c *sequencer.Command, seq uint64, want, found *sequencer.Result) {
	j.findings.at.Seq, j.findings.at.Command = seq, c.Kind.String()
	j.findings.report(checkDecision, max(want.Order, found.Order), describe(want), describe(found))
}

func (j *judge) compareEvents(want, found []sequencer.Event) {
	j.findings.at.Seq, j.findings.at.Command = 0, ""
	for i := range max(len(want), len(found)) {
		switch {
		case i >= len(found):
			j.findings.report(checkEventMissing, want[i].Order, describeEvent(&want[i]), "nothing")
		case i >= len(want):
			j.findings.report(checkEventExtra, found[i].Order, "nothing", describeEvent(&found[i]))
		case want[i] != found[i]:
			j.findings.report(checkEventOther, found[i].Order, describeEvent(&want[i]), describeEvent(&found[i]))
		}
	}
}

// hash compares the hash of the state after the batch with the block's. Only the
// first difference is told: every later one follows from it.
func (j *judge) hash(b *sequencer.Batch, recorded uint64) {
	if j.state == nil {
		return
	}
	err := j.apply(b)
	switch {
	case err != nil:
		j.findings.report(checkDecidable, 0, "", "", err)
	case j.state.Hash() != recorded:
		j.findings.report(checkStateHash, 0, fmt.Sprintf("%016x", j.state.Hash()), fmt.Sprintf("%016x", recorded))
	default:
		return
	}
	j.state = nil
}

// apply turns a broken invariant into an error: an audit reports, it does not stop.
func (j *judge) apply(b *sequencer.Batch) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("%v", failure)
		}
	}()
	j.state.Apply(b, &j.decisions)
	return nil
}

func describe(r *sequencer.Result) string {
	text := fmt.Sprintf("%s (seq %d", r.Code, r.Seq)
	if r.Order != 0 {
		text += fmt.Sprintf(", order %d of sale %d %s, %d tickets, position %d, attempt %d", r.Order, r.Sale, r.State, r.Quantity, r.Position, r.Attempt)
	}
	if r.Code == sequencer.CodeNotEnough {
		text += fmt.Sprintf(", %d left", r.Quantity)
	}
	if r.Deadline != 0 {
		text += ", until " + clock(r.Deadline)
	}
	if r.Replayed {
		text += ", told again"
	}
	return text + ")"
}

func describeEvent(e *sequencer.Event) string {
	text := fmt.Sprintf("order %d of sale %d %s, %d tickets, before command %d", e.Order, e.Sale, e.Kind, e.Quantity, e.Before)
	if e.Deadline != 0 {
		text += ", until " + clock(e.Deadline)
	}
	return text
}
