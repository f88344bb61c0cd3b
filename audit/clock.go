package audit

import "time"

// clock writes log time as people read it.
func clock(nanoseconds int64) string {
	return time.Unix(0, nanoseconds).UTC().Format("2006-01-02T15:04:05.000000000Z")
}
