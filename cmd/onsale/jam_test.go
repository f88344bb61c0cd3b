package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tidwall "github.com/tidwall/wal"
	"go.uber.org/goleak"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/audit"
	"onsale/proof/testenv"
	"onsale/wal"
)

// heldDisk is a disk whose appends wait while it is held. What is not on the disk is not
// decided, so whatever comes meanwhile stays in the queue.
type heldDisk struct {
	wal.OS
	mu   sync.Mutex
	gate chan struct{} // closed by release; nil when nothing is held
	// waits has a note when an append began to wait.
	waits chan struct{}
}

func (d *heldDisk) OpenAppender(dir string, options *tidwall.Options) (wal.Appender, error) {
	a, err := d.OS.OpenAppender(dir, options)
	return &heldAppender{a, d}, err
}

type heldAppender struct {
	wal.Appender
	disk *heldDisk
}

func (a *heldAppender) WriteBatch(batch *tidwall.Batch) error {
	a.disk.mu.Lock()
	gate := a.disk.gate
	a.disk.mu.Unlock()
	if gate != nil {
		select {
		case a.disk.waits <- struct{}{}:
		default:
		}
		<-gate
	}
	return a.Appender.WriteBatch(batch)
}

func (d *heldDisk) hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gate, d.waits = make(chan struct{}), make(chan struct{}, 1)
}

func (d *heldDisk) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gate != nil {
		close(d.gate)
		d.gate = nil
	}
}

// queueBound is how many requests may wait at the node of these tests.
const queueBound = 8

// jam is a node whose deciding can be held up, and buyers who press.
type jam struct {
	*office
	disk   *heldDisk
	client *http.Client
	secret []byte
	group  sync.WaitGroup
}

func newJam(t *testing.T) *jam {
	j := &jam{disk: new(heldDisk), client: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
	t.Cleanup(j.disk.release) // a test that failed must not wait for ever
	j.office = openOfficeOn(j.disk, t, func(s *settings) {
		s.Node.InboxRequestsMax, s.Node.StallMax, s.Web.UserRequestsPerSecond = queueBound, 10*time.Minute, 0
		s.Payment.Provider, s.Web.PayWait = providerSandbox, time.Minute
	})
	var err error
	if j.secret, err = readSecret(filepath.Join(j.dir, "token-secret")); err != nil {
		t.Fatal(err)
	}
	j.sell(0, "sale", "create", "gig", "--quantity", "1000", "--price", "500")
	return j
}

// jamAnswer is what somebody was told, as far as these tests look.
type jamAnswer struct {
	status     int
	retryAfter string
	replayed   bool
	problem    contract.Problem
	decision   contract.Decision
	payment    contract.Payment
}

func (a *jamAnswer) overloaded() bool { return a.status == 503 && a.problem.Code == "overloaded" }

// ask sends a request of a user and reads the answer; of an event stream its header.
func (j *jam) ask(user, method, path, key, body string) (a jamAnswer) {
	token, err := issue(j.secret, user, auth.RoleBuyer, time.Hour)
	if err != nil {
		j.t.Error(err)
		return a
	}
	request, err := http.NewRequest(method, "http://"+j.server.publicListener.Addr().String()+path, strings.NewReader(body))
	if err != nil {
		j.t.Error(err)
		return a
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := j.client.Do(request)
	if err != nil {
		j.t.Error(err)
		return a
	}
	defer response.Body.Close()
	a.status, a.retryAfter, a.replayed = response.StatusCode, response.Header.Get("Retry-After"), response.Header.Get("Idempotent-Replayed") != ""
	if response.Header.Get("Content-Type") == "text/event-stream" {
		return a
	}
	text, err := io.ReadAll(response.Body)
	if err == nil && a.status >= 400 {
		err = json.Unmarshal(text, &a.problem)
	} else if err == nil && path == "/v1/tickets/payment" {
		err = json.Unmarshal(text, &a.payment)
	} else if err == nil && method == http.MethodPost {
		err = json.Unmarshal(text, &a.decision)
	}
	if err != nil {
		j.t.Errorf("%s %s: %v in %s", method, path, err, text)
	}
	return a
}

func (j *jam) press(user string) jamAnswer {
	return j.ask(user, http.MethodPost, "/v1/tickets?q=1", "key of "+user, "")
}

func (j *jam) pay(user, order string) jamAnswer {
	return j.ask(user, http.MethodPost, "/v1/tickets/payment", "", fmt.Sprintf(`{"order":%q,"method":"tok_accept"}`, order))
}

// begin asks beside the test and keeps the answer for wait.
func (j *jam) begin(ask func() jamAnswer, into *jamAnswer) {
	j.group.Go(func() { *into = ask() })
}

// queued waits until so many requests are in the queue.
func (j *jam) queued(requests int) {
	j.t.Helper()
	testenv.Eventually(j.t, time.Minute, fmt.Sprint(requests, " requests wait"), func() bool {
		return j.metrics()["onsale_inbox_requests"] == float64(requests)
	})
}

// hold stops the deciding: of the first buyer's batch, which has left the queue.
func (j *jam) hold(into *jamAnswer) {
	j.disk.hold()
	j.begin(func() jamAnswer { return j.press("first") }, into)
	<-j.disk.waits
	j.queued(0)
}

// metrics reads what the node publishes.
func (j *jam) metrics() map[string]float64 {
	values := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(j.scrape()))
	for lines.Scan() {
		if name, value, found := strings.Cut(lines.Text(), " "); found && !strings.HasPrefix(name, "#") {
			values[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return values
}

func (j *jam) scrape() []byte {
	j.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+j.server.privateListener.Addr().String()+"/metrics", nil)
	if err != nil {
		j.t.Fatal(err)
	}
	token, err := issue(j.secret, "monitor", auth.RoleMonitor, time.Hour)
	if err != nil {
		j.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := j.client.Do(request)
	if err != nil {
		j.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		j.t.Fatal(response.Status, err)
	}
	return text
}

// end closes the node: nothing waits or runs any more, and the journal is as the rules say.
func (j *jam) end() {
	j.t.Helper()
	j.client.CloseIdleConnections()
	j.close()
	report, err := audit.Run(filepath.Join(j.dir, "journal"), audit.Options{})
	if err != nil || report.Verdict != audit.VerdictClean {
		j.t.Errorf("audit: %v\n%v", err, report)
	}
}

func (j *jam) held() int {
	sale, err := j.client.Get("http://" + j.server.publicListener.Addr().String() + "/v1/tickets/gig")
	if err != nil {
		j.t.Fatal(err)
	}
	defer sale.Body.Close()
	var view contract.Sale
	if err := json.NewDecoder(sale.Body).Decode(&view); err != nil {
		j.t.Fatal(err)
	}
	return int(view.TotalQuantity - view.AvailableQuantity)
}

// noRest fails when goroutines are left that were not there before; what the HTTP
// library keeps for the whole process is no rest.
func noRest(t *testing.T) func() {
	before := goleak.IgnoreCurrent()
	return func() {
		var rest error // it may take its time to end
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
			rest = goleak.Find(before, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
				goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
			if rest == nil {
				return
			}
		}
		t.Error(rest)
	}
}
