package peer

import (
	"strings"
	"testing"
)

func lineage(ids string) (l Lineage) {
	for _, id := range []byte(ids) {
		l = append(l, ClusterID{id})
	}
	return l
}

func TestRelations(t *testing.T) {
	for _, c := range []struct {
		own, other string
		want, back Relation
	}{
		{"", "", Unknown, Unknown},
		{"", "a", Unknown, Unknown},
		{"a", "a", Same, Same},
		{"abc", "abc", Same, Same},
		{"b", "ab", Same, Same}, // it has not heard yet of what was before
		{"a", "ab", Newer, Older},
		{"ab", "abcd", Newer, Older},
		{"ab", "xbc", Newer, Older},
		{"ab", "ac", Parted, Parted},
		{"abc", "abd", Parted, Parted},
		{"abc", "axbd", Parted, Parted},
		{"ab", "ba", Parted, Parted}, // no clusters have such lists
		{"a", "b", Unrelated, Unrelated},
		{"ab", "cd", Unrelated, Unrelated},
	} {
		if got, back := lineage(c.own).RelationOf(lineage(c.other)), lineage(c.other).RelationOf(lineage(c.own)); got != c.want || back != c.back {
			t.Errorf("%q and %q: %d and %d, want %d and %d", c.own, c.other, got, back, c.want, c.back)
		}
	}
	if newest := lineage("abc").Newest(); newest != (ClusterID{'c'}) || Lineage(nil).Newest() != (ClusterID{}) {
		t.Errorf("newest is %v", newest)
	}
}

func TestClusterID(t *testing.T) {
	id := ClusterID{1, 0xab}
	if got, err := ParseClusterID(id.String()); err != nil || got != id {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"", "xy", strings.Repeat("g", 32), strings.Repeat("0", 31)} {
		if _, err := ParseClusterID(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
