package route

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/cluster/codes"
	"onsale/cluster/membership"
	"onsale/raftfsm"
	"onsale/sequencer"
)

// fake is a manager that notes what it is told and answers as it is told.
type fake struct {
	err  error
	told []string
}

func (f *fake) Status(context.Context) membership.ClusterStatus {
	return membership.ClusterStatus{LeaderID: "n1"}
}

func (f *fake) Preflight(context.Context) membership.Preflight {
	return membership.Preflight{ClusterStatus: f.Status(context.Background())}
}

func (f *fake) JoinNow(_ context.Context, addresses []string, learner bool) (string, error) {
	f.told = append(f.told, fmt.Sprint("join ", addresses, learner))
	return "it was done", f.err
}

func (f *fake) Change(_ context.Context, r *membership.Request) (string, error) {
	told := fmt.Sprint(r.Step, " ", r.ID, r.Force)
	if r.Step == "finalize" {
		told += fmt.Sprintf(" %d by %s", r.Level, r.Actor)
	}
	f.told = append(f.told, told)
	return "it was done", f.err
}

// Each route makes its step, whatever the body calls it, and answers with the status; who
// may ask is said beside it.
func TestRoutes(t *testing.T) {
	operator := auth.RoleOperator
	for _, test := range []struct {
		pattern, body string
		roles         auth.Roles
		told          []string
	}{
		{"GET /v1/cluster", "", operator | auth.RoleSeller | auth.RoleAuditor, nil},
		{"GET /v1/cluster/preflight", "", operator | auth.RoleSeller | auth.RoleAuditor, nil},
		{"POST /v1/cluster/join", `{"addresses":["a:1","b:2"],"learner":true}`, operator, []string{"join [a:1 b:2] true"}},
		{"POST /v1/cluster/promote", `{"id":"n4"}`, operator, []string{"promote n4false"}},
		{"POST /v1/cluster/demote", `{"id":"n4","force":true}`, operator, []string{"demote n4true"}},
		{"POST /v1/cluster/remove", `{"step":"promote","id":"n4"}`, operator, []string{"remove n4false"}},
		{"POST /v1/cluster/transfer", `{}`, operator, []string{"transfer false"}},
		{"POST /v1/cluster/finalize", `{"level":2}`, operator, []string{"finalize false 2 by otto"}},
	} {
		var m fake
		steps := Steps(&m)
		step, known := steps[test.pattern]
		if !known || len(steps) != 8 {
			t.Fatalf("%s: known %t, of %d", test.pattern, known, len(steps))
		}
		answer, err := step.Do(t.Context(), []byte("otto"), []byte(test.body))
		status, is := answer.(membership.ClusterStatus)
		if asked, isPreflight := answer.(membership.Preflight); isPreflight {
			status, is = asked.ClusterStatus, true
		}
		if changed, isStep := answer.(Changed); isStep {
			status, is = changed.ClusterStatus, changed.Done == "it was done"
		}
		if err != nil || !is || status.LeaderID != "n1" {
			t.Errorf("%s: %v, %v", test.pattern, answer, err)
		}
		if step.Roles != test.roles || !slices.Equal(m.told, test.told) {
			t.Errorf("%s: roles %v, told %q", test.pattern, step.Roles, m.told)
		}
	}
}

// A malformed body makes no step.
func TestMalformedBodies(t *testing.T) {
	for pattern, body := range map[string]string{"POST /v1/cluster/join": `{"adresses":[]}`, "POST /v1/cluster/finalize": `{"level":-1}`, "POST /v1/cluster/remove": `[`, "POST /v1/cluster/promote": ""} {
		var m fake
		_, err := Steps(&m)[pattern].Do(t.Context(), nil, []byte(body))
		if !errors.Is(err, contract.ErrBadRequest) || len(m.told) != 0 {
			t.Errorf("%s with %s: %v, told %q", pattern, body, err, m.told)
		}
	}
}

// A refusal is told as one with its text, the leader's as well as this node's; everything
// else is left to the table of the API.
func TestRefusals(t *testing.T) {
	there := func(err error) error {
		body, code := codes.Append(nil, err)
		said, malformed := codes.Decode(code, body)
		if malformed != nil {
			t.Fatal(malformed)
		}
		return said
	}
	for refusal, want := range map[error]error{codes.ErrRequest: contract.ErrBadRequest, raftfsm.ErrNotMember: contract.ErrNotFound,
		codes.ErrQuorumAtRisk: contract.ErrClusterRefused, codes.ErrRefused: contract.ErrClusterRefused, codes.ErrStep: contract.ErrClusterRefused,
		raftfsm.ErrMembershipMoved: contract.ErrClusterRefused, raftfsm.ErrBelongs: contract.ErrClusterRefused,
		raftfsm.ErrTransfer: contract.ErrClusterRefused, raftfsm.ErrImpossible: contract.ErrClusterRefused} {
		here := fmt.Errorf("%w: of n3", refusal)
		for name, err := range map[string]error{"here": here, "there": there(here)} {
			_, got := Steps(&fake{err: err})["POST /v1/cluster/remove"].Do(t.Context(), nil, []byte(`{"id":"n3"}`))
			if !errors.Is(got, want) || !strings.Contains(got.Error(), here.Error()) {
				t.Errorf("%v %s: %v", refusal, name, got)
			}
		}
	}
	for _, other := range []error{sequencer.ErrNoLeader, codes.ErrRejected, errors.New("odd")} {
		_, got := Steps(&fake{err: other})["POST /v1/cluster/remove"].Do(t.Context(), nil, []byte(`{"id":"n3"}`))
		if !errors.Is(got, other) || errors.Is(got, contract.ErrClusterRefused) {
			t.Errorf("%v: %v", other, got)
		}
	}
}
