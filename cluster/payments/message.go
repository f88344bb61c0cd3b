package payments

import (
	"encoding/json"
	"fmt"
	"time"

	"onsale/cluster/codes"
	"onsale/payment"
)

// The verbs of payments between processes: the first byte of a payment's frame. The rest
// is JSON. What is wrong is told by an error's code (package codes): ErrOff where no
// payments are taken, ErrOtherAccount and ErrNoAnswer where none can begin now, ErrNotice for a webhook that the provider did not send.
//
//	verb  bytes  question        answer
//	1     JSON   payQuestion     payment.Answer
//	2     JSON   noticeQuestion  noticeAnswer
//	3     JSON   placeQuestion   placeAnswer
const (
	verbPay    byte = 1
	verbNotice byte = 2
	verbPlace  byte = 3
)

// payQuestion is a request to pay, and how long the leader may let it wait.
type payQuestion struct {
	payment.Request
	WaitMilliseconds int64 `json:"wait_ms"`
}

func (q *payQuestion) wait() time.Duration {
	return time.Duration(q.WaitMilliseconds) * time.Millisecond
}

// noticeQuestion is a webhook as it came.
type noticeQuestion struct {
	Provider  string `json:"provider"`
	Signature string `json:"signature"`
	Body      []byte `json:"body"`
}

// noticeAnswer says that a webhook was taken.
type noticeAnswer struct{}

// placeQuestion asks where an order's attempt is in the line before the provider.
type placeQuestion struct {
	Order uint64 `json:"order"` // seq
}

// placeAnswer has none for one that does not wait there.
type placeAnswer struct {
	Place *payment.Place `json:"place,omitempty"`
}

// waitMillisecondsMax bounds how long a question may ask to wait.
const waitMillisecondsMax = 60_000

func parsePay(body []byte) (q payQuestion, err error) {
	if err := json.Unmarshal(body, &q); err != nil {
		return q, fmt.Errorf("%w: %w", codes.ErrRejected, err)
	}
	if q.WaitMilliseconds < 0 || q.WaitMilliseconds > waitMillisecondsMax {
		return q, fmt.Errorf("%w: wait_ms is %d, allowed are 0 to %d",
			codes.ErrRejected, q.WaitMilliseconds, waitMillisecondsMax)
	}
	return q, nil
}

func parseNotice(body []byte) (q noticeQuestion, err error) {
	if err := json.Unmarshal(body, &q); err != nil {
		return q, fmt.Errorf("%w: %w", codes.ErrRejected, err)
	}
	return q, nil
}

func parsePlace(body []byte) (q placeQuestion, err error) {
	if err := json.Unmarshal(body, &q); err != nil {
		return q, fmt.Errorf("%w: %w", codes.ErrRejected, err)
	}
	return q, nil
}
