package naive

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"onsale/sequencer"
)

// wish is what a buy asks for, with min filled in.
type wish struct {
	sale          uint16
	quantity, min uint8
	reference     string
}

func (m *Model) buy(c *sequencer.Command, r *sequencer.Result) {
	w := wish{c.Sale, c.Quantity, c.Min, string(c.Reference)}
	if w.min == 0 {
		w.min = w.quantity
	}
	s := m.saleOf(c.Sale)
	switch {
	case len(c.User) < 1 || len(c.User) > sequencer.UserBytesMax || !utf8.Valid(c.User) || w.quantity < 1 || w.min > w.quantity || !printable(w.reference):
		r.Code = sequencer.CodeBadRequest
	case s == nil:
		r.Code = sequencer.CodeUnknownSale
	case keyOfName(string(c.User)) != s.spec.PseudonymKey:
		r.Code = sequencer.CodeBadRequest
	case m.knownKey(c, w, r):
	default:
		r.Code = m.refusal(c.User, s, w)
		if r.Code == sequencer.CodeOK {
			r.Code = m.place(c, s, w, r)
		}
	}
	switch {
	case s == nil:
	case r.Replayed:
		s.counters.Replayed++
	default:
		s.counters.Buys[r.Code]++
	}
}

// keyOfName returns under which key a name was made, 0 for the name itself.
func keyOfName(name string) sequencer.PseudonymKeyID {
	const digits, letters = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(name) != 39 || name[:3] != "p1." || strings.Trim(name[3:11], digits) != "" || name[11] != '.' || strings.Trim(name[12:], letters) != "" {
		return 0
	}
	id, _ := strconv.ParseUint(name[3:11], 16, 32) // it is eight digits
	return sequencer.PseudonymKeyID(id)
}

// printable reports whether a reference is short printable ASCII.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < 32 || text[i] > 126 {
			return false
		}
	}
	return len(text) <= sequencer.ReferenceBytesMax
}

// knownKey answers a buy whose key has an order, and reports whether it did.
func (m *Model) knownKey(c *sequencer.Command, w wish, r *sequencer.Result) bool {
	if c.Key == (sequencer.KeyDigest{}) {
		return false
	}
	for _, o := range m.byUser[string(c.User)] {
		if o.key != c.Key {
			continue
		}
		if w != (wish{o.sale.number, o.requested, o.min, o.reference}) {
			r.Code = sequencer.CodeKeyReused
			return true
		}
		m.show(o, r)
		r.Seq, r.Replayed = o.seq, true
		return true
	}
	return false
}

// refusal returns why the user may not even stand in line, CodeOK when it may.
func (m *Model) refusal(user []byte, s *sale, w wish) sequencer.Code {
	switch {
	case s.closed || s.cancelled:
		return sequencer.CodeClosed
	case s.paused:
		return sequencer.CodePaused
	case m.now < s.spec.StartsAt:
		return sequencer.CodeNotStarted
	}
	mine := m.byUser[string(user)]
	tickets, made, ranOut := int(w.quantity), 0, 0
	for _, o := range mine {
		if o.sale != s {
			continue
		}
		made++
		if o.state.Live() {
			tickets += int(o.quantity)
		}
		if (o.state == sequencer.StateExpired || o.ranOut) && after(o.deadline, s.spec.CoolDown) > m.own() {
			ranOut++
		}
	}
	switch {
	case tickets > int(s.spec.Cap):
		return sequencer.CodeCapExceeded
	case made >= sequencer.OrdersPerUserMax:
		return sequencer.CodeOrderLimit
	case s.spec.ExpiredHoldsMax > 0 && ranOut >= int(s.spec.ExpiredHoldsMax):
		return sequencer.CodeCoolingDown
	}
	return sequencer.CodeOK
}

// place reserves, puts on the waitlist, or finds the sale sold out.
func (m *Model) place(c *sequencer.Command, s *sale, w wish, r *sequencer.Result) sequencer.Code {
	fits := len(s.waiting) == 0 && s.available() >= int64(w.min)
	if !fits && len(s.waiting) >= int(s.spec.Waitlist) {
		return m.tooFew(s, r)
	}
	o := &order{
		accounts: map[uint8]string{},
		seq:      m.seq, sale: s, user: string(c.User), key: c.Key, createdAt: m.now,
		quantity: w.quantity, requested: w.quantity, min: w.min, reference: w.reference,
	}
	m.orders = append(m.orders, o)
	m.byUser[o.user] = append(m.byUser[o.user], o)
	if fits {
		m.reserve(o)
	} else {
		s.waiting = append(s.waiting, o)
		m.enter(o, sequencer.StateWaitlisted)
		if s.spec.SkipUnfit {
			m.promote(s)
		}
	}
	m.show(o, r)
	return sequencer.CodeOK
}

// tooFew tells a buy that gets nothing what is left for one that takes less: what lies
// there while others wait is theirs.
func (m *Model) tooFew(s *sale, r *sequencer.Result) sequencer.Code {
	left := s.available()
	if left == 0 || len(s.waiting) > 0 {
		return sequencer.CodeSoldOut
	}
	r.Quantity = uint8(left)
	return sequencer.CodeNotEnough
}

// reserve takes as many of the wanted tickets as there are, with a fresh hold.
func (m *Model) reserve(o *order) {
	s := o.sale
	o.quantity = uint8(min(int64(o.quantity), s.available()))
	s.held += int64(o.quantity)
	o.deadline = after(m.own(), o.hold())
	m.enter(o, sequencer.StateReserved)
	m.timers.set(o)
}
