package webhook

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"onsale/api/contract"
)

// Endpoint is [endpoints.NAME] of the configuration file.
type Endpoint struct {
	URL string `json:"url"`
	// SecretFile has the secrets, a line each, newest first; all sign. It is read again when it
	// changes.
	SecretFile string `json:"secret_file"`
	// Types and Sales are what is sent; everything without. A type may end with .*.
	Types []string `json:"types,omitempty"`
	Sales []string `json:"sales,omitempty"`
	// From is where a new endpoint begins: newest, or oldest for all that the feed has.
	From string `json:"from,omitempty"`
	// Timeout bounds an attempt, from the name's look-up to the answer. Too short a one makes
	// repeats of what was done; a long one lets a hung receiver hold up its orders.
	Timeout contract.Duration `json:"timeout,omitempty"`
	// DisableAfter is for how long nothing may be taken before the endpoint is stopped.
	DisableAfter contract.Duration `json:"disable_after,omitempty"`
	// Concurrency is how many events may be under way at once. More is faster, as far as the
	// receiver can take it.
	Concurrency int `json:"concurrency,omitempty"`
	// AllowPrivate lets the URL lead to addresses of this machine and its networks.
	AllowPrivate bool `json:"allow_private,omitempty"`
	// AllowHTTP lets events go unencrypted. They are signed, and everybody on the way reads them.
	AllowHTTP bool `json:"allow_http,omitempty"`
}

// Defaults and bounds of an endpoint.
const (
	TimeoutDefault      = 10 * time.Second
	TimeoutMax          = time.Minute
	DisableAfterDefault = GiveUpAfter
	DisableAfterMin     = time.Minute
	ConcurrencyDefault  = 64
	ConcurrencyMax      = 512
	// EndpointsMax bounds the endpoints: each follows the feed by itself and has metrics.
	EndpointsMax = 32
	// PatternsMax bounds the types, and the sales, of one.
	PatternsMax = 32
)

// Where a new endpoint may begin.
const (
	fromNewest = "newest"
	fromOldest = "oldest"
)

// ErrEndpoint is returned for an endpoint that the configuration does not describe well.
var ErrEndpoint = errors.New("the endpoint does not do")

var (
	endpointName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
	typePattern  = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?$`)
	salePattern  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// withDefaults returns the endpoint with what was left out.
func (e Endpoint) withDefaults() Endpoint {
	if e.Timeout == 0 {
		e.Timeout = contract.Duration(TimeoutDefault)
	}
	if e.DisableAfter == 0 {
		e.DisableAfter = contract.Duration(DisableAfterDefault)
	}
	if e.Concurrency == 0 {
		e.Concurrency = ConcurrencyDefault
	}
	if e.From == "" {
		e.From = fromNewest
	}
	return e
}

// Check returns all that is wrong with the endpoints, each with its name.
func Check(endpoints map[string]Endpoint) error {
	var wrong error
	if len(endpoints) > EndpointsMax {
		wrong = fmt.Errorf("%w: there are %d, %d are the most", ErrEndpoint, len(endpoints), EndpointsMax)
	}
	for name, e := range endpoints {
		for _, problem := range e.withDefaults().problems(name) {
			wrong = errors.Join(wrong, fmt.Errorf("[endpoints.%s]: %w: %s", name, ErrEndpoint, problem))
		}
	}
	return wrong
}

func (e Endpoint) problems(name string) (wrong []string) {
	say := func(is bool, format string, arguments ...any) {
		if is {
			wrong = append(wrong, fmt.Sprintf(format, arguments...))
		}
	}
	say(!endpointName.MatchString(name), "a name is 1 to 32 of a-z, 0-9, - and _")
	say(e.SecretFile == "", "secret_file is missing (onsale secret FILE makes one)")
	say(time.Duration(e.Timeout) < 0 || time.Duration(e.Timeout) > TimeoutMax, "timeout is %v, it is up to %v", e.Timeout, TimeoutMax)
	say(time.Duration(e.DisableAfter) < DisableAfterMin, "disable_after is %v, it is %v at least", e.DisableAfter, DisableAfterMin)
	say(e.Concurrency < 0 || e.Concurrency > ConcurrencyMax, "concurrency is %d, it is 1 to %d", e.Concurrency, ConcurrencyMax)
	say(e.From != fromNewest && e.From != fromOldest, "from is %q, it is %s or %s", e.From, fromNewest, fromOldest)
	say(len(e.Types) > PatternsMax || len(e.Sales) > PatternsMax, "types and sales have %d entries each at most", PatternsMax)
	say(slices.ContainsFunc(e.Types, func(t string) bool { return !typePattern.MatchString(t) }), "types are such as order.paid or order.*")
	say(slices.ContainsFunc(e.Sales, func(s string) bool { return !salePattern.MatchString(s) }), "sales are ids of sales")
	return append(wrong, e.urlProblems()...)
}

// urlProblems says what is wrong with the URL without repeating it: its path may be a secret.
func (e Endpoint) urlProblems() []string {
	target, err := url.Parse(e.URL)
	switch {
	case err != nil || target.Host == "":
		return []string{"url is no URL"}
	case target.Scheme == "http" && !e.AllowHTTP:
		return []string{"url is not https; allow_http allows it"}
	case target.Scheme != "https" && target.Scheme != "http":
		return []string{"url is neither https nor http"}
	case target.User != nil || target.Fragment != "":
		return []string{"url has a user or a fragment: the secret says who sends"}
	}
	return nil
}

// filter is which events the endpoint is sent.
func (e Endpoint) filter() Filter { return Filter{Types: e.Types, Sales: e.Sales} }

// origin is where the endpoint is, without the path and query that may be secret.
func (e Endpoint) origin() string {
	target, err := url.Parse(e.URL)
	if err != nil {
		return ""
	}
	return target.Scheme + "://" + target.Host
}
