package api

import (
	"sync/atomic"

	"onsale/api/challenge"
	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// passGate refuses a buy that does not show what the gate asks for.
func (p *Public) passGate(r *request) error {
	if p.config.Gate == nil {
		return nil
	}
	if err := p.config.Gate.Check(strict.AsString(r.who.User), r.header.Challenge, r.started); err != nil {
		return contract.NewProblem(contract.ChallengeRequired, err.Error())
	}
	return nil
}

// challenge answers GET /v1/challenge: what this buyer has to solve.
func (p *Public) challenge(r *request) error {
	if err := p.buyer(r, strict.Pretty); err != nil {
		return err
	}
	issuer, asks := p.config.Gate.(challenge.Issuer)
	if !asks {
		return contract.NewProblem(contract.NotFound, "no challenge is asked for here")
	}
	c := issuer.Issue(string(r.who.User), r.started)
	r.sendJSON(200, contract.DecisionMediaType, &contract.Challenge{Challenge: c.Text, DifficultyBits: c.DifficultyBits, ExpiresAt: c.Expires})
	return nil
}

// What is refused under load, and what is answered without a leader, is decided here
// and nowhere else. Views go first, then polls. Buys and
// payments are refused by the bounded queue to the leader alone, when it is full.

// shedKind is what was shed, as the metrics name it.
type shedKind uint8

const (
	shedView shedKind = iota
	shedPoll
	shedKinds
)

var shedNames = [shedKinds]string{"view", "poll"}

// shedCounters count what did not reach a leader.
type shedCounters struct {
	shed   [shedKinds]atomic.Uint64
	atDoor atomic.Uint64
}

// shed refuses a read when the way to some leader is fuller than a bound: the
// processor's time is for those who buy.
func (p *Public) shed(_ *request, bound float64, kind shedKind) error {
	for _, cluster := range p.clusters.Clusters() {
		if cluster.Backend.Load() >= bound {
			p.metrics.shed.shed[kind].Add(1)
			return sequencer.ErrOverloaded
		}
	}
	return nil
}

// decidedAtDoor answers a buy that can only have one answer, whatever the order:
// the sale is closed for good, and without a key there is no earlier decision to
// repeat. A bad request is the sequencer's to judge: it looks at it first.
func (p *Public) decidedAtDoor(r *request, view *sequencer.SaleView) bool {
	if !view.Closed || len(r.header.Key) > 0 {
		return false
	}
	p.metrics.shed.atDoor.Add(1)
	r.outcome = outcomeOfCode(sequencer.CodeClosed)
	asOf := view.AsOfSeq
	r.sendJSON(200, contract.DecisionMediaType, &contract.DoorDecision{
		Status: sequencer.StateNone.Status(), Reason: sequencer.CodeClosed.String(), AsOfSeq: asOf,
	})
	return true
}
