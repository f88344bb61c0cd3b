package api

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// parameter is a bit for each query parameter of the buyers' routes.
type parameter uint16

const (
	parameterQuantity parameter = 1 << iota
	parameterMin
	parameterSale
	parameterLimit
	parameterCursor
	parameterPretty
	parameterAfterSeq
	parameterWait
)

// query holds the parameters of a request. The slices refer to the request.
type query struct {
	quantity uint8 // q
	min      uint8
	limit    int
	pretty   bool
	afterSeq uint64 // the read shows at least this decision
	wait     int    // seconds to wait for a change
	sale     []byte
	cursor   []byte
	present  parameter
}

// limitMax bounds the entries of a page, limitDefault is what no limit means.
const (
	limitMax     = 100
	limitDefault = 20
)

// read parses a raw query. A parameter that is not in allowed, comes twice or
// has a bad value is an error that names it: a misspelt "mn=1" must not
// silently buy something else.
func (q *query) read(raw []byte, allowed parameter) *contract.Problem {
	*q = query{limit: limitDefault}
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

func (q *query) pair(pair []byte, allowed parameter) *contract.Problem {
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
	return q.set(which, value)
}

func parameterNamed(name []byte) parameter {
	switch string(name) {
	case "q":
		return parameterQuantity
	case "min":
		return parameterMin
	case "sale":
		return parameterSale
	case "limit":
		return parameterLimit
	case "cursor":
		return parameterCursor
	case "pretty":
		return parameterPretty
	case "after_seq":
		return parameterAfterSeq
	case "wait":
		return parameterWait
	}
	return 0
}

func (q *query) set(which parameter, value []byte) *contract.Problem {
	switch which {
	case parameterQuantity:
		return number(&q.quantity, value, "q")
	case parameterMin:
		return number(&q.min, value, "min")
	case parameterSale:
		if len(value) == 0 || len(value) > sequencer.SaleIDBytesMax || !allPlain(value) {
			return contract.BadParameter("sale", "sale must be the id of a sale: 1 to 64 of a-z 0-9 - _ .")
		}
		q.sale = value
	case parameterLimit:
		var limit uint8
		if number(&limit, value, "limit") != nil || limit > limitMax {
			return contract.BadParameter("limit", fmt.Sprintf("limit must be a number from 1 to %d", limitMax))
		}
		q.limit = int(limit)
	case parameterCursor:
		if len(value) == 0 || len(value) > sequencer.SaleIDBytesMax || !allPlain(value) {
			return contract.BadParameter("cursor", "cursor must be what the previous page said")
		}
		q.cursor = value
	case parameterAfterSeq:
		seq, err := strconv.ParseUint(string(value), 10, clusterShift)
		if err != nil || value[0] == '0' && len(value) > 1 || value[0] == '+' {
			return contract.BadParameter("after_seq", "after_seq must be the seq of an answer")
		}
		q.afterSeq = seq
	case parameterWait:
		d, err := time.ParseDuration(string(value))
		if err != nil || d < time.Second || d > waitSecondsMax*time.Second || d%time.Second != 0 {
			return contract.BadParameter("wait", fmt.Sprintf("wait must be 1s to %ds", waitSecondsMax))
		}
		q.wait = int(d / time.Second)
	case parameterPretty:
		switch string(value) {
		case "", "1", "true":
			q.pretty = true
		case "0", "false":
		default:
			return contract.BadParameter("pretty", "pretty must be true or false")
		}
	}
	return nil
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
		if !isPlain(c) {
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
