package forward

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// question answers a question beside what comes next.
func (c *caller) question(k kind, id uint64, body []byte) error {
	c.server.counters.Questions.Add(1)
	select {
	case c.questions <- struct{}{}:
	default:
		c.server.counters.Refused.Add(1)
		answer, code := codes.Append(make([]byte, frameHeaderBytes), sequencer.ErrOverloaded)
		return c.write(answer, code, id)
	}
	own := append([]byte(nil), body...) // the next frame comes into body
	c.server.counters.asking.Add(1)
	c.finished.Go(func() {
		defer func() {
			c.server.counters.asking.Add(-1)
			<-c.questions
		}()
		answer, err := c.ask(k, own, make([]byte, frameHeaderBytes, 512))
		code := codes.OK
		if err != nil {
			answer, code = codes.Append(answer[:frameHeaderBytes], err)
		}
		if c.write(answer, code, id) != nil {
			c.conn.Close() // the reading goroutine ends with it
		}
	})
	return nil
}

func (c *caller) ask(k kind, body, dst []byte) ([]byte, error) {
	s := c.server
	if c.from.Role == peer.Reader && k != kindBlocks {
		return dst, fmt.Errorf("%w: %q is a reader, which is shown the journal alone", codes.ErrRejected, c.from.ID)
	}
	switch k {
	case kindSession:
		granted, err := openSession(s.node, s.config.Limits)
		return granted.append(dst), err
	case kindPosition:
		ctx, cancel := context.WithTimeout(s.stop, s.config.WriteTimeout)
		defer cancel()
		seq, err := s.node.ReadIndex(ctx)
		return binary.LittleEndian.AppendUint64(dst, seq), err
	case kindOrder, kindOrders:
		return c.orders(k == kindOrders, body, dst)
	case kindSales:
		return c.sales(body, dst)
	case kindControl:
		return c.administer(body, dst)
	case kindPayment:
		return c.payment(body, dst)
	case kindSeller:
		return c.seller(body, dst)
	case kindTickets:
		return c.tickets(body, dst)
	case kindTicketKeys:
		return c.ticketKeys(body, dst)
	case kindBlocks:
		return c.blocks(body, dst)
	}
	return dst, fmt.Errorf("%w: question of kind %d", codes.ErrRejected, k)
}

func (c *caller) orders(ofUser bool, body, dst []byte) ([]byte, error) {
	q, err := parseOrderQuestion(body, ofUser)
	if err != nil {
		return dst, err
	}
	ctx, cancel := within(c.server.stop, q.wait)
	defer cancel()
	if ofUser {
		views, asOf, err := c.server.reads.OrdersOf(ctx, q.user, q.seq, int(min(q.limit, ordersMax)), q.reached)
		dst = appendAsOf(dst, asOf)
		for i := range views {
			dst = appendOrderView(dst, &views[i])
		}
		return dst, err
	}
	view, asOf, found, err := c.server.reads.Order(ctx, q.seq, q.reached)
	dst = appendAsOf(dst, asOf)
	if found {
		dst = appendOrderView(dst, &view)
	}
	return dst, err
}

// ordersMax bounds the orders of one answer.
const ordersMax = 1000

// controlBytesMax bounds the body of administration, and of a payment.
const controlBytesMax = 64 << 10

func (c *caller) administer(body, dst []byte) ([]byte, error) {
	if len(body) < 1 || len(body) < 1+int(body[0]) || !json.Valid(body[1+int(body[0]):]) {
		return dst, fmt.Errorf("%w: malformed administration", codes.ErrRejected)
	}
	ctx, cancel := context.WithTimeout(c.server.stop, c.server.config.ControlTimeout)
	defer cancel()
	verb := string(body[1 : 1+int(body[0])])
	answer, err := c.server.control.Control(ctx, c.from, verb, body[1+len(verb):])
	return append(dst, answer...), err
}

func (c *caller) payment(body, dst []byte) ([]byte, error) {
	if len(body) < 1 {
		return dst, fmt.Errorf("%w: a payment of %d bytes", codes.ErrRejected, len(body))
	}
	if c.server.payments == nil { // it led when the caller heard of it
		return dst, &sequencer.NotLeaderError{}
	}
	ctx, cancel := context.WithTimeout(c.server.stop, c.server.config.ControlTimeout)
	defer cancel()
	answer, err := c.server.payments.Payment(ctx, c.from, body[0], body[1:])
	return append(dst, answer...), err
}
