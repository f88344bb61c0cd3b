package wal

import "slices"

// olderSegmentsMax bounds the older segments that are kept open, with where their records
// lie: a log of a billion requests has thousands of segments, and who reads all of it must
// not use up the process' descriptors.
const olderSegmentsMax = 16

// recent are the older segments that were read last, newest use first. The newest segment
// of the log is not among them. The log's mu guards it.
type recent struct{ segments []*segment }

// use notes that an older segment was read, and lets go of the one that was not read for
// the longest time. Whoever reads that one meanwhile finds its file closed, and looks for
// the segment again.
func (r *recent) use(s *segment) {
	at := slices.Index(r.segments, s)
	if at == 0 {
		return
	}
	if at > 0 {
		r.segments = slices.Delete(r.segments, at, at+1)
	}
	r.segments = slices.Insert(r.segments, 0, s)
	if last := len(r.segments) - 1; last >= olderSegmentsMax {
		r.segments[last].close()
		r.segments[last].offsets = nil
		r.segments = slices.Delete(r.segments, last, last+1)
	}
}

// keep forgets the segments that are not among those that stay. Their files are not
// closed: a reader may be reading. The runtime closes them when the last reader is gone.
func (r *recent) keep(stay []*segment) {
	r.segments = slices.DeleteFunc(r.segments, func(s *segment) bool { return !slices.Contains(stay, s) })
}
