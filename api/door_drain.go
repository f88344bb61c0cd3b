package api

import "context"

// drain refuses who comes from now on, and closes the connections on which nothing was
// asked yet: nobody waits for an answer on them.
func (d *door) drain() {
	d.mu.Lock()
	begun := d.draining
	d.draining = true
	if !begun && len(d.conns) == 0 {
		close(d.empty)
	}
	silent := make([]*doorConn, 0, len(d.conns))
	for c := range d.conns {
		if c.heard.CompareAndSwap(connSilent, connClosed) {
			silent = append(silent, c)
		}
	}
	d.mu.Unlock()
	for _, c := range silent {
		_ = c.Close()
	}
}

// wait returns when all connections have left. When ctx ends before, it cuts off those
// that are left and returns the context's error.
func (d *door) wait(ctx context.Context) error {
	select {
	case <-d.empty:
		return nil
	case <-ctx.Done():
	}
	d.mu.Lock()
	left := make([]*doorConn, 0, len(d.conns))
	for c := range d.conns {
		left = append(left, c)
	}
	d.mu.Unlock()
	for _, c := range left {
		c.cut()
	}
	return ctx.Err()
}
