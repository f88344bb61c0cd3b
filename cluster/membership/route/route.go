// Package route has the private listener's routes of the cluster's administration: what
// an operator asks a node over HTTP becomes a step of its membership.Manager, and a step
// that is refused a problem that says why, whether this node refused it or the leader.
//
// What it trades off: it depends on both sides, the listener's package (api declares what
// a route is) and the manager's, so that neither depends on the other.
package route

import (
	"bytes"
	"context"
	"encoding/json"

	"onsale/api"
	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/cluster/membership"
)

// Manager makes the steps (membership.Manager).
type Manager interface {
	Status(ctx context.Context) membership.ClusterStatus
	Join(ctx context.Context, addresses []string, expect int, learner bool) error
	Change(ctx context.Context, r *membership.Request) error
}

// JoinRequest tells a node that waits where its cluster is.
type JoinRequest struct {
	Addresses []string `json:"addresses"` // of nodes' peers' ports
	Learner   bool     `json:"learner"`
}

// Steps returns the routes by pattern. Each answers with the cluster's status.
func Steps(m Manager) map[string]api.Step {
	steps := map[string]api.Step{
		"GET /v1/cluster": {
			Roles: auth.RoleOperator | auth.RoleSeller | auth.RoleAuditor,
			Do:    func(ctx context.Context, _ []byte) (any, error) { return m.Status(ctx), nil },
		},
		"POST /v1/cluster/join": step(m, func(ctx context.Context, r *JoinRequest) error {
			return m.Join(ctx, r.Addresses, 0, r.Learner)
		}),
	}
	for _, name := range [...]string{"promote", "demote", "remove", "transfer"} {
		steps["POST /v1/cluster/"+name] = step(m, func(ctx context.Context, r *membership.Request) error {
			r.Step = name
			return m.Change(ctx, r)
		})
	}
	return steps
}

// step is a route that changes something: its body is a Request.
func step[Request any](m Manager, do func(context.Context, *Request) error) api.Step {
	return api.Step{Roles: auth.RoleOperator, Do: func(ctx context.Context, body []byte) (any, error) {
		r := new(Request)
		if err := decode(body, r); err != nil {
			return nil, err
		}
		if err := do(ctx, r); err != nil {
			return nil, problemOf(err)
		}
		return m.Status(ctx), nil
	}}
}

func decode(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return contract.NewProblem(contract.BadRequest, "the body is not what this step needs: "+err.Error())
	}
	return nil
}

// problemOf says why a step was refused; what is not of administration is for the API's
// own table.
func problemOf(err error) error {
	if membership.IsRefusal(err) {
		return contract.NewProblem(contract.ClusterRefused, err.Error())
	}
	return err
}
