package simulation

import "onsale/sequencer"

// request is what a client asks for, once or several times.
type request struct {
	id      int
	command sequencer.Command
	of      *request // whose order it is about; nil for buys and sellers' commands
	node    int      // whose desk works on a payment, and its incarnation then
	started int

	sent      bool
	sentAfter uint64 // highest seq that anybody was told when it was first sent
	numbered  bool   // it went in a front-end's numbered batch only, at most once
	executed  int    // how often it was decided
	begun     uint8  // the payment attempt that it began
	called    bool   // and the provider may be called for it, although it stood in the line
	told      bool
	result    sequencer.Result // as first told; an order takes a refusal's place
	asOf      uint64           // the newest seq that the result knows of
}

// frontend gathers requests into numbered batches of a session.
type frontend struct {
	opening *request // asks for the session
	session uint64   // 0 before it was granted
	number  uint64   // of the newest batch
	waiting []*request
	sent    []*request // the newest batch, until it is answered
}

// keyed reports whether the request is a buy that may be repeated.
func (q *request) keyed() bool {
	return q.command.Kind == sequencer.KindBuy && q.command.Key != (sequencer.KeyDigest{})
}

// again reports whether the request may be repeated.
func (q *request) again() bool { return q.keyed() || q.command.Kind != sequencer.KindBuy }

// bound reports whether a request was told the order that its key is bound to.
func (q *request) bound() bool {
	return q.told && q.keyed() && q.result.Code == sequencer.CodeOK
}

// request returns the request with an id, nil when there is none.
func (w *world) request(id int) *request {
	if id < 0 || id >= len(w.requests) {
		return nil
	}
	return w.requests[id]
}

// note registers a new request.
func (w *world) note(q *request) {
	for len(w.requests) <= q.id {
		w.requests = append(w.requests, nil)
	}
	w.requests[q.id] = q
	w.seen.Commands++
}

// send puts a request into the line: at a node, which refuses when it does not think
// that it leads, or, with a number past the nodes, at a front-end.
func (w *world) send(q *request, door int) {
	if door >= len(w.replicas) {
		f := w.frontends[(door-len(w.replicas))%len(w.frontends)]
		if q.sent { // what is repeated has no part in "at most once"
			return
		}
		q.numbered = true
		w.mark(q)
		f.waiting = append(f.waiting, q)
		return
	}
	r := w.replicas[door]
	if !r.leading {
		return
	}
	if q.sent {
		w.seen.Repeats++
		q.numbered = false // its key is what counts from here on
	}
	w.mark(q)
	q.node, q.started = r.id, r.incarnation
	r.inbox = append(r.inbox, queued{q.command, q})
}

func (w *world) mark(q *request) {
	if q.sent {
		return
	}
	q.sent, q.sentAfter = true, w.toldSeq
	if _, known := w.firstSent[q.command.Key]; q.keyed() && !known {
		w.firstSent[q.command.Key] = q.sentAfter
	}
}

// forward sends what waits at a front-end as its next batch, or the newest batch
// again while it is not answered. A front-end without a session asks for one.
func (w *world) forward(f *frontend, r *replica) {
	switch {
	case !r.leading:
		return
	case f.session == 0:
		f.opening = &request{command: sequencer.Command{Kind: sequencer.KindSessionOpen}}
		r.inbox = append(r.inbox, queued{f.opening.command, f.opening})
		return
	case f.sent == nil && len(f.waiting) == 0:
		return
	case f.sent == nil:
		f.number++
		f.sent, f.waiting = f.waiting, nil
	default:
		w.seen.RepeatedBatches++
	}
	head := sequencer.Command{Kind: sequencer.KindForward, Order: f.session, Amount: int64(f.number), Count: uint32(len(f.sent))}
	r.inbox = append(r.inbox, queued{head, nil})
	for _, q := range f.sent {
		q.node, q.started = r.id, r.incarnation
		r.inbox = append(r.inbox, queued{q.command, q})
	}
}

// answer tells those who wait for an entry at the leader that proposed it. When the
// answers are lost, the leader's desk still knows them.
func (w *world) answer(r *replica, e *entry, lost bool) error {
	past := uint64(0) // seq up to which an executed batch was told again
	for i, q := range e.requests {
		result := &w.answered
		*result = r.decisions.Results[i]
		switch {
		case result.Kind == sequencer.KindForward && result.Code == sequencer.CodeBatchRepeated:
			past = result.Order
			continue
		case result.Kind == sequencer.KindPayResult && result.Code == sequencer.CodeOK && !lost:
			w.told = append(w.told, &request{id: -1, result: *result, asOf: r.machine.Seq()}) // the desk tells who pays
			continue
		case q == nil, result.Code == sequencer.CodeNotTaken && past == 0:
			continue
		case result.Code == sequencer.CodeNotTaken:
			past++
			*result = w.results[past-1] // as the node remembers it
		}
		if err := w.deliver(q, result, r.machine.Seq(), lost); err != nil {
			return err
		}
		if result.Kind == sequencer.KindPayBegin && result.Code == sequencer.CodeOK && q.command.Count > 0 {
			r.line[chargeKey{order: result.Order, attempt: result.Attempt}] = true
		}
	}
	return nil
}

// deliver lets a client know a decision, as it stands as of a seq.
func (w *world) deliver(q *request, r *sequencer.Result, asOf uint64, lost bool) error {
	if r.Kind == sequencer.KindPayBegin && r.Code == sequencer.CodeOK {
		q.begun, q.called = r.Attempt, false
	}
	if lost {
		w.seen.LostAnswers++
		return nil
	}
	if w.bug != nil && w.bug.tell != nil {
		w.bug.tell(q, r)
	}
	if r.Kind == sequencer.KindSessionOpen {
		w.granted(q, r.Seq)
		return nil
	}
	w.finished(q)
	if err := w.checkTold(q, r); err != nil || q.told && (!q.keyed() || q.bound() || r.Order == 0) {
		return err
	}
	q.told, q.result, q.asOf = true, *r, asOf
	w.toldSeq = max(w.toldSeq, r.Seq)
	if r.Order != 0 && r.Code == sequencer.CodeOK {
		w.told = append(w.told, q)
	}
	return nil
}

// granted gives the front-end that asked its session.
func (w *world) granted(opening *request, session uint64) {
	for _, f := range w.frontends {
		if f.opening == opening && f.session == 0 {
			f.session = session
		}
	}
}

// finished ends the newest batch of the front-end that sent a request.
func (w *world) finished(q *request) {
	for _, f := range w.frontends {
		if len(f.sent) > 0 && f.sent[len(f.sent)-1] == q {
			f.sent = nil
		}
	}
}
