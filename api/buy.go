package api

import (
	"fmt"

	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// buyParameters are what a buy may say.
const buyParameters = strict.Quantity | strict.Min | strict.Sale | strict.Pretty | strict.Reference

// buy decides POST /v1/tickets. Everything that can be refused without a place
// in the order is refused before Decide; the rules of the sale are the log's. No
// Cache-Control is needed: nothing stores the answer to a POST unasked.
func (p *Public) buy(r *request) error {
	if err := p.identify(r); err != nil {
		return err
	}
	if problem := r.query.Read(r.raw, buyParameters); problem != nil {
		return problem
	}
	if err := r.checkBuy(); err != nil {
		return err
	}
	if err := p.passGate(r); err != nil {
		return err
	}
	cluster, view, err := p.saleOf(&r.query)
	if err != nil || p.decidedAtDoor(r, view) {
		return err
	}
	if err := p.valves.pass(cluster.Number, view, r.started); err != nil {
		return err
	}
	user := r.who.NameIn(view.PseudonymKey)
	if user == nil {
		return keyMissing(view.PseudonymKey)
	}
	c := &r.command
	*c = sequencer.Command{Kind: sequencer.KindBuy, Sale: view.Number, Quantity: r.query.Quantity, Min: r.query.Min, User: user,
		Reference: r.query.Reference()}
	if len(r.header.Key) > 0 {
		c.Key = sequencer.DigestKey(user, r.header.Key)
	}
	result, err := p.decide(r, cluster)
	if err != nil {
		return err
	}
	r.cluster, r.startsAt, r.bought = cluster.Number, view.StartsAt, true
	return p.answerBuy(r, &result)
}

func (r *request) checkBuy() error {
	switch q := &r.query; {
	case !q.Has(strict.Quantity):
		return contract.BadParameter("q", "say how many tickets: q=1")
	case q.Min > q.Quantity:
		return contract.BadParameter("min", "min must not be more than q")
	}
	return nil
}

// decide asks a cluster for the decision of r.command.
func (p *Public) decide(r *request, cluster *Cluster) (sequencer.Result, error) {
	if !r.header.WantsTiming { // reading the clock is not free either
		result, err := cluster.Backend.Decide(&r.command)
		return result, p.decided(r, cluster, &result, err)
	}
	before := p.config.Clock()
	result, err := cluster.Backend.Decide(&r.command)
	r.decided = p.config.Clock().Sub(before)
	return result, p.decided(r, cluster, &result, err)
}

// decided remembers what a buyer is about to be told, and returns err, or the problem that the
// decision is answered with.
func (p *Public) decided(r *request, cluster *Cluster, result *sequencer.Result, err error) error {
	if err != nil {
		return err
	}
	p.recent.told(cluster.Number, r.who.User, result)
	return problemOfDecision(result)
}

// problemOfDecision returns the problem that a decision is answered with; nil when the
// decision is an outcome of the sale.
func problemOfDecision(result *sequencer.Result) error {
	kind, isProblem := contract.KindOfDecision(result.Code)
	if !isProblem {
		return nil
	}
	problem := contract.NewProblem(kind, "")
	problem.Seq = result.Seq
	if result.State != sequencer.StateNone {
		problem.State = result.State.String()
		problem.Detail = fmt.Sprintf("the order is %s", result.State)
	}
	return problem
}

// answerBuy answers a buy that was decided.
func (p *Public) answerBuy(r *request, result *sequencer.Result) error {
	status := 200
	switch {
	case result.State.Status() == "pending":
		status = 202
		r.outcome = outcomeReserved
		if result.State == sequencer.StateWaitlisted {
			r.outcome = outcomeWaitlisted
		}
	default:
		r.outcome = outcomeOfCode(result.Code)
	}
	if result.Replayed {
		r.outcome = outcomeReplayed
		r.ctx.Response.Header.SetCanonical(nameReplayed, valueTrue)
	}
	startsAt := int64(0)
	if result.Code == sequencer.CodeNotStarted {
		startsAt = r.startsAt
	}
	r.body = contract.AppendDecision(r.body[:0], r.cluster, result, startsAt)
	if r.query.Pretty {
		r.body = append(r.body[:0], indent(r.body)...)
	}
	r.sendScratch(status, contract.DecisionMediaType)
	return nil
}
