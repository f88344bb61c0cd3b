// Package route has the private listener's routes of the cluster's administration: what
// an operator asks a node over HTTP becomes a step of its membership.Manager, and a step
// that is refused a problem that says why, whether this node refused it or the leader.
//
// What it trades off: it depends on both sides, the listener's package (api declares what
// a route is) and the manager's, so that neither depends on the other.
package route

import (
	"context"
	"errors"

	"onsale/api"
	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/cluster/codes"
	"onsale/cluster/membership"
	"onsale/raftfsm"
)

// Manager makes the steps (membership.Manager).
type Manager interface {
	Status(ctx context.Context) membership.ClusterStatus
	Preflight(ctx context.Context) membership.Preflight
	JoinNow(ctx context.Context, addresses []string, learner bool) (done string, err error)
	Change(ctx context.Context, r *membership.Request) (done string, err error)
}

// JoinRequest tells a node that waits where its cluster is.
type JoinRequest struct {
	Addresses []string `json:"addresses"` // of nodes' peers' ports
	Learner   bool     `json:"learner"`
}

// MemberRequest is a step about a node.
type MemberRequest struct {
	Step  string `json:"step"` // ignored: the route says it
	ID    string `json:"id"`
	Force bool   `json:"force"`
}

// FinalizeRequest asks for a level of the cluster's formats.
type FinalizeRequest struct {
	Level uint16 `json:"level"` // 0: as high as all processes speak
}

// Changed is the answer of a step: what it did, and how the cluster is then.
type Changed struct {
	Done string `json:"done"` // in one line, for people
	membership.ClusterStatus
}

// Steps returns the routes by pattern. Each answers with the cluster's status.
func Steps(m Manager) map[string]api.Step {
	steps := map[string]api.Step{
		"GET /v1/cluster": {
			Roles: auth.RoleOperator | auth.RoleSeller | auth.RoleAuditor,
			Do:    func(ctx context.Context, _, _ []byte) (any, error) { return m.Status(ctx), nil },
		},
		"GET /v1/cluster/preflight": {
			Roles: auth.RoleOperator | auth.RoleSeller | auth.RoleAuditor,
			Do:    func(ctx context.Context, _, _ []byte) (any, error) { return m.Preflight(ctx), nil },
		},
		"POST /v1/cluster/join": step(m, func(ctx context.Context, _ []byte, r *JoinRequest) (string, error) {
			return m.JoinNow(ctx, r.Addresses, r.Learner)
		}),
		"POST /v1/cluster/finalize": step(m, func(ctx context.Context, actor []byte, r *FinalizeRequest) (string, error) {
			return m.Change(ctx, &membership.Request{Step: "finalize", Level: r.Level, Actor: string(actor)})
		}),
	}
	for _, name := range [...]string{"promote", "demote", "remove", "transfer"} {
		steps["POST /v1/cluster/"+name] = step(m, func(ctx context.Context, _ []byte, r *MemberRequest) (string, error) {
			return m.Change(ctx, &membership.Request{Step: name, ID: r.ID, Force: r.Force})
		})
	}
	return steps
}

// step is a route that changes something: its body is a Request.
func step[Request any](m Manager, do func(ctx context.Context, actor []byte, r *Request) (string, error)) api.Step {
	return api.Step{Roles: auth.RoleOperator, Do: func(ctx context.Context, actor, body []byte) (any, error) {
		r := new(Request)
		if err := strict.DecodeJSON(body, r); err != nil {
			return nil, err
		}
		done, err := do(ctx, actor, r)
		if err != nil {
			return nil, problemOf(err)
		}
		return Changed{done, m.Status(ctx)}, nil
	}}
}

// problemOf says why a step was refused; what is not of administration is for the API's
// own table.
func problemOf(err error) error {
	switch {
	case errors.Is(err, codes.ErrRequest):
		return contract.NewProblem(contract.BadRequest, err.Error())
	case errors.Is(err, raftfsm.ErrNotMember):
		return contract.NewProblem(contract.NotFound, err.Error())
	case membership.IsRefusal(err):
		return contract.NewProblem(contract.ClusterRefused, err.Error())
	}
	return err
}
