package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"onsale/proof/testenv"
	"onsale/sequencer"
)

// probe is an honest request that is sent behind each row of the table: who reads it
// as part of the row, or not at all, does not answer it.
const probe = "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nX-Request-Id: probe\r\nConnection: close\r\n\r\n"

// TestRawRequests sends the golden table's requests over real connections: what a
// proxy in front might read in another way than we do must never get through, and
// nothing is read on where the framing is in doubt.
func TestRawRequests(t *testing.T) {
	hurried := testConfig()
	hurried.ReadTimeout = time.Second // a part of a request is there by then
	patient := serveRaw(t, testConfig())
	table := readRawTable(t)
	got := make([]string, len(table.rows))
	t.Run("rows", func(t *testing.T) {
		for i, row := range table.rows {
			t.Run(row.name, func(t *testing.T) {
				f := patient
				if row.wait { // beside the others that wait
					testenv.TakesLong(t, "it waits for the end of a request that does not come")
					t.Parallel()
					f = serveRaw(t, hurried)
				}
				before := f.backend.decided
				got[i] = sendRaw(t, f.public, strings.ReplaceAll(row.request, "TOKEN", f.token("user "+strconv.Itoa(i))), row.wait)
				got[i] += ", " + strconv.Itoa(f.backend.decided-before) + " sequenced"
				if got[i] != row.want && !*update {
					t.Errorf("got  %s\nwant %s", got[i], row.want)
				}
			})
		}
	})
	if *update {
		table.write(t, got)
	}
}

func serveRaw(t *testing.T, config Config) *fixture {
	f := serveWith(t, config)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Quantity = 1000 })
	return f
}

// sendRaw sends bytes on a connection of their own, and the probe unless it is to
// wait, and says what came back.
func sendRaw(t *testing.T, address, request string, wait bool) string {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	must(t, err)
	defer connection.Close()
	must(t, connection.SetDeadline(time.Now().Add(time.Minute)))
	sent := request
	if !wait {
		sent += probe
	}
	go func() { _, _ = connection.Write([]byte(sent)) }() // the server may answer and close before the end
	var got []string
	method, _, _ := strings.Cut(request, " ")
	for reader := bufio.NewReader(connection); ; method = "" {
		if _, err := reader.Peek(1); err != nil {
			return strings.Join(append(got, closing(err)), ", ")
		}
		a := readAnswerTo(t, reader, method)
		if len(got) == 0 && a.status != http.StatusContinue {
			a.conforms(request)
		}
		if a.status == 200 && a.header.Get("X-Request-Id") == "probe" {
			return strings.Join(append(got, "open"), ", ")
		}
		got = append(got, strings.TrimSpace(strconv.Itoa(a.status)+" "+a.problem.Code))
	}
}

// closing says how a connection ended.
func closing(err error) string {
	if errors.Is(err, io.EOF) {
		return "closed"
	}
	return "broken off" // what was answered may have been lost
}

// exchangeRaw sends bytes on a connection of their own and reads the answer.
func exchangeRaw(t *testing.T, address, request string) *answer {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	must(t, err)
	defer connection.Close()
	must(t, connection.SetDeadline(time.Now().Add(time.Minute)))
	if _, err = connection.Write([]byte(request)); err != nil {
		t.Logf("write: %v", err) // the server may have answered and closed already
	}
	return readAnswer(t, bufio.NewReader(connection), request)
}

// readAnswer reads the answer to a request.
func readAnswer(t *testing.T, reader *bufio.Reader, request string) *answer {
	t.Helper()
	a := readAnswerTo(t, reader, "")
	a.conforms(request)
	return a
}

// readAnswerTo reads the answer to a request with a method.
func readAnswerTo(t *testing.T, reader *bufio.Reader, method string) *answer {
	t.Helper()
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	a := &answer{t: t, status: response.StatusCode, header: response.Header, body: body, close: response.Close}
	if a.status != http.StatusContinue {
		a.checkForm()
	}
	return a
}

// TestPipelinedRequests are answered in their order, and what follows a
// malformed one is not read.
func TestPipelinedRequests(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	good := "GET /v1/tickets HTTP/1.1\r\nHost: a\r\n\r\n"
	connection, err := net.Dial("tcp", f.public)
	must(t, err)
	defer connection.Close()
	must(t, connection.SetDeadline(time.Now().Add(time.Minute)))
	bad := "GET /v1//tickets HTTP/1.1\r\nHost: a\r\n\r\n"
	_, err = connection.Write([]byte(good + good + bad + good))
	must(t, err)
	reader := bufio.NewReader(connection)
	readAnswer(t, reader, good).want(200, "")
	readAnswer(t, reader, good).want(200, "")
	readAnswer(t, reader, bad).want(400, "bad-request")
	if rest, err := io.ReadAll(reader); err != nil || len(rest) > 0 {
		t.Errorf("after the malformed one: %q %v", rest, err)
	}
}

// TestSlowHeader ends after the read timeout, however slowly bytes come.
func TestSlowHeader(t *testing.T) {
	config := testConfig()
	config.ReadTimeout = 200 * time.Millisecond
	f := serveWith(t, config)
	connection, err := net.Dial("tcp", f.public)
	must(t, err)
	defer connection.Close()
	started := time.Now()
	for time.Since(started) < time.Minute {
		if _, err = connection.Write([]byte("X")); err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("a slow header was read for %v", took)
	}
}
