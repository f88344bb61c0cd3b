package pagetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// browserTimeout is when a browser that hangs is ended.
const browserTimeout = 5 * time.Minute

type object map[string]any

// browser is a Chromium that is told what to do over a pipe: messages are JSON, each
// ends with a zero byte. Whatever fails ends the test.
type browser struct {
	t       *testing.T
	to      io.Writer
	from    *bufio.Reader
	said    bytes.Buffer // on its standard error
	session string       // of the one page
	loaded  string       // what the page loaded last, whole
	sent    int
}

// message is an answer, which has the id of what it answers, or an event.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params lifecycle       `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// lifecycle is what an event says of how far a page is.
type lifecycle struct{ LoaderID, Name string }

// openBrowser starts a browser with one empty page, and ends it with the test.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	program := testenv.NeedsProgram(t, "chromium", "chromium")
	folder, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	command := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--remote-debugging-pipe", "--user-data-dir="+folder, "about:blank")
	command.Stderr = &b.said
	command.Env = append(os.Environ(), "TMPDIR="+folder)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children, which end with it
	theirIn, ourOut := b.pipe()
	ourIn, theirOut := b.pipe()
	command.ExtraFiles = []*os.File{theirIn, theirOut} // its file descriptors 3 and 4
	b.to, b.from = ourOut, bufio.NewReader(ourIn)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirIn.Close() // the browser has its own
	_ = theirOut.Close()
	end := func() { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	hung := time.AfterFunc(browserTimeout, end)
	t.Cleanup(func() {
		b.session = ""
		_ = b.send("Browser.close", nil)
		if err := command.Wait(); err != nil {
			t.Errorf("%v\n%s", err, b.said.Bytes())
		}
		hung.Stop()
		end()
		_ = ourIn.Close() // the browser has ended
		_ = ourOut.Close()
		_ = os.RemoveAll(folder)
	})
	b.attach()
	return b
}

func (b *browser) pipe() (r, w *os.File) {
	r, w, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	return r, w
}

func (b *browser) attach() {
	var target struct{ TargetID string }
	b.do("Target.createTarget", object{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.do("Target.attachToTarget", object{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	b.do("Page.enable", nil, nil)
	b.do("Page.setLifecycleEventsEnabled", object{"enabled": true}, nil)
}

// open returns when the page is there and its scripts have run.
func (b *browser) open(address string) {
	b.t.Helper()
	var page struct{ LoaderID string }
	b.do("Page.navigate", object{"url": address}, &page)
	for b.loaded != page.LoaderID {
		b.receive()
	}
}

func (b *browser) resize(width int) {
	b.do("Emulation.setDeviceMetricsOverride", object{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// evaluate runs a script in the page and waits for its promise.
func (b *browser) evaluate(script string, value any) {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	b.do("Runtime.evaluate", object{"expression": script, "awaitPromise": true, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", script, answer.ExceptionDetails.Text)
	}
	b.decode(answer.Result.Value, value)
}

// do calls a method of the page, or of the browser before there is one.
func (b *browser) do(method string, parameters object, result any) {
	b.t.Helper()
	if err := b.send(method, parameters); err != nil {
		b.t.Fatalf("%v\n%s", err, b.said.Bytes())
	}
	m := b.receive()
	for m.ID != b.sent {
		m = b.receive()
	}
	if m.Error != nil {
		b.t.Fatalf("%s: %s", method, m.Error.Message)
	}
	b.decode(m.Result, result)
}

func (b *browser) send(method string, parameters object) error {
	b.sent++
	call := object{"id": b.sent, "method": method, "params": parameters}
	if parameters == nil {
		call["params"] = object{}
	}
	if b.session != "" {
		call["sessionId"] = b.session
	}
	data, err := json.Marshal(call)
	if err != nil {
		return err
	}
	_, err = b.to.Write(append(data, 0))
	return err
}

func (b *browser) receive() (m message) {
	b.t.Helper()
	data, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("%v\n%s", fmt.Errorf("the browser ended: %w", err), b.said.Bytes())
	}
	b.decode(bytes.TrimSuffix(data, []byte{0}), &m)
	if m.Params.Name == "load" {
		b.loaded = m.Params.LoaderID
	}
	return m
}

func (b *browser) decode(data []byte, into any) {
	b.t.Helper()
	if into == nil {
		return
	}
	if err := json.Unmarshal(data, into); err != nil {
		b.t.Fatal(err)
	}
}
