package contract

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a length of time that JSON spells as "1h30m".
type Duration time.Duration

// String spells the duration as JSON does.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON spells the duration as a string.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(d.String())
}

// UnmarshalJSON takes "1h30m" and says so when it gets anything else.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a duration is a string such as \"1h30m\", not %s", data)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("a duration is a string such as \"1h30m\", not %q", text)
	}
	*d = Duration(parsed)
	return nil
}
