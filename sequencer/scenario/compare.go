package scenario

import (
	"fmt"

	"onsale/sequencer"
)

// Compare returns the first difference between two decisions of one batch.
func Compare(got, want *sequencer.Decisions) error {
	if got.Time != want.Time || got.FirstSeq != want.FirstSeq || len(got.Results) != len(want.Results) {
		return fmt.Errorf("decisions begin %d, %d, %d results; want %d, %d, %d results", got.Time, got.FirstSeq, len(got.Results), want.Time, want.FirstSeq, len(want.Results))
	}
	for i := range got.Results {
		if got.Results[i] != want.Results[i] {
			return fmt.Errorf("result %d:\n  got  %+v\n  want %+v", i, got.Results[i], want.Results[i])
		}
	}
	for i := range max(len(got.Events), len(want.Events)) {
		switch {
		case i >= len(got.Events):
			return fmt.Errorf("event %d is missing: want %+v", i, want.Events[i])
		case i >= len(want.Events):
			return fmt.Errorf("event %d is too much: got %+v", i, got.Events[i])
		case got.Events[i] != want.Events[i]:
			return fmt.Errorf("event %d:\n  got  %+v\n  want %+v", i, got.Events[i], want.Events[i])
		}
	}
	return nil
}
