package bench

import (
	"sync/atomic"
	"time"
)

// partRequestsMax is how many requests a part of a sale has: a million, and a tenth of a
// sale that is smaller than ten million.
const partRequestsMax = 1_000_000

// parts tells how fast a sale's requests were answered one part after the other: a
// server that becomes slower as its state grows shows it here and in no average.
type parts struct {
	size  uint64
	marks []mark // of the parts' ends
	// memory returns what the leader has resident; nil for nobody's.
	memory func() int64
}

// Part is some of a sale's buyers, one part after the other.
type Part struct {
	Requests uint64  `json:"requests"`
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"requests_per_second"`
	// LeaderMemoryBytes is what the leader had resident at the end of the part.
	LeaderMemoryBytes int64 `json:"leader_memory_bytes"`
}

type mark struct{ at, memory atomic.Int64 }

func newParts(requests uint64, memory func() int64) *parts {
	size := min(partRequestsMax, (requests+9)/10)
	return &parts{size: size, marks: make([]mark, (requests+size-1)/size), memory: memory}
}

// note is told that so many requests were answered by then. It is called once for each
// count, by whoever had that answer.
func (p *parts) note(answered uint64, at time.Duration) {
	if p == nil || answered%p.size != 0 {
		return
	}
	m := &p.marks[answered/p.size-1]
	m.at.Store(int64(at))
	if p.memory != nil {
		m.memory.Store(p.memory())
	}
}

// report returns the parts of a load that has ended with all of its requests answered.
func (p *parts) report(requests uint64, end time.Duration) []Part {
	var list []Part
	var from time.Duration
	for i := range p.marks {
		part := Part{Requests: min(p.size, requests-uint64(i)*p.size), LeaderMemoryBytes: p.marks[i].memory.Load()}
		to := max(from, time.Duration(p.marks[i].at.Load())) // two answers at once may be counted in the other order
		if part.Requests < p.size {
			to = end // nobody's count ended it
		}
		part.Seconds = (to - from).Seconds()
		part.Rate = float64(part.Requests) / max(1e-9, part.Seconds)
		list, from = append(list, part), to
	}
	return list
}
