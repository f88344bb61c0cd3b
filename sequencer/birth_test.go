package sequencer

import (
	"errors"
	"testing"
)

// A birth is decided within its bounds, and refused beyond each of them.
func TestNextBirthBounds(t *testing.T) {
	first := []Birth{{FirstSeq: 1, Cluster: ClusterID{1}, Cause: BirthNew}}
	for name, c := range map[string]struct {
		births []Birth
		seq    uint64
		change func(*Command)
		want   error
	}{
		"the first":                {nil, 0, func(*Command) {}, nil},
		"at the latest time":       {nil, 0, func(c *Command) { c.Amount = TimeMax }, nil},
		"later":                    {nil, 0, func(c *Command) { c.Amount = TimeMax + 1 }, ErrBirth},
		"before 1970":              {nil, 0, func(c *Command) { c.Amount = -1 }, ErrBirth},
		"without a cause":          {nil, 0, func(c *Command) { c.Count = 0 }, ErrBirth},
		"of a cause that is none":  {nil, 0, func(c *Command) { c.Count = uint32(BirthCopy) + 1 }, ErrBirth},
		"another command":          {nil, 0, func(c *Command) { c.Kind = KindBuy }, ErrBirth},
		"without an id":            {nil, 0, func(c *Command) { c.Key = KeyDigest{} }, ErrBirth},
		"new, after a decision":    {nil, 1, func(*Command) {}, ErrBirth},
		"new, after a birth":       {first, 1, func(*Command) {}, ErrBirth},
		"a restore of nothing":     {nil, 0, func(c *Command) { c.Count = uint32(BirthRestore) }, ErrBirth},
		"a restore":                {first, 1, func(c *Command) { c.Count = uint32(BirthRestore) }, nil},
		"a restore under its id":   {first, 1, func(c *Command) { c.Count, c.Key = uint32(BirthRestore), KeyDigest{1} }, ErrBirth},
		"a restore after too many": {make([]Birth, BirthsMax), 1, func(c *Command) { c.Count = uint32(BirthRestore) }, ErrBirth},
	} {
		command := Command{Kind: KindBirth, Key: KeyDigest{2}, Count: uint32(BirthNew)}
		c.change(&command)
		if _, err := NextBirth(c.births, c.seq, &command); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
