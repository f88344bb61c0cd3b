package contract

import (
	"errors"
	"time"
)

// ProblemMediaType is the Content-Type of a problem.
const ProblemMediaType = "application/problem+json"

// DecisionMediaType is the Content-Type of everything else.
const DecisionMediaType = "application/json"

// problemTypePrefix makes a URI of a code. It is a name, not an address.
const problemTypePrefix = "urn:onsale:problem:"

// Problem is a protocol error as RFC 9457 spells it. It is an error: errors.Is
// finds the table's error for its code.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Code      string  `json:"code"`
	Detail    string  `json:"detail,omitempty"`
	Instance  string  `json:"instance,omitempty"`  // path#request-id: this one occurrence
	Parameter string  `json:"parameter,omitempty"` // the query parameter, header or field that is wrong
	State     string  `json:"state,omitempty"`     // the order's, with not-cancellable and not-paid
	Seq       uint64  `json:"seq,omitempty"`       // of a request that was decided to be wrong
	AsOfSeq   *uint64 `json:"as_of_seq,omitempty"` // what this replica has seen, with unknown-order
	AsOf      string  `json:"as_of,omitempty"`     // likewise, and with history-cut
	// Oldest is the cursor from which on this node has the feed, with feed-gone.
	Oldest string `json:"oldest,omitempty"`
	// Sales are the ids to choose from, with sale-required; the first
	// ProblemSalesMax of them.
	Sales []string `json:"sales,omitempty"`

	// RetryAfter is the header's value; 0 when there is none.
	RetryAfter time.Duration `json:"-"`
	// Allow is the header's value with method-not-allowed.
	Allow string `json:"-"`
}

// ProblemSalesMax bounds Problem.Sales.
const ProblemSalesMax = 20

// NewProblem returns a problem of a kind. The detail says what exactly is wrong
// and what to do about it.
func NewProblem(kind Kind, detail string) *Problem {
	entry := kind.Entry()
	return &Problem{
		Type: problemTypePrefix + entry.Code, Title: entry.Title, Status: entry.Status, Code: entry.Code, Detail: detail,
	}
}

// BadParameter returns a bad-request problem that names what is wrong.
func BadParameter(parameter, detail string) *Problem {
	problem := NewProblem(BadRequest, detail)
	problem.Parameter = parameter
	return problem
}

// ProblemOf returns the problem that an error is answered with. An error that
// is not in the table is answered without its text: it may hold what is not
// the caller's to know.
func ProblemOf(err error) *Problem {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem
	}
	kind := KindOf(err)
	switch kind {
	case Internal:
		return NewProblem(kind, "")
	case OutcomeUnknown:
		return NewProblem(kind, "the request may or may not have been decided; send it again with the same Idempotency-Key, which makes at most one order")
	}
	return NewProblem(kind, err.Error())
}

// Kind returns the problem's kind; Internal for a code that is not in the table.
func (p *Problem) Kind() Kind {
	kind, _ := kindOfCode(p.Code)
	return kind
}

// Error returns what is wrong, the title when there is no detail.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title + " (" + p.Code + ")"
	}
	return p.Detail + " (" + p.Code + ")"
}

// Unwrap returns the table's error for the problem's code.
func (p *Problem) Unwrap() error {
	kind, known := kindOfCode(p.Code)
	if !known {
		return nil
	}
	return kind.Entry().Err
}
