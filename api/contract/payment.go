package contract

import "strconv"

// PaymentRef names a payment attempt, here and at the payment provider.
func PaymentRef(uid string, attempt uint8) string {
	return uid + "-" + strconv.Itoa(int(attempt))
}
