package api

import (
	"onsale/api/challenge"
	"onsale/api/contract"
)

// passGate refuses a buy that does not show what the gate asks for.
func (p *Public) passGate(r *request) error {
	if p.config.Gate == nil {
		return nil
	}
	if err := p.config.Gate.Check(asString(r.who.User), r.header.challenge, r.started); err != nil {
		return contract.NewProblem(contract.ChallengeRequired, err.Error())
	}
	return nil
}

// challenge answers GET /v1/challenge: what this buyer has to solve.
func (p *Public) challenge(r *request) error {
	if err := p.buyer(r, parameterPretty); err != nil {
		return err
	}
	issuer, asks := p.config.Gate.(challenge.Issuer)
	if !asks {
		return contract.NewProblem(contract.NotFound, "no challenge is asked for here")
	}
	c := issuer.Issue(string(r.who.User), r.started)
	r.sendJSON(200, contract.DecisionMediaType, &contract.Challenge{Challenge: c.Text, DifficultyBits: c.DifficultyBits, ExpiresAt: c.Expires})
	return nil
}
