package forward

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// linkTo dials a served node.
func (p *pair) linkTo(t testing.TB, id string) *Link {
	t.Helper()
	config := peer.DefaultConfig()
	config.ID, config.Role, config.Dial = "f1", peer.FrontEnd, p.network.dial
	link, err := DialLink(t.Context(), &config, id, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	return link
}

// Administration and payments reach who answers them, whole and with who asked, and
// their errors come back; what is malformed, and payments where none are taken, are
// rejected.
func TestVerbsReachTheirOffice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		leader, follower := p.linkTo(t, "n1"), p.linkTo(t, "n2")
		control := func(verb, body string) func() ([]byte, error) {
			return func() ([]byte, error) { return leader.Control(t.Context(), verb, []byte(body)) }
		}
		payment := func(l *Link, verb byte, body string) func() ([]byte, error) {
			return func() ([]byte, error) { return l.Payment(t.Context(), verb, []byte(body)) }
		}
		raw := func(k kind, body ...byte) func() ([]byte, error) {
			return func() ([]byte, error) { return leader.ask(t.Context(), k, body) }
		}
		for name, test := range map[string]struct {
			ask  func() ([]byte, error)
			want string
			err  error
		}{
			"control":                    {control("join", `{"a":1}`), `{"from":"f1","verb":"join","body":{"a":1}}`, nil},
			"control, refused":           {control("refuse", `{}`), "", codes.ErrRefused},
			"control, no JSON":           {control("join", `{`), "", codes.ErrRejected},
			"control, nothing":           {raw(kindControl), "", codes.ErrRejected},
			"control, verb not whole":    {raw(kindControl, 3, 'a', '1'), "", codes.ErrRejected},
			"control, verb to the end":   {raw(kindControl, 2, 'a', 'b'), "", codes.ErrRejected},
			"payment":                    {payment(leader, 7, "body"), "f1 7 body", nil},
			"payment without a body":     {payment(leader, 7, ""), "f1 7 ", nil},
			"payment, refused":           {payment(leader, 9, "body"), "", codes.ErrRefused},
			"payment, nothing":           {raw(kindPayment), "", codes.ErrRejected},
			"payment where none is done": {payment(follower, 7, "body"), "", sequencer.ErrNoLeader},
			"a kind that nobody knows":   {raw(77), "", codes.ErrRejected},
			"sales, no JSON":             {raw(kindSales, '{'), "", codes.ErrRejected},
			"an order, too short":        {raw(kindOrder, 1), "", codes.ErrRejected},
			"orders, too short":          {raw(kindOrders, make([]byte, 24)...), "", codes.ErrRejected},
		} {
			body, err := test.ask()
			if !errors.Is(err, test.err) || test.err == nil && (err != nil || string(body) != test.want) {
				t.Errorf("%s: %q, %v", name, body, err)
			}
		}
		if seq, err := leader.Position(t.Context()); err != nil || seq != p.late.Seq {
			t.Errorf("the leader is at %d, %v", seq, err)
		}
		if _, err := follower.Position(t.Context()); !errors.Is(err, sequencer.ErrNoLeader) {
			t.Errorf("the follower's position: %v", err)
		}
	})
}

// More questions at once than a connection may ask are answered overloaded, at once, and
// places are given back.
func TestQuestionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(pair)
		node := newSingle()
		node.leads = true
		p.leader = startServed(t, &p.network, "n1", node, office{}, func(c *ServerConfig) { c.QuestionsMax = 2 })
		link := p.linkTo(t, "n1")
		for range 3 {
			answers := make(chan error, 3)
			for range 3 { // each waits for a decision that does not come
				go func() {
					_, _, _, err := link.Order(t.Context(), 99, 99)
					answers <- err
				}()
			}
			if err := <-answers; !errors.Is(err, sequencer.ErrOverloaded) {
				t.Errorf("the third question was answered %v", err)
			}
			if asking := p.leader.server.Counters().asking.Load(); asking != 2 {
				t.Errorf("%d questions are being answered", asking)
			}
			for range 2 {
				if err := <-answers; errors.Is(err, sequencer.ErrOverloaded) {
					t.Error(err)
				}
			}
			synctest.Wait()
		}
		n := p.leader.server.Counters()
		if n.Questions.Load() != 9 || n.Refused.Load() != 3 || n.asking.Load() != 0 {
			t.Errorf("%d questions, %d refused, %d being answered", n.Questions.Load(), n.Refused.Load(), n.asking.Load())
		}
	})
}

// Who gave up is not answered; the link goes on, and an answer of nonsense ends it for
// all who wait.
func TestALinkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(pair)
		position, late := []byte{7, 0, 0, 0, 0, 0, 0, 0}, time.Second
		startScriptedAt(t, p.network.listen("n1"), "n1", func(f frame) reaction {
			switch f.kind {
			case kindPosition:
				return reaction{body: position, late: late}
			case kindOrder:
				return reaction{body: []byte("too short")}
			}
			return reaction{lost: true, late: time.Second}
		})
		link := p.linkTo(t, "n1")
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := link.Position(short); !errors.Is(err, errUnreachable) || !gone(err) {
			t.Errorf("who gave up: %v", err)
		}
		if seq, err := link.Position(t.Context()); err != nil || seq != 7 || link.Failed() != nil {
			t.Errorf("the next question: %d, %v", seq, err)
		}
		position, late = []byte{7}, 0
		if _, err := link.Position(t.Context()); !errors.Is(err, ErrFrame) {
			t.Errorf("a position of one byte: %v", err)
		}
		if _, asOf, found, err := link.Order(t.Context(), 1, 0); !errors.Is(err, ErrFrame) || found || asOf != (sequencer.AsOf{}) {
			t.Errorf("half an order: %t as of %v, %v", found, asOf, err)
		}
		other := make(chan error, 1)
		go func() {
			_, err := link.Control(t.Context(), "x", nil)
			other <- err
		}()
		if err := <-other; !errors.Is(err, errUnreachable) || link.Failed() == nil {
			t.Errorf("a lost link: %v, %v", err, link.Failed())
		}
		if _, err := link.Position(t.Context()); !errors.Is(err, errUnreachable) || !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// Two that ask for a link at once get one that works, and one is kept.
func TestLinksRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memory
		node := startScriptedAt(t, network.listen("n1"), "n1", func(frame) reaction { return positionSeven })
		config := peer.DefaultConfig()
		config.ID, config.Dial = "f1", network.slowDial
		links := NewLinks(&config, NewDirectory([]string{"n1"}))
		got := make(chan *Link, 4)
		for range cap(got) {
			go func() {
				link, err := links.To(t.Context(), "", "n1")
				if err != nil {
					t.Error(err)
				}
				got <- link
			}()
		}
		first := <-got
		for range cap(got) - 1 {
			if link := <-got; link != first {
				t.Error("two links are open")
			}
		}
		if again, err := links.To(t.Context(), "n1", "n1"); again != first || err != nil {
			t.Errorf("the link was not kept: %v", err)
		}
		if seq, err := first.Position(t.Context()); err != nil || seq != 7 || node.asked() != 1 {
			t.Errorf("%d, %v", seq, err)
		}
		if _, err := links.To(t.Context(), "n9", "n1"); !errors.Is(err, peer.ErrOtherNode) {
			t.Errorf("another node was wanted: %v", err)
		}

		first.Close()
		fresh, err := links.To(t.Context(), "", "n1")
		if err != nil || fresh == first || fresh.Failed() != nil {
			t.Fatalf("after the link failed: %v", err)
		}
		links.Close()
		if !errors.Is(fresh.Failed(), errLinkClosed) {
			t.Errorf("closed: %v", fresh.Failed())
		}
	})
}

// A frame that is not whole is none, wherever it ends; one that is too long is none.
func TestFramesAreWhole(t *testing.T) {
	whole := framed([]byte("a body"), codes.OK, 7)
	for end := range len(whole) {
		_, err := newFrameReader(bytes.NewReader(whole[:end]), 100).next()
		ended := errors.Is(err, io.EOF) && !errors.Is(err, ErrFrame) // between two frames
		if err == nil || (end == 0) != ended || end > frameHeaderBytes && !errors.Is(err, ErrFrame) {
			t.Errorf("%d of %d bytes: %v", end, len(whole), err)
		}
	}
	if f, err := newFrameReader(bytes.NewReader(whole), 6).next(); err != nil || string(f.body) != "a body" || f.id != 7 || f.kind != kindAnswer {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := newFrameReader(bytes.NewReader(whole), 5).next(); !errors.Is(err, ErrFrame) {
		t.Errorf("longer than allowed: %v", err)
	}
	for _, at := range []int{6, 7} {
		bad := bytes.Clone(whole)
		bad[at] = 1
		if _, err := newFrameReader(bytes.NewReader(bad), 100).next(); !errors.Is(err, ErrFrame) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
}

// fullOrderView has another value in each field.
func fullOrderView() sequencer.OrderView {
	return sequencer.OrderView{Seq: 1 << 40, CreatedAt: 2 << 40, Deadline: 3 << 40, AsOfSeq: 4 << 40, Position: 5 << 20, Sale: 6 << 8,
		SaleID: "gig", User: "ann b", State: sequencer.StateRefunded, Quantity: 7, Requested: 8, Min: 9, Attempts: 10, VoidsDue: 11 << 20,
		Overdue: true, CaptureDue: true, Captured: true, Lined: true, Bounced: 13 << 18, Failed: 14 << 12, Acknowledged: 15 << 14,
		Dispute: sequencer.Dispute{Status: sequencer.DisputeStatusMax, Amount: 16 << 40, EvidenceBy: 17 << 40}, Parts: []sequencer.Part{{Quantity: 1, State: sequencer.PartUnpaid, Attempts: 2}, {Quantity: 3, State: sequencer.PartStateMax, Attempts: 4, Fails: 2, Reason: sequencer.PayReasonMax}}, RefundReason: sequencer.PayReasonMax, Voided: 12 << 16, Reason: sequencer.PayReasonMax,
		PaidSeq: 18 << 40, PaidBirth: sequencer.ClusterID{19, 15: 20},
		Tickets: []sequencer.Ticket{{Number: 21 << 20}, {Number: 21<<20 + 1, Revoked: true, Part: 2}, {Number: 21<<20 + 2, Revoked: true}}}
}

// Every field of an order travels, by itself; what is not whole, or has a value that
// nobody knows, is refused.
func TestOrderViewsTravel(t *testing.T) {
	full := fullOrderView()
	views := []sequencer.OrderView{{}, full}
	for i := range reflect.TypeFor[sequencer.OrderView]().NumField() {
		var one sequencer.OrderView
		reflect.ValueOf(&one).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
		views = append(views, one)
	}
	at := sequencer.AsOf{Seq: 99, Position: sequencer.Position{Birth: 98, Height: 97}}
	data := appendAsOf(nil, at)
	if got, asOf, err := parseOrderViews(data); err != nil || asOf != at || len(got) > 0 {
		t.Errorf("no views: %v as of %v, %v", got, asOf, err)
	}
	for i := range views {
		data = appendOrderView(data, &views[i])
	}
	got, asOf, err := parseOrderViews(data)
	if err != nil || asOf != at || !reflect.DeepEqual(got, views) {
		t.Errorf("%+v arrives as %+v as of %v, %v", views, got, asOf, err)
	}

	one := appendOrderView(nil, &full)
	for end := range len(one) {
		if _, _, err := decodeOrderView(one[:end]); !errors.Is(err, ErrFrame) {
			t.Errorf("%d of %d bytes: %v", end, len(one), err)
		}
	}
	for at, value := range map[int]byte{59: 16, 54: byte(sequencer.StateRefunded) + 1, 62: byte(sequencer.PayReasonMax) + 1, 147: sequencer.CapMax + 1} {
		bad := bytes.Clone(one)
		bad[at] = value
		if _, _, err := decodeOrderView(bad); !errors.Is(err, ErrFrame) {
			t.Errorf("byte %d is %d: %v", at, value, err)
		}
	}
}

// The bounds of what is asked, granted and executed, on both sides of each.
func TestBoundsOfTheProtocol(t *testing.T) {
	user := func(length int) []byte {
		return (&orderQuestion{limit: 1, user: make([]byte, length)}).append(nil, true)
	}
	for length, want := range map[int]bool{0: false, 1: true, sequencer.UserBytesMax: true, sequencer.UserBytesMax + 1: false} {
		if _, err := parseOrderQuestion(user(length), true); (err == nil) != want {
			t.Errorf("a user of %d bytes: %v", length, err)
		}
	}
	least := sequencer.CommandBytesMax + sequencer.ForwardBytes
	for g, want := range map[grant]bool{
		{1, Limits{2, least + 1}}: true, {0, Limits{2, least + 1}}: false, {1, Limits{1, least + 1}}: false, {1, Limits{2, least}}: false,
	} {
		if got, err := parseGrant(g.append(nil)); (err == nil) != want || want && got != g {
			t.Errorf("%+v: %+v, %v", g, got, err)
		}
	}
	limits := Limits{RequestsMax: 4, BytesMax: 100}
	for _, test := range []struct {
		requests, bytes int
		want            bool
	}{{3, 100, true}, {4, 100, false}, {3, 101, false}} {
		if got := limits.allow(&inbox.Chunk{Count: test.requests, Data: make([]byte, frameHeaderBytes+test.bytes)}); got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
	}
	for _, bad := range [][]byte{nil, forwardOf(0), forwardOf(sequencer.BatchCommandsMax), buysOf(1)} {
		_, err := execute(newSingle(), bad, new([]sequencer.Result), nil)
		if !errors.Is(err, inbox.ErrFrames) && !errors.Is(err, sequencer.ErrForward) {
			t.Errorf("%.40x: %v", bad, err)
		}
	}
	for _, good := range [][]byte{forwardOf(1), forwardOf(sequencer.BatchCommandsMax - 1)} { // which its node refuses
		if _, err := execute(newSingle(), good, new([]sequencer.Result), nil); !errors.Is(err, sequencer.ErrOverloaded) {
			t.Errorf("%.40x: %v", good, err)
		}
	}
}

func forwardOf(count int) []byte {
	frames := make([]byte, sequencer.ForwardBytes)
	sequencer.PutForward(frames, 1, 1, count)
	return append(frames, buysOf(count)...)
}

func buysOf(count int) (frames []byte) {
	for range count {
		frames = sequencer.AppendCommand(frames, buyOf("ann"))
	}
	return frames
}

// A page of sales ends between two batches; what one batch changed is never split.
func TestSalesArePaged(t *testing.T) {
	sales := func(n int, asOf func(i int) (seq uint64, time int64)) (all []sequencer.SaleView) {
		for i := range n {
			seq, time := asOf(i)
			all = append(all, sequencer.SaleView{Number: uint16(i + 1), AsOfSeq: seq, AsOfTime: time})
		}
		return all
	}
	own := func(i int) (uint64, int64) { return uint64(i), 1 }
	pairs := func(i int) (uint64, int64) { return uint64((i + 1) / 2), 1 } // the page's bound splits one
	times := func(i int) (uint64, int64) { return 1, int64((i + 1) / 2) }
	for name, test := range map[string]struct {
		sales []sequencer.SaleView
		want  int
		more  bool
	}{
		"none":                 {nil, 0, false},
		"a page":               {sales(salesPageMax, own), salesPageMax, false},
		"one more":             {sales(salesPageMax+1, own), salesPageMax, true},
		"two of a batch":       {sales(salesPageMax+2, pairs), salesPageMax + 1, true},
		"two of a time":        {sales(salesPageMax+2, times), salesPageMax + 1, true},
		"all of a batch":       {sales(salesPageMax+9, func(int) (uint64, int64) { return 1, 1 }), salesPageMax + 9, false},
		"a batch at the end":   {sales(salesPageMax+1, pairs), salesPageMax + 1, false},
		"same seq, other time": {sales(salesPageMax+1, func(i int) (uint64, int64) { return 1, int64(i) }), salesPageMax, true},
	} {
		a := salesAnswer{Sales: test.sales}
		if a.cut(); len(a.Sales) != test.want || a.More != test.more {
			t.Errorf("%s: %d sales, more %t", name, len(a.Sales), a.More)
		}
	}
}

// waitOf and within bound what a question may make a node wait.
func TestWaitsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			wait time.Duration
			want uint32
		}{{0, 0}, {time.Second, 1000}, {time.Hour, waitMillisecondsMax}} {
			ctx, cancel := context.WithTimeout(t.Context(), test.wait)
			if got := waitOf(ctx); got != test.want {
				t.Errorf("%v: %d ms", test.wait, got)
			}
			cancel()
		}
		if got := waitOf(t.Context()); got != waitMillisecondsMax {
			t.Errorf("without a bound %d ms", got)
		}
		for wait, want := range map[uint32]time.Duration{5: 5 * time.Millisecond, 1 << 30: waitMillisecondsMax * time.Millisecond} {
			ctx, cancel := within(t.Context(), wait)
			if deadline, _ := ctx.Deadline(); time.Until(deadline) != want {
				t.Errorf("%d ms: %v", wait, time.Until(deadline))
			}
			cancel()
		}
	})
}
