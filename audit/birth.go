package audit

import (
	"fmt"
	"time"

	"onsale/sequencer"
)

// born books a birth and reports whether the batch is one. It is the only place where the
// sequence may jump, and it must: behind what any other history of the cluster can have
// given out by then, 2^31 numbers for each whole minute since the first birth, and one
// minute's more.
func (l *Ledger) born(b *sequencer.Batch, d *sequencer.Decisions) bool {
	if len(b.Commands) != 1 || b.Commands[0].Kind != sequencer.KindBirth || d.Results[0].Code != sequencer.CodeOK {
		return false
	}
	c := &b.Commands[0]
	is := sequencer.Birth{FirstSeq: d.FirstSeq, Cluster: sequencer.ClusterID(c.Key), Time: c.Amount, Cause: sequencer.BirthCause(c.Count)}
	least := l.next
	if n := len(l.births); n > 0 {
		if l.births[n-1].Cluster == is.Cluster {
			return false // the same birth again is a command like any other
		}
		minutes := (is.Time - l.births[0].Time) / int64(time.Minute)
		least = max(least, l.births[0].FirstSeq-1+uint64(minutes+1)<<31)
	}
	if is.FirstSeq < least || is.FirstSeq > sequencer.SeqMax || is.Cause == sequencer.BirthNew && is.FirstSeq != 1 {
		l.findings.report(checkBirth, 0, fmt.Sprintf("at least %d, of a new cluster 1, at most %d", least, uint64(sequencer.SeqMax)),
			fmt.Sprintf("%d, cause %s", is.FirstSeq, is.Cause))
	}

	if is.Cause == sequencer.BirthCopy {
		l.births = nil
		l.account = ""
	}
	l.births = append(l.births, is)
	clear(l.sessions)
	return true
}
