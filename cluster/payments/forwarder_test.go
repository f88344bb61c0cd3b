package payments

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"onsale/cluster/forward"
	"onsale/payment"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

var request = payment.Request{Order: 41, Sale: 1, User: "ann", Method: "tok_accept"}

// A front-end's payment goes to whom a follower names, once, and the answer comes back as
// it was given; a follower's own goes the same way, and the leader's stays at home.
func TestPaymentsGoToTheLeader(t *testing.T) {
	desk := accepts()
	leads := serve(t, "n2", ForNode(nil, desk, desk))
	follows := elsewhere(leads.address)
	node := serve(t, "n1", ForNode(nil, follows, follows))
	for name, f := range map[string]*Forwarder{
		"a front-end's":             ForFrontEnd(linksTo(t, node.address)),
		"a follower's":              ForNode(linksTo(t, node.address), follows, follows),
		"one's without a provider":  ForNode(linksTo(t, node.address), follows, nil),
		"the leader's, at its node": ForNode(nil, desk, desk),
	} {
		before := len(desk.requests())
		answer, err := f.Pay(within(t, time.Minute), request)
		if err != nil || answer != (payment.Answer{State: sequencer.StatePaid, Attempt: 1, Seq: 42}) {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
		if got := desk.requests()[before:]; !slices.Equal(got, []payment.Request{request}) {
			t.Errorf("%s: the leader was asked %+v", name, got)
		}
	}
	if len(follows.requests()) != 0 {
		t.Error("a node that does not lead began a payment")
	}
	leads.mu.Lock()
	defer leads.mu.Unlock()
	if len(leads.from) != 3 || leads.from[0].ID != "f1" || leads.from[0].Role != peer.FrontEnd {
		t.Errorf("asked by %+v", leads.from)
	}
}

// A payment whose answer is lost may be under way: it is not sent again, although another
// node would take it.
func TestLostAnswer(t *testing.T) {
	other := accepts()
	ready := serve(t, "n3", ForNode(nil, other, other))
	desk := accepts()
	var node *served
	desk.pay = func(ctx context.Context, _ payment.Request) (payment.Answer, error) {
		go node.server.Close()
		<-ctx.Done()
		return payment.Answer{}, nil
	}
	node = serve(t, "n2", ForNode(nil, desk, desk))
	follows := elsewhere(node.address)
	names := serve(t, "n1", ForNode(nil, follows, follows))
	_, err := ForFrontEnd(linksTo(t, names.address, names.address, ready.address)).Pay(within(t, time.Minute), request)
	if !errors.Is(err, sequencer.ErrOutcomeUnknown) {
		t.Errorf("%v, want outcome unknown", err)
	}
	if len(desk.requests())+len(other.requests()) != 1 {
		t.Errorf("asked %d and %d times", len(desk.requests()), len(other.requests()))
	}
}

// Who asks twice is answered twice, by the coordinator: it knows that an attempt is under
// way.
func TestTwice(t *testing.T) {
	desk := accepts()
	first := desk.pay
	desk.pay = func(ctx context.Context, r payment.Request) (payment.Answer, error) {
		if len(desk.requests()) > 1 {
			return payment.Answer{Code: sequencer.CodePaymentInFlight, State: sequencer.StatePaying}, nil
		}
		return first(ctx, r)
	}
	f := ForFrontEnd(linksTo(t, serve(t, "n1", ForNode(nil, desk, desk)).address))
	for i, want := range []sequencer.Code{sequencer.CodeOK, sequencer.CodePaymentInFlight} {
		if answer, err := f.Pay(within(t, time.Minute), request); err != nil || answer.Code != want {
			t.Errorf("the %d. time: %+v, %v", i+1, answer, err)
		}
	}
	if len(desk.requests()) != 2 {
		t.Errorf("asked %d times", len(desk.requests()))
	}
}

// A leader lets a payment wait for less time than its asker does, so that an attempt
// without an outcome is told as one; an answer that comes later is an unknown one.
func TestLate(t *testing.T) {
	desk := accepts()
	desk.pay = func(ctx context.Context, _ payment.Request) (payment.Answer, error) {
		<-ctx.Done()
		return payment.Answer{Code: sequencer.CodePaymentInFlight}, nil
	}
	f := ForFrontEnd(linksTo(t, serve(t, "n1", ForNode(nil, desk, desk)).address))
	if answer, err := f.Pay(within(t, 5*answerMargin), request); err != nil || answer.Code != sequencer.CodePaymentInFlight {
		t.Errorf("in time: %+v, %v", answer, err)
	}
	release := make(chan struct{})
	desk.pay = func(context.Context, payment.Request) (payment.Answer, error) {
		<-release
		return payment.Answer{}, nil
	}
	if _, err := f.Pay(within(t, answerMargin/2), request); !errors.Is(err, sequencer.ErrOutcomeUnknown) {
		t.Errorf("too late: %v", err)
	}
	close(release)
}

// Without a leader nothing was taken, and who asks is told so; one that is elected
// meanwhile takes it.
func TestNoLeader(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	for name, links := range map[string]*forward.Links{"nobody is known": linksTo(t), "nobody is there": linksTo(t, listener.Addr().String())} {
		_, err := ForFrontEnd(links).Pay(within(t, 100*time.Millisecond), request)
		if !errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrOutcomeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	node, asked := elsewhere(""), 0
	replica := electing{node, func() {
		if asked++; asked == 4 {
			node.leader = nil
		}
	}}
	address := serve(t, "n1", ForNode(nil, replica, replica)).address
	if answer, err := ForFrontEnd(linksTo(t, address)).Pay(within(t, time.Minute), request); err != nil || answer.Seq != 42 || len(node.requests()) != 1 {
		t.Errorf("%+v, %v after %d payments", answer, err, len(node.requests()))
	}
}

// electing is a coordinator that is told before each payment.
type electing struct {
	*coordinator
	before func()
}

func (e electing) Pay(ctx context.Context, r payment.Request) (payment.Answer, error) {
	e.mu.Lock()
	e.before()
	e.mu.Unlock()
	return e.coordinator.Pay(ctx, r)
}

// That no payments are taken is the leader's to say, wherever it was asked.
func TestOff(t *testing.T) {
	leads := accepts()
	address := serve(t, "n1", ForNode(nil, leads, nil)).address
	follows := elsewhere(address)
	for name, f := range map[string]*Forwarder{
		"a front-end": ForFrontEnd(linksTo(t, address)), "the leader": ForNode(nil, leads, nil), "a follower": ForNode(linksTo(t, address), follows, nil),
	} {
		ctx := within(t, time.Minute)
		if _, err := f.Pay(ctx, request); !errors.Is(err, payment.ErrOff) {
			t.Errorf("%s pays: %v", name, err)
		}
		if err := f.Notice(ctx, "stripe", "signed", nil); !errors.Is(err, payment.ErrOff) {
			t.Errorf("%s brings a webhook: %v", name, err)
		}
		if _, err := f.Reconcile(ctx); !errors.Is(err, payment.ErrOff) {
			t.Errorf("%s reconciles: %v", name, err)
		}
	}
	if orders, known := ForFrontEnd(nil).Unsettled(3); known || orders != 0 {
		t.Errorf("a front-end knows of %d unsettled orders", orders)
	}
	if orders, known := ForNode(nil, leads, leads).Unsettled(3); !known || orders != 6 {
		t.Errorf("a node knows of %d unsettled orders: %v", orders, known)
	}
	follows.leader = sequencer.ErrBehind
	if _, err := ForNode(nil, follows, follows).Reconcile(t.Context()); !errors.Is(err, sequencer.ErrBehind) {
		t.Errorf("a replica that is behind reconciles: %v", err)
	}
	if found, err := ForNode(nil, leads, leads).Reconcile(t.Context()); err != nil || found.Provider != "fake" {
		t.Errorf("%+v, %v", found, err)
	}
}

// A webhook is checked by the leader, whose word about it comes back whole.
func TestNotices(t *testing.T) {
	desk := accepts()
	f := ForFrontEnd(linksTo(t, serve(t, "n1", ForNode(nil, desk, desk)).address))
	if err := f.Notice(within(t, time.Minute), "stripe", "signed", []byte(`{"id":1}`)); err != nil || !slices.Equal(desk.told, []string{`stripe signed {"id":1}`}) {
		t.Errorf("%q, %v", desk.told, err)
	}
	desk.notice = fmt.Errorf("%w: the signature is 400 s old", payment.ErrNotice)
	if err := f.Notice(within(t, time.Minute), "stripe", "old", nil); !errors.Is(err, payment.ErrNotice) || err.Error() != desk.notice.Error() {
		t.Errorf("%v", err)
	}
}

// What a coordinator says of a payment arrives as what it is.
func TestCoordinatorsErrors(t *testing.T) {
	desk := accepts()
	f := ForFrontEnd(linksTo(t, serve(t, "n1", ForNode(nil, desk, desk)).address))
	for _, want := range []error{sequencer.ErrOverloaded, sequencer.ErrStopping, sequencer.ErrBehind, sequencer.ErrOutcomeUnknown} {
		desk.pay = func(context.Context, payment.Request) (payment.Answer, error) {
			return payment.Answer{}, fmt.Errorf("%w: said the desk", want)
		}
		if _, err := f.Pay(within(t, time.Minute), request); !errors.Is(err, want) {
			t.Errorf("%v arrives as %v", want, err)
		}
	}
}

// Where somebody is in the line is the leader's to say, wherever it is asked.
func TestPlace(t *testing.T) {
	leads := accepts()
	address := serve(t, "n1", ForNode(nil, leads, leads)).address
	follows := elsewhere(address)
	for name, f := range map[string]*Forwarder{
		"a front-end": ForFrontEnd(linksTo(t, address)), "the leader": ForNode(nil, leads, leads), "a follower": ForNode(linksTo(t, address), follows, follows),
	} {
		ctx := within(t, time.Minute)
		if at, err := f.Place(ctx, 41); err != nil || at == nil || *at != (payment.Place{Place: 41, Wait: 41 * time.Second}) {
			t.Errorf("%s: %+v, %v", name, at, err)
		}
		if at, err := f.Place(ctx, 9); err != nil || at != nil {
			t.Errorf("%s: who does not wait is at %+v, %v", name, at, err)
		}
	}
	if at, err := ForFrontEnd(linksTo(t)).Place(within(t, 50*time.Millisecond), 41); !errors.Is(err, sequencer.ErrNoLeader) || at != nil {
		t.Errorf("without a leader: %+v, %v", at, err)
	}
}
