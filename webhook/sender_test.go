package webhook

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"onsale/api/contract"
)

// secretOf returns a secret as a line of a file has it.
func secretOf(letter byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{letter}, SecretBytesMin))
}

func signerOf(t *testing.T, secrets ...string) *signer {
	t.Helper()
	keys := new(signer)
	if _, err := keys.take([]byte(strings.Join(secrets, "\n"))); err != nil {
		t.Fatal(err)
	}
	return keys
}

// senderTo returns a sender to a receiver of this machine.
func senderTo(t *testing.T, url string, timeout time.Duration) *sender {
	t.Helper()
	e := Endpoint{URL: url, AllowPrivate: true, AllowHTTP: true, Timeout: contract.Duration(timeout)}.withDefaults()
	s := newSender(e, signerOf(t, secretOf('a'), secretOf('b')), "onsale/test")
	t.Cleanup(s.close)
	return s
}

var anEvent = Event{ID: "b-1-0", Type: "onsale.order.paid.v1", Subject: "U", Body: []byte(`{"id":"b-1-0"}`)}

// A receiver that knows either secret verifies what is sent, and one that knows neither does not.
func TestSignedWithEverySecret(t *testing.T) {
	received := make(chan error, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		for _, letter := range []byte("abc") {
			key, err := standard.NewWebhook(secretOf(letter))
			if err == nil {
				err = key.Verify(body, req.Header)
			}
			if letter == 'c' && errors.Is(err, standard.ErrNoMatchingSignature) {
				err = nil
			}
			received <- err
		}
		if string(body) != string(anEvent.Body) || req.Header.Get("webhook-id") != anEvent.ID || req.Header.Get("Content-Type") != "application/json" ||
			req.Header.Get("User-Agent") != "onsale/test" || req.Method != http.MethodPost || req.URL.RequestURI() != "/hook?a=b" {
			received <- errors.New("sent is something else")
			return
		}
		received <- nil
	}))
	defer server.Close()
	if o := senderTo(t, server.URL+"/hook?a=b", time.Minute).send(t.Context(), &anEvent); o.result != delivered {
		t.Fatalf("it ended %v: %s", o.result, o.said)
	}
	for range 4 {
		if err := <-received; err != nil {
			t.Error(err)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	keys := new(signer)
	for name, content := range map[string]string{
		"empty": "", "blank": "\n \n", "no base64": "whsec_!!!!", "short": "whsec_AAAA", "long": secretPrefix + strings.Repeat("AAAA", 22),
		"five": strings.Repeat(secretOf('a')+"\n", 5), "one of two": secretOf('a') + "\nsecret",
	} {
		if _, err := keys.take([]byte(content)); !errors.Is(err, ErrSecret) || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v", name, err)
		}
	}
	made := strings.Repeat("0123456789abcdef", 4) // as onsale secret makes one
	if _, err := keys.take([]byte(made + "\n")); err != nil {
		t.Errorf("a secret as onsale secret makes it: %v", err)
	}
}

// What receivers answer, and what comes of it.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header map[string]string
		body   string
		want   outcome
	}{
		"taken":              {status: 200, want: outcome{result: delivered}},
		"taken, nothing":     {status: 204, want: outcome{result: delivered}},
		"moved":              {status: 307, header: map[string]string{"Location": "http://127.0.0.1:1/elsewhere"}, want: outcome{result: redirected, said: "answered 307"}},
		"not found":          {status: 404, body: "no  such\nhook", want: outcome{result: refused, said: "answered 404 no such hook"}},
		"gone":               {status: 410, want: outcome{result: gone, said: "answered 410"}},
		"broken":             {status: 500, body: "\x1b[31mred\x00", want: outcome{result: failed, said: `answered 500 \x1b[31mred\x00`}},
		"busy":               {status: 503, want: outcome{result: failed, said: "answered 503"}},
		"busy for a while":   {status: 503, header: map[string]string{"Retry-After": "7"}, want: outcome{result: throttled, retryAfter: 7 * time.Second, said: "answered 503"}},
		"too many":           {status: 429, header: map[string]string{"Retry-After": "120"}, want: outcome{result: throttled, retryAfter: 2 * time.Minute, said: "answered 429"}},
		"too many, for ever": {status: 429, header: map[string]string{"Retry-After": "99999999999"}, want: outcome{result: throttled, retryAfter: RetryAfterMax, said: "answered 429"}},
		"too many, before":   {status: 429, header: map[string]string{"Retry-After": "-5"}, want: outcome{result: throttled, said: "answered 429"}},
		"too many, whenever": {status: 429, header: map[string]string{"Retry-After": "soon"}, want: outcome{result: throttled, said: "answered 429"}},
		"long":               {status: 400, body: strings.Repeat("é", 4000), want: outcome{result: refused, said: "answered 400 " + strings.Repeat("é", 100) + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for key, value := range c.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			o := senderTo(t, server.URL, time.Minute).send(t.Context(), &anEvent)
			if o.result != c.want.result || o.status != c.status || o.retryAfter != c.want.retryAfter || o.said != c.want.said {
				t.Errorf("%+v, wanted %+v", o, c.want)
			}
		})
	}
}

// A receiver that never answers, one that ends the connection, one whose answer breaks off behind
// its status, one whose header never ends, and none at all.
func TestReceiversThatBreak(t *testing.T) {
	const taken = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
	for name, c := range map[string]struct {
		timeout time.Duration
		says    string
		stays   bool
		want    result
	}{
		"hangs":               {100 * time.Millisecond, "", true, timedOut},
		"hangs in its answer": {100 * time.Millisecond, taken, true, delivered},
		"ends at once":        {time.Minute, "", false, unreachable},
		"ends in its header":  {time.Minute, "HTTP/1.1 200 OK\r\nContent-Le", false, unreachable},
		"ends in its answer":  {time.Minute, taken, false, delivered},
		"is no HTTP":          {time.Minute, "SSH-2.0-OpenSSH\r\n", false, unreachable},
		"talks for ever":      {time.Minute, "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*answerHeaderBytesMax), false, unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			ended := make(chan struct{})
			go func() {
				for {
					connection, err := listener.Accept()
					if err != nil {
						return
					}
					_, _ = http.ReadRequest(bufio.NewReader(connection))
					_, _ = io.WriteString(connection, c.says)
					if c.stays {
						<-ended
					}
					connection.Close()
				}
			}()
			defer close(ended)
			if o := senderTo(t, "http://"+listener.Addr().String(), c.timeout).send(t.Context(), &anEvent); o.result != c.want {
				t.Errorf("it ended %v (%s), wanted %v", o.result, o.said, c.want)
			}
		})
	}
}

// Endpoints that may have no addresses of this machine: by number, by name, and in IPv6.
func TestAddressesThatAreRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a receiver of this machine was reached") }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"} {
		e := Endpoint{URL: "http://" + host + ":" + port + "/secret-path", AllowHTTP: true}.withDefaults()
		s := newSender(e, signerOf(t, secretOf('a')), "")
		o := s.send(t.Context(), &anEvent)
		if o.result != forbidden || strings.Contains(o.said, "secret-path") {
			t.Errorf("%s: %v, %s", host, o.result, o.said)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o := senderTo(t, server.URL, time.Minute).send(ctx, &anEvent); o.result != undelivered {
		t.Errorf("an attempt that was stopped is %v", o.result)
	}
}
