package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// errLinkClosed is returned when a link was closed on this side.
var errLinkClosed = errors.New("link closed")

// errSilent is why a link ended whose node said nothing any more.
var errSilent = errors.New("the node says nothing any more")

// Link asks one node questions, many at once, over one connection.
type Link struct {
	conn *peer.Conn

	writing sync.Mutex
	mu      sync.Mutex
	pending map[uint64]chan<- reply
	next    uint64
	failure error
	// silent is since when the node has said nothing although it was asked; zero while
	// nothing is asked, or it answers.
	silent time.Time
}

// linkSilenceMax is how long a node may say nothing at all before a question that ends
// without an answer ends the link. A machine that is gone without a word, or whose address
// is another's now, would else be asked over the same connection for a quarter of an hour.
const linkSilenceMax = 3 * time.Second

type reply struct {
	code codes.Code
	body []byte
}

// DialLink connects to a node; wantID is as for peer.Dial.
func DialLink(ctx context.Context, config *peer.Config, address, wantID string) (*Link, error) {
	conn, err := peer.Dial(ctx, config, address, peer.Forward, wantID)
	if err != nil {
		return nil, err
	}
	l := &Link{conn: conn, pending: map[uint64]chan<- reply{}}
	go l.read()
	return l, nil
}

// Peer returns who is at the other end.
func (l *Link) Peer() peer.Identity { return l.conn.Peer }

// Close ends the connection; who waits is told.
func (l *Link) Close() error {
	l.fail(errLinkClosed)
	return nil
}

// Failed returns why the link is of no use any more, or nil.
func (l *Link) Failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

func (l *Link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = err
		_ = l.conn.Close() // the connection has failed or is given up
	}
	for id, waiting := range l.pending {
		close(waiting)
		delete(l.pending, id)
	}
}

// read hands each answer to who asked.
func (l *Link) read() {
	in := newFrameReader(l.conn, FrameBytesMax)
	for {
		f, err := in.next()
		if err == nil && f.kind != kindAnswer {
			err = fmt.Errorf("%w: kind %d is no answer", ErrFrame, f.kind)
		}
		if err != nil {
			l.fail(err)
			return
		}
		l.mu.Lock()
		waiting := l.pending[f.id]
		delete(l.pending, f.id)
		if l.silent = time.Now(); len(l.pending) == 0 {
			l.silent = time.Time{}
		}
		l.mu.Unlock()
		if waiting != nil { // who gave up is not there any more
			waiting <- reply{f.code, append([]byte(nil), f.body...)}
		}
	}
}

// ask sends a question and returns the body of its answer, or the error that the
// answer is. The link's own errors are wrapped in errUnreachable.
func (l *Link) ask(ctx context.Context, k kind, body []byte) ([]byte, error) {
	waiting := make(chan reply, 1)
	l.mu.Lock()
	if l.failure != nil {
		defer l.mu.Unlock()
		return nil, fmt.Errorf("%w: %w", errUnreachable, l.failure)
	}
	l.next++
	id := l.next
	l.pending[id] = waiting
	if l.silent.IsZero() {
		l.silent = time.Now()
	}
	l.mu.Unlock()
	if err := l.send(ctx, k, id, body); err != nil {
		l.fail(err)
	}
	select {
	case answer, answered := <-waiting:
		if !answered {
			return nil, fmt.Errorf("%w: %w", errUnreachable, l.Failed())
		}
		return answer.body, saidBy(answer.code, answer.body)
	case <-ctx.Done():
		l.mu.Lock()
		delete(l.pending, id)
		silent := !l.silent.IsZero() && time.Since(l.silent) >= linkSilenceMax
		l.mu.Unlock()
		if silent {
			l.fail(errSilent)
		}
		return nil, fmt.Errorf("%w: %w", errUnreachable, ctx.Err())
	}
}

// errUnreachable is returned when a node gave no answer.
var errUnreachable = errors.New("no answer")

// linkWriteTimeout bounds writing one question: they are short.
const linkWriteTimeout = 3 * time.Second

func (l *Link) send(ctx context.Context, k kind, id uint64, body []byte) error {
	data := append(make([]byte, frameHeaderBytes, frameHeaderBytes+len(body)), body...)
	putFrameHeader(data, k, 0, id)
	deadline := time.Now().Add(linkWriteTimeout)
	if asked, bounded := ctx.Deadline(); bounded && asked.Before(deadline) {
		deadline = asked.Add(linkWriteTimeout / 10) // a frame that was begun must end, or the link is lost
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	_, err := l.conn.Write(data)
	return err
}

// Position asks for the leader's read index.
func (l *Link) Position(ctx context.Context) (uint64, error) {
	body, err := l.ask(ctx, kindPosition, nil)
	if err == nil && len(body) != 8 {
		err = fmt.Errorf("%w: a position of %d bytes", ErrFrame, len(body))
	}
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(body), nil
}

// Order asks for an order; the node waits as long as ctx allows.
func (l *Link) Order(ctx context.Context, seq, reached uint64) (view sequencer.OrderView, asOf sequencer.AsOf, found bool, err error) {
	q := orderQuestion{seq: seq, reached: reached, wait: waitOf(ctx)}
	body, err := l.ask(ctx, kindOrder, q.append(nil, false))
	if err != nil {
		return view, asOf, false, err
	}
	views, asOf, err := parseOrderViews(body)
	if err != nil || len(views) == 0 {
		return view, asOf, false, err
	}
	return views[0], asOf, true, nil
}

// OrdersOf asks for a user's orders.
func (l *Link) OrdersOf(ctx context.Context, user []byte, after uint64, limit int, reached uint64) ([]sequencer.OrderView, sequencer.AsOf, error) {
	q := orderQuestion{seq: after, reached: reached, wait: waitOf(ctx), limit: uint32(limit), user: user}
	body, err := l.ask(ctx, kindOrders, q.append(nil, true))
	if err != nil {
		return nil, sequencer.AsOf{}, err
	}
	return parseOrderViews(body)
}

// Control sends a step of administration: body is JSON, and so is the answer.
func (l *Link) Control(ctx context.Context, verb string, body []byte) ([]byte, error) {
	question := append([]byte{byte(len(verb))}, verb...)
	return l.ask(ctx, kindControl, append(question, body...))
}

// Payment sends a payment's question: verb and bodies are package payments'.
func (l *Link) Payment(ctx context.Context, verb byte, body []byte) ([]byte, error) {
	return l.ask(ctx, kindPayment, append([]byte{verb}, body...))
}

// gone reports whether an error means that the connection is of no use, rather
// than that the node answered.
func gone(err error) bool {
	var network net.Error
	return errors.Is(err, errUnreachable) || errors.Is(err, ErrFrame) || errors.Is(err, io.EOF) || errors.As(err, &network)
}
