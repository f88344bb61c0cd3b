package forward

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"onsale/cluster/codes"
	"onsale/internal/ticket"
	"onsale/sequencer"
)

// ticketSigner makes the codes of tickets on a node.
type ticketSigner struct {
	secrets *ticket.Secrets // nil: none are made
	number  func() uint8    // of the cluster
}

// SignTickets lets the replica sign tickets, and answer front-ends with them, for a cluster with a
// number. Call it before the replica is used.
func (r *Replica) SignTickets(secrets *ticket.Secrets, number func() uint8) {
	r.tickets = ticketSigner{secrets, number}
}

// TicketCodes signs an order's valid tickets; none without keys.
func (r *Replica) TicketCodes(_ context.Context, view *sequencer.OrderView) ([]ticket.Coded, error) {
	if r.tickets.secrets == nil {
		return nil, nil
	}
	return r.tickets.secrets.Codes(r.tickets.number(), view), nil
}

// TicketKeys returns the public keys of the cluster's births; ticket.ErrOff.
func (r *Replica) TicketKeys(context.Context) (keys ticket.ClusterKeys, err error) {
	if err := r.superseded(); err != nil {
		return keys, err
	}
	if r.tickets.secrets == nil {
		return keys, ticket.ErrOff
	}
	var births []sequencer.Birth
	var asOf sequencer.AsOf
	r.Read(func(s sequencer.Reader) { births, asOf = s.Births(), s.AsOf() })
	return r.tickets.secrets.Public(r.tickets.number(), births, asOf.String()), nil
}

// Revocations looks for the revoked tickets of a sale on the replica, which is waited for.
func (r *Replica) Revocations(ctx context.Context, sale uint16, after uint64, limit int, reached uint64) (page RevokedPage, err error) {
	err = r.readApplied(ctx, reached, func(s sequencer.Reader) {
		page.Revoked, page.Next, page.More = s.Revocations(sale, after, limit)
		page.AsOf = s.AsOf()
	})
	return page, err
}

// RevokedPage is one look at the revoked tickets of a sale (sequencer.State.Revocations).
type RevokedPage = struct {
	Revoked []sequencer.Revocation
	Next    uint64
	More    bool
	AsOf    sequencer.AsOf
}

// TicketedIn looks for the orders of a sale that have tickets on the replica, which is waited for.
func (r *Replica) TicketedIn(ctx context.Context, sale uint16, after uint64, limit int, reached uint64) (page TicketedPage, err error) {
	err = r.readApplied(ctx, reached, func(s sequencer.Reader) {
		page.Orders, page.Next, page.More = s.TicketedIn(sale, after, limit)
		page.AsOf = s.AsOf()
	})
	return page, err
}

// TicketedPage is one look at the orders of a sale that have tickets (sequencer.State.TicketedIn).
type TicketedPage = struct {
	Orders []sequencer.OrderView
	Next   uint64
	More   bool
	AsOf   sequencer.AsOf
}

// TicketCodes asks a node for the codes of an order's tickets: it signs those that are valid as far
// as it is, and waits until it has what the view shows.
func (r *Remote) TicketCodes(ctx context.Context, view *sequencer.OrderView) ([]ticket.Coded, error) {
	seq, reached := view.Seq, view.AsOfSeq
	coded, err := share(ctx, &r.asked, fmt.Sprint("tickets ", seq, " ", reached), func(ctx context.Context) ([]ticket.Coded, error) {
		return viaAny(ctx, r, func(l *Link) ([]ticket.Coded, error) { return l.TicketCodes(ctx, seq, reached) })
	})
	return coded, r.unlessUnmet(err)
}

// TicketKeys asks a node for the public keys.
func (r *Remote) TicketKeys(ctx context.Context) (ticket.ClusterKeys, error) {
	keys, err := share(ctx, &r.asked, "ticket keys", func(ctx context.Context) (ticket.ClusterKeys, error) {
		return viaAny(ctx, r, func(l *Link) (ticket.ClusterKeys, error) { return l.TicketKeys(ctx) })
	})
	return keys, r.unlessUnmet(err)
}

// codedBytes is the length of a ticket in an answer:
//
//	offset  bytes  ticket
//	0       4      number
//	4       148    code
const codedBytes = 4 + ticket.CodeCharacters

// TicketCodes asks a node for the codes of an order's tickets.
func (l *Link) TicketCodes(ctx context.Context, seq, reached uint64) (coded []ticket.Coded, err error) {
	q := orderQuestion{seq: seq, reached: reached, wait: waitOf(ctx)}
	body, err := l.ask(ctx, kindTickets, q.append(nil, false))
	if err == nil && len(body)%codedBytes != 0 {
		err = fmt.Errorf("%w: tickets in %d bytes", ErrFrame, len(body))
	}
	for ; err == nil && len(body) > 0; body = body[codedBytes:] {
		coded = append(coded, ticket.Coded{Number: binary.LittleEndian.Uint32(body), Code: string(body[4:codedBytes])})
	}
	return coded, err
}

// TicketKeys asks a node for the public keys; it has none: ticket.ErrOff.
func (l *Link) TicketKeys(ctx context.Context) (keys ticket.ClusterKeys, err error) {
	body, err := l.ask(ctx, kindTicketKeys, nil)
	switch {
	case err != nil:
		return keys, err
	case len(body) == 0:
		return keys, ticket.ErrOff
	}
	if err := json.Unmarshal(body, &keys); err != nil {
		return keys, fmt.Errorf("%w: keys of tickets: %w", ErrFrame, err)
	}
	return keys, nil
}

// tickets answers a question for the codes of an order's tickets.
func (c *caller) tickets(body, dst []byte) ([]byte, error) {
	q, err := parseOrderQuestion(body, false)
	if err != nil {
		return dst, err
	}
	ctx, cancel := within(c.server.stop, q.wait)
	defer cancel()
	view, _, found, err := c.server.reads.Order(ctx, q.seq, q.reached)
	if err != nil || !found {
		return dst, err
	}
	coded, err := c.server.reads.TicketCodes(ctx, &view)
	for _, is := range coded {
		dst = append(binary.LittleEndian.AppendUint32(dst, is.Number), is.Code...)
	}
	return dst, err
}

// ticketKeys answers a question for the public keys.
func (c *caller) ticketKeys(body, dst []byte) ([]byte, error) {
	if len(body) > 0 {
		return dst, fmt.Errorf("%w: a question for keys of %d bytes", codes.ErrRejected, len(body))
	}
	keys, err := c.server.reads.TicketKeys(c.server.stop)
	switch {
	case isAny(err, ticket.ErrOff):
		return dst, nil
	case err != nil:
		return dst, err
	}
	answer, err := json.Marshal(keys)
	return append(dst, answer...), err
}
