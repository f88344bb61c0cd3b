package api

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/contract"
	"onsale/sequencer"
)

const (
	// lingeringMax bounds the refused connections that linger; more are closed untold.
	lingeringMax = 64
	// refusalWriteMax bounds the time to write a refusal, to a socket that is empty.
	refusalWriteMax = 50 * time.Millisecond
)

// problem returns what a refused connection is told.
func (d *door) problem(why refusal) *contract.Problem {
	switch why {
	case refusalAddress:
		return contract.NewProblem(contract.Throttled, "more than "+strconv.Itoa(d.config.ConnectionsPerAddressMax)+" connections of this address; keep one open and use it for all requests")
	case refusalStopping:
		return contract.ProblemOf(sequencer.ErrStopping)
	}
	return contract.NewProblem(contract.Overloaded, "as many connections are open as may be")
}

// refuse tells a connection's problem and closes it. One that speaks TLS is closed only:
// telling it would be to wait for its handshake, with everybody behind it in line. So is
// each one of a flood for which there is no place to linger: its answer would be lost,
// and a flood must cost little.
func (d *door) refuse(conn net.Conn, problem *contract.Problem) {
	if isTLS(conn) || !d.tell(conn, problem) {
		_ = conn.Close()
	}
}

// tell writes a problem and leaves the connection to a goroutine that closes it; false
// when it did not.
func (d *door) tell(conn net.Conn, problem *contract.Problem) bool {
	select {
	case d.lingering <- struct{}{}:
	default:
		return false
	}
	_ = conn.SetWriteDeadline(time.Now().Add(refusalWriteMax))
	response := fasthttp.AcquireResponse()
	d.answer(response, problem)
	_, err := response.WriteTo(conn)
	fasthttp.ReleaseResponse(response)
	if err != nil {
		<-d.lingering
		return false
	}
	go func() {
		linger(conn)
		_ = conn.Close()
		<-d.lingering
	}()
	return true
}

// answer makes the answer of a connection on which nothing was asked.
func (d *door) answer(response *fasthttp.Response, problem *contract.Problem) {
	id := string(appendRequestID(nil, d.config.Clock()))
	problem.Instance = "#" + id
	body, err := json.Marshal(problem)
	if err != nil { // the contract's types can always be marshalled
		panic("api: cannot encode an answer: " + err.Error())
	}
	response.SetStatusCode(problem.Status)
	response.Header.SetContentType(contract.ProblemMediaType)
	response.Header.SetCanonical(nameRequestID, []byte(id))
	response.Header.Set("Retry-After", strconv.Itoa(retryAfter(problem)))
	response.SetConnectionClose()
	response.SetBodyRaw(body)
}

func isTLS(conn net.Conn) bool {
	_, is := conn.(*tls.Conn)
	return is
}
