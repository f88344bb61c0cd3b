package fake

import "strings"

// Authenticate is what a buyer does on the bank's page, or in Stripe's library, with the client
// secret: completes the authentication, or refuses it. False when the intent waits for nobody.
func (f *Fake) Authenticate(secret string, completes bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.bySecret(secret)
	if i == nil || i.Status != "requires_action" {
		return false
	}
	codes := challenges[i.method]
	switch {
	case !completes:
		codes = [2]string{"payment_intent_authentication_failure", ""}
		fallthrough
	case codes[0] != "":
		i.Status, i.nextAction = "requires_payment_method", nil
		f.decline(i, codes)
	default:
		f.reserve(i)
	}
	return true
}

// ConfirmByBuyer is what a buyer who has the client secret can do without the shop: try the
// intent with another card. False when Stripe refuses it.
func (f *Fake) ConfirmByBuyer(secret string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.bySecret(secret)
	if i == nil || i.Status != "requires_payment_method" && i.Status != "requires_action" {
		return false
	}
	f.reserve(i)
	return true
}

// ReturnURL returns where the bank sends the buyer of an intent back to; "" when it is not told.
func (f *Fake) ReturnURL(secret string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.bySecret(secret)
	if i == nil {
		return ""
	}
	redirect, _ := i.nextAction["redirect_to_url"].(map[string]any)
	back, _ := redirect["return_url"].(string)
	return back
}

// bySecret returns the intent of a client secret, nil for none. The caller holds the lock.
func (f *Fake) bySecret(secret string) *intent {
	id, marked := strings.CutSuffix(secret, secretMark)
	if !marked {
		return nil
	}
	return f.byID[id]
}
