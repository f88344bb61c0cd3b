package conn

import (
	"crypto/tls"
	"net"
	"time"
)

const (
	// lingeringMax bounds the refused connections that linger; more are closed untold.
	lingeringMax = 64
	// refusalWriteMax bounds the time to write a refusal, to a socket that is empty.
	refusalWriteMax = 50 * time.Millisecond
)

// refuse tells a connection why it is not let in and closes it. One that speaks TLS is closed only:
// telling it would be to wait for its handshake, with everybody behind it in line. So is
// each one of a flood for which there is no place to linger: its answer would be lost,
// and a flood must cost little.
func (t *Table) refuse(conn net.Conn, why Refusal) {
	if isTLS(conn) || !t.tell(conn, why) {
		_ = conn.Close()
	}
}

// tell writes the answer and leaves the connection to a goroutine that closes it; false
// when it did not.
func (t *Table) tell(conn net.Conn, why Refusal) bool {
	select {
	case t.lingering <- struct{}{}:
	default:
		return false
	}
	_ = conn.SetWriteDeadline(time.Now().Add(refusalWriteMax))
	if err := t.config.Answer(conn, why); err != nil {
		<-t.lingering
		return false
	}
	go func() {
		linger(conn)
		_ = conn.Close()
		<-t.lingering
	}()
	return true
}

func isTLS(conn net.Conn) bool {
	_, is := conn.(*tls.Conn)
	return is
}
