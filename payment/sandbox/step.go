package sandbox

import "onsale/payment"

// Step is a place in a sandbox at which a crash is tested: StepCalled, or the phase to
// which a charge came that is on disk and not answered yet.
type Step string

// StepCalled is passed when a call over HTTP has come and nothing of it is done.
const StepCalled Step = "called"

// Steps returns all steps.
func Steps() []Step {
	steps := []Step{StepCalled}
	for _, phase := range []payment.Phase{payment.Processing, payment.RequiresAction, payment.Authorised, payment.Captured, payment.Declined, payment.Cancelled, payment.Refunded} {
		steps = append(steps, Step(phase))
	}
	return steps
}
