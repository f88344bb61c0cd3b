package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

// withSections is a snapshot of a state without any, with sections as they are given, under
// its right checksum.
func withSections(t *testing.T, sections ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := sold(t).Snapshot().WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	data := out.Bytes()[:out.Len()-4]
	data[9] = byte(len(sections))
	for _, s := range sections {
		data = append(data, s...)
	}
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

// Sections come in the order of their kinds, have content, and no bits that nobody knows.
func TestSectionsOfASnapshot(t *testing.T) {
	section := func(kind byte, length uint64) []byte { return appendSection(nil, kind, length, 0) }
	birth := func() []byte {
		return appendBirth(nil, &Birth{FirstSeq: 1, Cluster: ClusterID{1}, Time: 1, Cause: BirthNew})
	}
	reserved := section(sectionBirths, birthBytes)
	reserved[7] = 1
	first := section(sectionBirths, birthBytes)
	first[1] = 1
	level := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(section(sectionLevel, levelBytes), n) }
	for name, c := range map[string]struct {
		sections [][]byte
		want     error
	}{
		"none":                     {nil, nil},
		"births of nothing":        {[][]byte{section(sectionBirths, 0)}, ErrSnapshotCorrupt},
		"references of nothing":    {[][]byte{section(sectionReferences, 0)}, ErrSnapshotCorrupt},
		"a level of nothing":       {[][]byte{section(sectionLevel, 0)}, ErrSnapshotCorrupt},
		"no kind":                  {[][]byte{section(0, 8)}, ErrSnapshotCorrupt},
		"a kind of later":          {[][]byte{section(sectionRevoked+1, 8)}, ErrVersion},
		"a bit that nobody knows":  {[][]byte{append(reserved, birth()...)}, ErrSnapshotCorrupt},
		"another one":              {[][]byte{append(first, birth()...)}, ErrSnapshotCorrupt},
		"half a birth":             {[][]byte{append(section(sectionBirths, birthBytes/2), birth()[:birthBytes/2]...)}, ErrSnapshotCorrupt},
		"more births than may be":  {[][]byte{section(sectionBirths, (BirthsMax+1)*birthBytes)}, ErrSnapshotCorrupt},
		"another hash of a birth":  {[][]byte{append(section(sectionBirths, birthBytes), birth()...)}, ErrSnapshotCorrupt},
		"a level that is too long": {[][]byte{append(section(sectionLevel, levelBytes+8), make([]byte, levelBytes+8)...)}, ErrSnapshotCorrupt},
		"levels twice":             {[][]byte{level(0), level(0)}, ErrSnapshotCorrupt},
		"fewer than it says":       {[][]byte{section(sectionLevel, levelBytes)}, ErrSnapshotCorrupt},
	} {
		s, err := ReadSnapshot(bytes.NewReader(withSections(t, c.sections...)))
		if !errors.Is(err, c.want) || (err == nil) != (s != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
