package accept

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Bound returns a listener whose connections have places in a room. One for which there is
// none is closed: it waits for nobody, and to tell it might.
func (r *Room) Bound(l net.Listener) net.Listener { return bounded{l, r} }

type bounded struct {
	net.Listener
	room *Room
}

// Accept returns the next connection that has a place.
func (b bounded) Accept() (net.Conn, error) {
	for {
		raw, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &placed{Conn: raw}
		c.place = b.room.NewPlace(AddressOf(raw), false, func() { _ = raw.Close() }) // its server sees that and closes it again
		if c.place.Enter() {
			return c, nil
		}
		_ = raw.Close()
	}
}

// placed is a connection that leaves its place when it is closed.
type placed struct {
	net.Conn
	place  *Place
	closed atomic.Bool
}

func (c *placed) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	err := c.Conn.Close()
	c.place.Leave()
	return err
}

// placeOf returns a connection's place, under TLS too; nil for one of elsewhere.
func placeOf(conn net.Conn) *Place {
	if secure, is := conn.(interface{ NetConn() net.Conn }); is {
		conn = secure.NetConn()
	}
	if c, is := conn.(*placed); is {
		return c.place
	}
	return nil
}

// placeKey finds the *Place in a request's context.
type placeKey struct{}

// Guard lets a server tell the room which of its connections are in requests. A client's
// certificate that the server has verified is a proof; what else is, the handler says with
// Prove.
func (r *Room) Guard(s *http.Server) {
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, placeKey{}, placeOf(conn))
	}
	s.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateIdle {
			placeOf(conn).End()
		}
	}
	handler := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		place, _ := request.Context().Value(placeKey{}).(*Place)
		if !place.Begin() {
			panic(http.ErrAbortHandler) // it is closed already
		}
		if request.TLS != nil && len(request.TLS.VerifiedChains) > 0 {
			place.Prove(time.Now())
		}
		handler.ServeHTTP(w, request)
	})
}

// Prove says that who sent a request proved who it is.
func Prove(ctx context.Context, now time.Time) {
	place, _ := ctx.Value(placeKey{}).(*Place)
	place.Prove(now)
}
