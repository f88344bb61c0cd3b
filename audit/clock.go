package audit

import (
	"time"

	"onsale/sequencer"
)

// clock writes log time as people read it.
func clock(nanoseconds int64) string {
	return time.Unix(0, nanoseconds).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// after is a time some duration later, but never beyond the end of time.
func after(time, duration int64) int64 { return min(time+duration, sequencer.TimeMax) }
