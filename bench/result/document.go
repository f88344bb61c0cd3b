package result

import "time"

// Version is of the document's format. A document of another version is refused:
// figures that mean something else must not be compared.
const Version = 1

// Document is one run of the suite.
type Document struct {
	Version int `json:"version"`
	// Profile is "full" or "quick": how many rounds, and how large.
	Profile    string    `json:"profile"`
	Started    time.Time `json:"started"`
	Finished   time.Time `json:"finished"`
	Machine    Machine   `json:"machine"`
	Source     Source    `json:"source"`
	Durability string    `json:"durability"` // of everything that does not say otherwise
	// LoadBefore and LoadAfter are the machine's load averages of the last 1, 5 and 15
	// minutes, other work included.
	LoadBefore [3]float64 `json:"load_before"`
	LoadAfter  [3]float64 `json:"load_after"`

	Steps []Step `json:"steps"`
}

// Machine is where it was measured. Load and servers share it.
type Machine struct {
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"`
	MemoryBytes uint64 `json:"memory_bytes"`
	Kernel      string `json:"kernel"`
	System      string `json:"system"`
	Disk        string `json:"disk"` // the device below the data
	FileSystem  string `json:"file_system"`
	Go          string `json:"go"`
}

// Source is what was measured.
type Source struct {
	Commit string `json:"commit"`
	// Dirty says that there were changes that no commit has.
	Dirty bool `json:"dirty"`
}

// String is how tables spell a source.
func (s Source) String() string {
	if s.Dirty {
		return s.Commit + " with changes"
	}
	return s.Commit
}

// The ways in which a step ends.
const (
	StatusDone    = "done"
	StatusFailed  = "failed"
	StatusTimeout = "timed out"
)

// Step is one part of the suite, and how it went. Each can be measured again alone, so
// each says when, of what and beside what.
type Step struct {
	ID           string     `json:"id"`
	What         string     `json:"what"`
	Targets      []string   `json:"targets"`
	Commands     []string   `json:"commands"`
	Source       Source     `json:"source"`
	Started      time.Time  `json:"started"`
	Seconds      float64    `json:"seconds"`
	LimitSeconds float64    `json:"limit_seconds"`
	Status       string     `json:"status"`
	Error        string     `json:"error,omitempty"`
	Repeated     []string   `json:"repeated,omitempty"` // rounds that failed, why, and were measured again
	LoadBefore   [3]float64 `json:"load_before"`
	LoadAfter    [3]float64 `json:"load_after"`
	Outcome
}

// Outcome is what a step measured.
type Outcome struct {
	Figures []Figure `json:"figures,omitempty"`
	Peers   []Peer   `json:"peers,omitempty"` // who answers the same buy, and at which cost
	Parts   []Part   `json:"parts,omitempty"` // of a whole sale, one after the other
	Curves  []Curve  `json:"curves,omitempty"`
}

// Figure is one number that was measured. Definitions has what it means.
type Figure struct {
	ID       string   `json:"id"`       // its target's, a dot, and what of it
	Measured float64  `json:"measured"` // median of the rounds, in the definition's unit
	Compared *float64 `json:"compared,omitempty"`
	Ratio    *float64 `json:"ratio,omitempty"` // median of the rounds' ratios
	Rounds   []Round  `json:"rounds,omitempty"`
	Detail   string   `json:"detail,omitempty"` // what belongs to this measurement: sizes, which of several
	Error    string   `json:"error,omitempty"`  // why there is no number
}

// Round is one measurement, with what it is compared with in the same round.
type Round struct {
	Measured float64 `json:"measured"`
	Compared float64 `json:"compared,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"`
}

// Peer is one of those who answer the same buy.
type Peer struct {
	Name       string      `json:"name"`
	Nodes      int         `json:"nodes"`
	Durability string      `json:"durability"`
	Ceiling    bool        `json:"ceiling"` // answers constants
	Selling    PeerPhase   `json:"selling"`
	SoldOut    PeerPhase   `json:"sold_out"`
	Rounds     []PeerRound `json:"rounds,omitempty"`
}

// PeerPhase is a closed loop's medians, while selling or when sold out.
type PeerPhase struct {
	Rate               float64 `json:"requests_per_second"`
	P50Millis          float64 `json:"p50_ms"`
	P99Millis          float64 `json:"p99_ms"`
	ServerMicroseconds float64 `json:"servers_cpu_us"`
	LoadMicroseconds   float64 `json:"load_cpu_us"`
}

// PeerRound is one round's requests a second.
type PeerRound struct {
	Selling float64 `json:"selling"`
	SoldOut float64 `json:"sold_out"`
	Wrong   string  `json:"wrong,omitempty"` // how it broke a promise of the sale
}

// Part is some of a sale's buyers, one part after the other.
type Part struct {
	Requests uint64  `json:"requests"`
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"requests_per_second"`
	// LeaderMemoryBytes is what the leader had resident at the end of the part.
	LeaderMemoryBytes int64 `json:"leader_memory_bytes"`
}
