package payment

// Step is a place in the protocol at which a crash is tested.
type Step string

// The steps of the leader's desk, in the order in which a payment passes them.
const (
	StepBegun      Step = "begun"      // pay_begin is committed
	StepCalled     Step = "called"     // pay_called is committed; of attempts alone that stood in the line
	StepAuthorised Step = "authorised" // the provider has answered the authorisation
	StepDecided    Step = "decided"    // pay_result is committed; the buyer has no answer yet
	StepCaptured   Step = "captured"   // the provider has captured; pay_captured is not committed
	StepNoted      Step = "noted"      // pay_captured is committed
	StepFound      Step = "found"      // a settler has asked how an attempt stands
	StepCancelled  Step = "cancelled"  // a settler has cancelled an attempt, or money that came for nothing
	StepVoided     Step = "voided"     // that is committed
)

// Steps returns the steps of the leader's desk that every payment passes.
func Steps() []Step {
	return []Step{StepBegun, StepAuthorised, StepDecided, StepCaptured, StepNoted, StepFound, StepCancelled, StepVoided}
}
