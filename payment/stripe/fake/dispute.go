package fake

import (
	"net/http"
	"slices"
)

// dispute is one of a charge.
type dispute struct {
	id, status string
	amount     int64
	dueBy      int64
}

// disputeSeconds is for how long evidence may be given.
const disputeSeconds = 7 * 24 * 3600

// Dispute opens a dispute of what was captured under a key, or takes the newest on to a status
// (needs_response, under_review, won, lost, …), as buyers' banks do. While it is not won, refunds are
// refused. False when nothing was captured.
func (f *Fake) Dispute(key, status string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.captured(key)
	if i == nil {
		return false
	}
	kind := "charge.dispute.updated"
	if len(i.charge.disputes) == 0 {
		kind = "charge.dispute.created"
		i.charge.disputes = append(i.charge.disputes, &dispute{id: f.newID("du"), amount: i.Received, dueBy: f.config.Clock().Unix() + disputeSeconds})
	}
	d := i.charge.disputes[len(i.charge.disputes)-1]
	d.status = status
	if status == "won" || status == "lost" {
		kind = "charge.dispute.closed"
	}
	f.tell(i, kind, i.showDispute(d))
	return true
}

// isDisputed reports whether the bank has the money.
func (c *charge) isDisputed() bool {
	return slices.ContainsFunc(c.disputes, func(d *dispute) bool { return d.status != "won" })
}

// showDispute returns a dispute as JSON: with no metadata of its charge's.
func (i *intent) showDispute(d *dispute) map[string]any {
	return map[string]any{
		"id": d.id, "object": "dispute", "status": d.status, "amount": d.amount, "currency": i.Currency, "charge": i.charge.id, "payment_intent": i.ID,
		"metadata": map[string]string{}, "reason": "fraudulent", "evidence_details": map[string]any{"due_by": d.dueBy},
	}
}

// listDisputes returns an intent's disputes, the newest first.
func (i *intent) listDisputes() answer {
	data := []any{}
	if i.charge != nil {
		for _, d := range slices.Backward(i.charge.disputes) {
			data = append(data, i.showDispute(d))
		}
	}
	return answer{status: http.StatusOK, body: map[string]any{"object": "list", "url": "/v1/disputes", "has_more": false, "data": data}}
}
