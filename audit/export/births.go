package export

import (
	"time"

	"onsale/audit/follow"
	"onsale/sequencer"
)

// BirthIn returns the birth that a block makes, whose command is then alone in its batch; false for none.
func BirthIn(b *follow.Block) (sequencer.ClusterID, bool) {
	if len(b.Batch.Commands) != 1 || b.Batch.Commands[0].Kind != sequencer.KindBirth || b.Decisions.Results[0].Code != sequencer.CodeOK {
		return sequencer.ClusterID{}, false
	}
	return sequencer.ClusterID(b.Batch.Commands[0].Key), true
}

// bookBirths puts a birth that the books did not have yet. Those of before a copy's are kept, which the
// state forgets.
func (b *Books) bookBirths() {
	births := b.state.Births()
	if len(births) == 0 || len(b.births) > 0 && b.births[len(b.births)-1][1] == births[len(births)-1].Cluster.String() {
		return
	}
	birth := &births[len(births)-1]
	b.births = append(b.births, Row{int64(len(b.births) + 1), birth.Cluster.String(), birth.Cause.String(), int64(birth.FirstSeq),
		int64(b.position.Head.Height), b.position.At})
	b.rows.Put(Births, b.births[len(b.births)-1])
}

// RepeatBirths puts all births again, for a target that lacks those of before its position.
func (b *Books) RepeatBirths() {
	for _, row := range b.births {
		b.rows.Put(Births, row)
	}
}

// Births are the ids of the births so far, hexadecimal.
func (b *Books) Births() (ids []string) {
	for _, row := range b.births {
		ids = append(ids, row[1].(string))
	}
	return ids
}

// Zone returns a sale's time zone; false for a sale that there is not.
func (b *Books) Zone(sale string) (string, bool) {
	for number := uint16(1); b.has(number); number++ {
		if v, _ := b.state.Sale(number); v.ID == sale {
			return v.Zone, true
		}
	}
	return "", false
}

// BornAt is when the newest birth was drawn, by the clock of the machine where that was. Its block has
// the time of the last one before it, which may be days older.
func (b *Books) BornAt() time.Time {
	births := b.state.Births()
	return time.Unix(0, births[len(births)-1].Time).UTC().Truncate(time.Microsecond)
}

// DayOf is the date of a time where a zone is.
func (b *Books) DayOf(zone string, at time.Time) Day { return b.day(zone, at) }
