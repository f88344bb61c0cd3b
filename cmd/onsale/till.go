package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onsale/api/contract"
	"onsale/cluster/forward"
	"onsale/internal/failpoint"
	"onsale/payment"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// The verbs of payments between processes; the bodies are the types below.
const (
	verbPay    = "pay"
	verbNotice = "payment-notice"
)

// payQuestion is a request to pay, and how long the leader may let it wait.
type payQuestion struct {
	payment.Request
	WaitMilliseconds int64 `json:"wait_ms"`
}

// payAnswer is a payment's answer; Off says that the cluster takes no payments.
type payAnswer struct {
	payment.Answer
	Off bool `json:"off,omitempty"`
}

// noticeQuestion is a webhook as it came.
type noticeQuestion struct {
	Provider  string `json:"provider"`
	Signature string `json:"signature"`
	Body      []byte `json:"body"`
}

// noticeAnswer says why a webhook was not taken; "" when it was.
type noticeAnswer struct {
	Refused string `json:"refused,omitempty"`
	Off     bool   `json:"off,omitempty"`
}

// till brings payments to the leader's desk: this process' own while its node leads,
// else there. It is an api.Payments.
type till struct {
	node  *forward.Replica // nil in a front-end
	desk  *payment.Desk    // nil where no provider is configured
	links *forward.Links
}

// answerMargin is by how much the leader answers before the door gives up.
const answerMargin = 500 * time.Millisecond

// Pay implements api.Payments.
func (t *till) Pay(ctx context.Context, r payment.Request) (payment.Answer, error) {
	if t.node != nil && t.node.Leader() == nil {
		if t.desk == nil {
			return payment.Answer{}, contract.ErrPaymentsOff
		}
		answer, err := t.desk.Pay(ctx, r)
		if !errors.Is(err, sequencer.ErrNoLeader) {
			return answer, err
		}
	}
	wait := time.Minute
	if deadline, bounded := ctx.Deadline(); bounded {
		wait = max(0, time.Until(deadline)-answerMargin)
	}
	var answer payAnswer
	err := t.tell(ctx, verbPay, payQuestion{r, wait.Milliseconds()}, &answer)
	if err == nil && answer.Off {
		err = contract.ErrPaymentsOff
	}
	if errors.Is(err, sequencer.ErrOutcomeUnknown) {
		problem := contract.NewProblem(contract.OutcomeUnknown, "a payment may be under way; ask for the order, or pay again: an order is never charged twice")
		return payment.Answer{}, problem
	}
	return answer.Answer, err
}

// Notice implements api.Payments.
func (t *till) Notice(ctx context.Context, provider, signature string, body []byte) error {
	if t.desk != nil && t.node.Leader() == nil {
		return t.desk.Notice(provider, signature, body)
	}
	var answer noticeAnswer
	err := t.tell(ctx, verbNotice, noticeQuestion{provider, signature, body}, &answer)
	switch {
	case err != nil:
		return err
	case answer.Off:
		return contract.ErrPaymentsOff
	case answer.Refused != "":
		return fmt.Errorf("%w: %s", payment.ErrNotice, answer.Refused)
	}
	return nil
}

// Reconcile implements api.Payments. Every node that knows the provider can do it on
// its own replica, once that shows what the leader has decided.
func (t *till) Reconcile(ctx context.Context) (*payment.Reconciliation, error) {
	if t.desk == nil {
		return nil, contract.ErrPaymentsOff
	}
	if err := t.node.CatchUp(ctx); err != nil {
		return nil, err
	}
	return t.desk.Reconcile(ctx)
}

func (t *till) tell(ctx context.Context, verb string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.PaymentAsked)
	defer failpoint.Hit(failpoint.PaymentAnswered)
	text, err := forward.TellLeader(ctx, t.links, func(l *forward.Link) ([]byte, error) { return l.Control(ctx, verb, body) })
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

// controls answers steps of administration: payments by the desk, everything else by
// the membership's manager.
type controls struct {
	payments *till
	others   forward.Control
}

// Control implements forward.Control. Front-ends may send payments.
func (c controls) Control(ctx context.Context, from peer.Identity, verb string, body []byte) ([]byte, error) {
	switch verb {
	case verbPay:
		var q payQuestion
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, fmt.Errorf("%w: %w", forward.ErrRejected, err)
		}
		ctx, cancel := context.WithTimeout(ctx, time.Duration(q.WaitMilliseconds)*time.Millisecond)
		defer cancel()
		answer, err := c.payHere(ctx, q.Request)
		if err != nil {
			return nil, err
		}
		return json.Marshal(answer)
	case verbNotice:
		var q noticeQuestion
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, fmt.Errorf("%w: %w", forward.ErrRejected, err)
		}
		answer, err := c.noticeHere(q)
		if err != nil {
			return nil, err
		}
		return json.Marshal(answer)
	}
	return c.others.Control(ctx, from, verb, body)
}

func (c controls) payHere(ctx context.Context, r payment.Request) (payAnswer, error) {
	if err := c.payments.node.Leader(); err != nil {
		return payAnswer{}, err
	}
	if c.payments.desk == nil {
		return payAnswer{Off: true}, nil
	}
	answer, err := c.payments.desk.Pay(ctx, r)
	return payAnswer{Answer: answer}, err
}

func (c controls) noticeHere(q noticeQuestion) (noticeAnswer, error) {
	if err := c.payments.node.Leader(); err != nil {
		return noticeAnswer{}, err
	}
	if c.payments.desk == nil {
		return noticeAnswer{Off: true}, nil
	}
	err := c.payments.desk.Notice(q.Provider, q.Signature, q.Body)
	if errors.Is(err, payment.ErrNotice) {
		return noticeAnswer{Refused: err.Error()}, nil
	}
	return noticeAnswer{}, err
}
