package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"onsale/internal/plain"
)

// result is how an attempt ended; a label of metrics.
type result int

const (
	delivered   result = iota // answered 2xx
	refused                   // answered anything else below 500
	failed                    // answered 5xx
	throttled                 // answered 429, or 503 with Retry-After
	redirected                // answered 3xx: whoever may answer that could send events anywhere
	gone                      // answered 410: nobody is there for ever
	timedOut                  // not answered in time: it may have been taken
	unreachable               // no connection, or one that ended before an answer
	forbidden                 // the name leads to an address that is no public one
	undelivered               // not sent: the process, or the endpoint, was stopped
)

// resultNames are the results as metrics and people have them.
var resultNames = [...]string{"delivered", "refused", "failed", "throttled", "redirected", "gone", "timeout", "unreachable", "forbidden_address", "stopped"}

func (r result) String() string { return resultNames[r] }

// outcome is what came of an attempt.
type outcome struct {
	result     result
	status     int           // 0 without an answer
	retryAfter time.Duration // as the receiver asked, within RetryAfterMax; 0 for nothing
	said       string        // why it was not delivered, in one line, for people
	took       time.Duration
	clock      time.Duration // of the receiver ahead of ours; 0 when it did not say
}

// ofAnswer reads an answer, whose header alone counts: the body is for people.
func ofAnswer(answer *http.Response, start []byte, now time.Time) outcome {
	o := outcome{result: ofStatus(answer.StatusCode), status: answer.StatusCode}
	o.retryAfter = retryAfter(answer.Header.Get("Retry-After"), now)
	if o.status == http.StatusServiceUnavailable && o.retryAfter > 0 {
		o.result = throttled
	}
	if at, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		o.clock = at.Sub(now)
	}
	if o.result != delivered {
		o.said = strings.TrimSpace(fmt.Sprintf("answered %d %s", o.status, oneLine(start)))
	}
	return o
}

func ofStatus(status int) result {
	switch {
	case status >= 200 && status < 300:
		return delivered
	case status == http.StatusGone:
		return gone
	case status == http.StatusTooManyRequests:
		return throttled
	case status >= 300 && status < 400:
		return redirected
	case status >= 500:
		return failed
	}
	return refused
}

// ofError reads why there was no answer.
func ofError(err error) outcome {
	var inner *url.Error
	if errors.As(err, &inner) { // its text has the URL, which may be secret
		err = inner.Err
	}
	o := outcome{result: unreachable, said: oneLine([]byte(err.Error()))}
	var network interface{ Timeout() bool }
	switch {
	case errors.Is(err, ErrAddress):
		o.result = forbidden
	case errors.Is(err, context.Canceled):
		o.result = undelivered
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		o.result, o.said = timedOut, "no answer in time"
	}
	return o
}

// retryAfter reads seconds or a date, within bounds; 0 when it says nothing.
func retryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		wait = time.Duration(min(seconds, int64(RetryAfterMax/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), RetryAfterMax)
}

// saidBytesMax bounds what is kept of what a receiver, or the system, said.
const saidBytesMax = 200

// oneLine is the start of a text that a stranger wrote, fit for a terminal and a log.
func oneLine(text []byte) string {
	line := plain.Line(strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " "))
	if len(line) <= saidBytesMax {
		return line
	}
	cut := saidBytesMax
	for !utf8.RuneStart(line[cut]) {
		cut--
	}
	return line[:cut] + "…"
}
