package payments

import (
	"context"
	"encoding/json"
	"fmt"

	"onsale/cluster/codes"
	"onsale/payment"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// Payment answers another process, a node or a front-end (forward.Payments).
// *sequencer.NotLeaderError when this node does not lead: it never asks a third one.
func (f *Forwarder) Payment(ctx context.Context, _ peer.Identity, verb byte, body []byte) ([]byte, error) {
	switch verb {
	case verbPay:
		q, err := parsePay(body)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, q.wait())
		defer cancel()
		answer, err := f.payHere(ctx, q.Request)
		return encode(answer, err)
	case verbNotice:
		q, err := parseNotice(body)
		if err != nil {
			return nil, err
		}
		return encode(noticeAnswer{}, f.noticeHere(q.Provider, q.Signature, q.Body))
	case verbPlace:
		q, err := parsePlace(body)
		if err != nil {
			return nil, err
		}
		at, err := f.placeHere(q.Order)
		return encode(placeAnswer{at}, err)
	}
	return nil, fmt.Errorf("%w: verb %d of payments", codes.ErrRejected, verb)
}

func encode(answer any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func (f *Forwarder) payHere(ctx context.Context, r payment.Request) (payment.Answer, error) {
	if f.coordinator == nil {
		return payment.Answer{}, f.without()
	}
	return f.coordinator.Pay(ctx, r)
}

func (f *Forwarder) placeHere(order uint64) (*payment.Place, error) {
	if f.coordinator == nil {
		return nil, f.without()
	}
	if err := f.replica.Leader(); err != nil {
		return nil, err
	}
	return f.coordinator.Place(order), nil
}

func (f *Forwarder) noticeHere(provider, signature string, body []byte) error {
	if f.coordinator == nil {
		return f.without()
	}
	return f.coordinator.Notice(provider, signature, body)
}

// without is what a process without a coordinator says: whether payments are off is the
// leader's to say.
func (f *Forwarder) without() error {
	if f.replica == nil {
		return sequencer.ErrNoLeader
	}
	if err := f.replica.Leader(); err != nil {
		return err
	}
	return payment.ErrOff
}
