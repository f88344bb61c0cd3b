package strict

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"onsale/api/contract"
	"onsale/sequencer"
)

// Parameter is a bit for each query parameter of the buyers' routes.
type Parameter uint16

// The parameters that some route has.
const (
	Quantity Parameter = 1 << iota
	Min
	Sale
	Limit
	Cursor
	Pretty
	AfterSeq
	Wait
	Reference
	// Of a seller's search for orders.
	State
	User
	Behind // after: what the previous page said
	Tickets
	Types // of the feed
	// Many lets a limit be up to contract.FeedEventsMax.
	Many
)

// Query holds the parameters of a request. The slices refer to the request.
type Query struct {
	Quantity uint8 // q
	Min      uint8
	Limit    int
	Pretty   bool
	AfterSeq uint64             // the read shows at least this decision
	After    sequencer.Position // or this batch; after_seq takes both
	Wait     int                // seconds to wait for a change
	Sale     []byte
	Cursor   []byte               // after too, where a list has that
	State    sequencer.OrderState // StateNone for any
	User     []byte               // percent-decoded
	Tickets  []uint32             // of a refund, ascending; nil for none
	Types    []string             // patterns, as they were given
	present  Parameter

	referenceBytes uint8
	reference      [sequencer.ReferenceBytesMax]byte // percent-decoded
}

// Reference returns what the buyer's side calls the purchase, decoded; empty for none. It
// is part of the query.
func (q *Query) Reference() []byte { return q.reference[:q.referenceBytes] }

// The bounds of a list and of a long poll.
const (
	WaitSecondsMax = 60  // of ?wait=
	LimitMax       = 100 // entries of a page
	LimitDefault   = 20  // what no limit means
)

// Read parses a raw query. A parameter that is not in allowed, comes twice or
// has a bad value is an error that names it: a misspelt "mn=1" must not
// silently buy something else.
func (q *Query) Read(raw []byte, allowed Parameter) *contract.Problem {
	*q = Query{Limit: LimitDefault}
	for len(raw) > 0 {
		pair := raw
		if end := bytes.IndexByte(raw, '&'); end >= 0 {
			pair, raw = raw[:end], raw[end+1:]
			if len(raw) == 0 {
				return contract.NewProblem(contract.BadRequest, "the query has an empty parameter")
			}
		} else {
			raw = nil
		}
		if problem := q.pair(pair, allowed); problem != nil {
			return problem
		}
	}
	return nil
}

// Has reports whether a parameter was given.
func (q *Query) Has(which Parameter) bool { return q.present&which != 0 }

func (q *Query) pair(pair []byte, allowed Parameter) *contract.Problem {
	name, value := pair, []byte(nil)
	if equals := bytes.IndexByte(pair, '='); equals >= 0 {
		name, value = pair[:equals], pair[equals+1:]
	}
	which := parameterNamed(name)
	if which&allowed == 0 {
		return contract.BadParameter(printable(name), fmt.Sprintf("unknown parameter %q", printable(name)))
	}
	if q.present&which != 0 {
		return contract.BadParameter(string(name), fmt.Sprintf("the parameter %s came more than once", name))
	}
	q.present |= which
	if which == Limit && allowed&Many != 0 {
		return q.setMany(value)
	}
	return q.set(which, value)
}

func parameterNamed(name []byte) Parameter {
	switch string(name) {
	case "q":
		return Quantity
	case "min":
		return Min
	case "sale":
		return Sale
	case "limit":
		return Limit
	case "cursor":
		return Cursor
	case "pretty":
		return Pretty
	case "after_seq":
		return AfterSeq
	case "wait":
		return Wait
	case "reference":
		return Reference
	case "state":
		return State
	case "user":
		return User
	case "after":
		return Behind
	case "tickets":
		return Tickets
	case "types":
		return Types
	}
	return 0
}

// setAfter reads a seq, or an as_of, which has a hyphen.
func (q *Query) setAfter(value []byte) *contract.Problem {
	if bytes.IndexByte(value, '-') >= 0 && len(value) <= positionBytesMax {
		at, err := sequencer.ParsePosition(string(value))
		if err != nil {
			return contract.BadParameter("after_seq", "after_seq must be the seq or the as_of of an answer")
		}
		q.After = at
		return nil
	}
	seq, err := strconv.ParseUint(string(value), 10, sequencer.ClusterShift)
	if err != nil || value[0] == '0' && len(value) > 1 || value[0] == '+' {
		return contract.BadParameter("after_seq", "after_seq must be the seq or the as_of of an answer")
	}
	q.AfterSeq = seq
	return nil
}

// positionBytesMax is the length of the longest as_of.
const positionBytesMax = 16 + 1 + 20

func (q *Query) set(which Parameter, value []byte) *contract.Problem {
	switch which {
	case Quantity:
		return number(&q.Quantity, value, "q")
	case Min:
		return number(&q.Min, value, "min")
	case Sale:
		if len(value) == 0 || len(value) > sequencer.SaleIDBytesMax || !allPlain(value) {
			return contract.BadParameter("sale", "sale must be the id of a sale: 1 to 64 of a-z 0-9 - _ .")
		}
		q.Sale = value
	case Limit:
		var limit uint8
		if number(&limit, value, "limit") != nil || limit > LimitMax {
			return contract.BadParameter("limit", fmt.Sprintf("limit must be a number from 1 to %d", LimitMax))
		}
		q.Limit = int(limit)
	case State:
		if q.State = sequencer.OrderStateNamed(string(value)); q.State == sequencer.StateNone {
			return contract.BadParameter("state", "state must be waitlisted, reserved, paying, paid, expired, cancelled or refunded")
		}
	case User:
		var ok bool
		if q.User, ok = decode(make([]byte, 0, sequencer.UserBytesMax), value); !ok || !utf8.Valid(q.User) {
			return contract.BadParameter("user", fmt.Sprintf("user must be 1 to %d bytes of UTF-8, percent-encoded where a query needs it, a plus sign too", sequencer.UserBytesMax))
		}
	case Behind:
		if len(value) == 0 || len(value) > sequencer.SaleIDBytesMax || !allPlain(value) {
			return contract.BadParameter("after", "after must be the cursor of the previous page")
		}
		q.Cursor = value
	case Types:
		text, ok := decode(make([]byte, 0, typesBytesMax), value)
		if !ok {
			return contract.BadParameter("types", fmt.Sprintf("types must be 1 to %d bytes, percent-encoded where a query needs it", typesBytesMax))
		}
		q.Types = strings.Split(string(text), ",")
	case Tickets:
		if !q.setTickets(value) {
			return contract.BadParameter("tickets", fmt.Sprintf("tickets must be 1 to %d numbers of tickets, ascending, with a comma between two", sequencer.CapMax))
		}
	case Cursor:
		if len(value) == 0 || len(value) > sequencer.SaleIDBytesMax || !allPlain(value) {
			return contract.BadParameter("cursor", "cursor must be what the previous page said")
		}
		q.Cursor = value
	case Reference:
		if !q.setReference(value) {
			return contract.BadParameter("reference", fmt.Sprintf("reference must be 1 to %d printable ASCII characters, percent-encoded where a query needs it, a plus sign too",
				sequencer.ReferenceBytesMax))
		}
	case AfterSeq:
		return q.setAfter(value)
	case Wait:
		d, err := time.ParseDuration(string(value))
		if err != nil || d < time.Second || d > WaitSecondsMax*time.Second || d%time.Second != 0 {
			return contract.BadParameter("wait", fmt.Sprintf("wait must be 1s to %ds", WaitSecondsMax))
		}
		q.Wait = int(d / time.Second)
	case Pretty:
		switch string(value) {
		case "", "1", "true":
			q.Pretty = true
		case "0", "false":
		default:
			return contract.BadParameter("pretty", "pretty must be true or false")
		}
	}
	return nil
}

// typesBytesMax bounds the patterns of types.
const typesBytesMax = contract.FeedTypesMax * 48

// setMany reads the limit of the feed.
func (q *Query) setMany(value []byte) *contract.Problem {
	limit, err := strconv.ParseUint(string(value), 10, 16)
	if err != nil || limit < 1 || limit > contract.FeedEventsMax || value[0] == '0' || value[0] == '+' {
		return contract.BadParameter("limit", fmt.Sprintf("limit must be a number from 1 to %d", contract.FeedEventsMax))
	}
	q.Limit = int(limit)
	return nil
}

// setReference decodes a reference: printable ASCII.
func (q *Query) setReference(value []byte) bool {
	text, ok := decode(q.reference[:0], value)
	for _, c := range text {
		ok = ok && c >= ' ' && c <= '~'
	}
	if ok {
		q.referenceBytes = uint8(len(text))
	}
	return ok
}

// setTickets reads numbers of tickets: in decimal digits, no leading zero.
func (q *Query) setTickets(value []byte) bool {
	value, ok := decode(make([]byte, 0, sequencer.CapMax*len("4294967295,")), value)
	for text := range bytes.SplitSeq(value, []byte{','}) {
		ticket, err := strconv.ParseUint(string(text), 10, 32)
		last := uint32(0)
		if n := len(q.Tickets); n > 0 {
			last = q.Tickets[n-1]
		}
		if !ok || err != nil || text[0] == '0' || uint32(ticket) <= last || len(q.Tickets) == sequencer.CapMax {
			return false
		}
		q.Tickets = append(q.Tickets, uint32(ticket))
	}
	return true
}

// decode appends a text that is percent-encoded to dst, as long as that has room; false for one
// that is empty or too long. A bare plus sign is refused, because forms mean a space by it and
// RFC 3986 does not, and a bare semicolon, which some take for a separator.
func decode(dst, value []byte) ([]byte, bool) {
	for len(value) > 0 {
		c := value[0]
		switch {
		case c == '+' || c == ';' || len(dst) == cap(dst):
			return dst, false
		case c != '%':
			value = value[1:]
		case len(value) < 3 || hexDigit(value[1]) < 0 || hexDigit(value[2]) < 0:
			return dst, false
		default:
			c = byte(hexDigit(value[1])<<4 | hexDigit(value[2]))
			value = value[3:]
		}
		dst = append(dst, c)
	}
	return dst, len(dst) > 0
}

// hexDigit returns the value of a hexadecimal digit, -1 for any other byte.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// number parses 1 to 255 in decimal digits and nothing else, no leading zero.
func number(n *uint8, value []byte, name string) *contract.Problem {
	sum := 0
	for i, c := range value {
		if c < '0' || c > '9' || i > 2 || value[0] == '0' {
			sum = 0
			break
		}
		sum = sum*10 + int(c-'0')
	}
	if sum < 1 || sum > 255 {
		return contract.BadParameter(name, name+" must be a number from 1 to 255")
	}
	*n = uint8(sum)
	return nil
}

func allPlain(value []byte) bool {
	for _, c := range value {
		if !IsPlain(c) {
			return false
		}
	}
	return true
}

// printable returns the beginning of a name for a message, without what could
// upset a terminal.
func printable(name []byte) string {
	name = bytes.ToValidUTF8(name[:min(len(name), 32)], []byte{'?'})
	return string(bytes.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f {
			return '?'
		}
		return c
	}, name))
}
