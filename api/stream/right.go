package stream

// Right is how long a caller may be told of what comes.
type Right struct {
	Expires int64 // Unix seconds from which on nothing is told; 0 for never
	// Revoked reports whether it was taken back; nil for never. It is quick, and blocks nobody.
	Revoked func() bool
}

// Over reports whether nothing is told any more at now (Unix seconds).
func (r *Right) Over(now int64) bool { return r.isOver(now) }

func (r *Right) isRevoked() bool { return r.Revoked != nil && r.Revoked() }

// isOver reports whether nothing is told at now (Unix seconds).
func (r *Right) isOver(now int64) bool { return r.Expires != 0 && r.Expires <= now || r.isRevoked() }
