package export

import (
	"strconv"
	"time"
)

// Spell spells times and days as files have them, RFC 3339 with microseconds and 2026-11-30, and
// leaves other values alone.
func Spell(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000000Z07:00")
	case Day:
		return string(v)
	}
	return v
}

// Text spells any value of a row; nil is "".
func Text(v any) string {
	switch v := Spell(v).(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
