package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"onsale/raftfsm/peer"
)

// A link to a node that is gone without a word ends after some questions in vain, so that
// the next one is asked over a new connection; who is asked seldom and answers is kept.
func TestSilentLinkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_, _ = io.Copy(io.Discard, far) // it ends with the link
		}()
		l := &Link{conn: &peer.Conn{Conn: near}, pending: map[uint64]chan<- reply{}}
		go l.read()
		asked := 0
		for ; l.Failed() == nil && asked < 10; asked++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := l.Position(ctx); !errors.Is(err, errUnreachable) {
				t.Errorf("question %d: %v", asked, err)
			}
			cancel()
		}
		if asked != int(linkSilenceMax/time.Second) || !errors.Is(l.Failed(), errSilent) {
			t.Errorf("it ended after %d questions with %v", asked, l.Failed())
		}
		<-gone
	})
}
