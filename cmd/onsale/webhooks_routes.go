package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"onsale/api"
	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/webhook"
)

// webhookSteps are the routes of the private listener of `onsale webhooks`.
func webhookSteps(e *webhook.Engine) map[string]api.Step {
	return map[string]api.Step{
		"GET /v1/webhooks": {Roles: auth.RoleOperator | auth.RoleSeller | auth.RoleAuditor,
			Do: func(context.Context, []byte, []byte) (any, error) {
				return contract.WebhookList{Webhooks: e.Statuses()}, nil
			}},
		"POST /v1/webhooks/test": webhookStep(func(ctx context.Context, s *contract.WebhookStep) (any, error) {
			return e.Test(ctx, s.Endpoint)
		}),
		"POST /v1/webhooks/enable": webhookStep(func(ctx context.Context, s *contract.WebhookStep) (any, error) {
			return s, e.Enable(ctx, s.Endpoint)
		}),
		"POST /v1/webhooks/replay": webhookStep(func(ctx context.Context, s *contract.WebhookReplay) (any, error) {
			return s, e.Replay(ctx, s.Endpoint, s.From)
		}),
		"POST /v1/webhooks/retry": webhookStep(func(ctx context.Context, s *contract.WebhookRetry) (any, error) {
			if len(s.Numbers) > contract.WebhookRetriesMax {
				return nil, contract.BadParameter("numbers", "more than 100 are taken back at once")
			}
			count, err := e.Retry(ctx, s.Endpoint, s.Numbers)
			return contract.WebhookRetried{Count: count}, err
		}),
	}
}

// webhookStep is a route that changes something.
func webhookStep[Request any](do func(ctx context.Context, r *Request) (any, error)) api.Step {
	return api.Step{Roles: auth.RoleOperator, Do: func(ctx context.Context, _, body []byte) (any, error) {
		r := new(Request)
		if err := strict.DecodeJSON(body, r); err != nil {
			return nil, err
		}
		answer, err := do(ctx, r)
		return answer, webhookProblem(err)
	}}
}

// webhookLetters are the routes with a part of the path to read.
func webhookLetters(e *webhook.Engine) map[string]func(http.ResponseWriter, *http.Request) error {
	return map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /v1/webhooks/{endpoint}/dead": func(w http.ResponseWriter, req *http.Request) error {
			letters, err := e.Dead(req.PathValue("endpoint"))
			if err != nil {
				return webhookProblem(err)
			}
			text, err := json.Marshal(contract.WebhookLetters{Letters: letters})
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", contract.DecisionMediaType)
			_, _ = w.Write(text) // who asked is gone
			return nil
		},
	}
}

// webhookProblem says what is wrong with what was asked.
func webhookProblem(err error) error {
	switch {
	case errors.Is(err, webhook.ErrUnknown), errors.Is(err, webhook.ErrNotDead):
		return contract.NewProblem(contract.NotFound, err.Error())
	case errors.Is(err, webhook.ErrFull):
		return contract.NewProblem(contract.Overloaded, err.Error())
	case errors.Is(err, webhook.ErrStopping):
		return contract.NewProblem(contract.Stopping, err.Error())
	}
	return err
}
