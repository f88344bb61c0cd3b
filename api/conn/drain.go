package conn

import "context"

// Drain refuses who comes from now on, and closes the connections on which nothing was
// asked yet, or nothing for a while: nobody waits for an answer on them.
func (t *Table) Drain() {
	t.mu.Lock()
	begun := t.draining
	t.draining = true
	if !begun && len(t.conns) == 0 {
		close(t.empty)
	}
	silent := make([]*Conn, 0, len(t.conns))
	var parked []*Conn
	for c := range t.conns {
		switch {
		case c.parked:
			parked = append(parked, c)
		case c.heard.CompareAndSwap(connSilent, connClosed):
			silent = append(silent, c)
		}
	}
	t.mu.Unlock()
	for _, c := range silent {
		_ = c.Close()
	}
	for _, c := range parked {
		c.cut()
	}
}

// Wait returns when all connections have left. When ctx ends before, it cuts off those
// that are left and returns the context's error.
func (t *Table) Wait(ctx context.Context) error {
	select {
	case <-t.empty:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	left := make([]*Conn, 0, len(t.conns))
	for c := range t.conns {
		left = append(left, c)
	}
	t.mu.Unlock()
	for _, c := range left {
		c.cut()
	}
	return ctx.Err()
}
