package payments

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"onsale/cluster/codes"
	"onsale/payment"
	"onsale/raftfsm/peer"
)

// The bodies are what other processes read: they do not change by themselves.
func TestBodies(t *testing.T) {
	for want, message := range map[string]any{
		`{"order":41,"sale":1,"user":"ann","method":"tok_accept","wait_ms":1500}`: payQuestion{request, 1500},
		`{"provider":"stripe","signature":"v1","body":"e30="}`:                    noticeQuestion{"stripe", "v1", []byte("{}")},
		`{}`:                                   noticeAnswer{},
		`{"order":41}`:                         placeQuestion{41},
		`{"place":{"place":3,"wait_ns":7000}}`: placeAnswer{&payment.Place{Place: 3, Wait: 7000}},
	} {
		if got, err := json.Marshal(message); err != nil || string(got) != want {
			t.Errorf("%+v is %s, %v", message, got, err)
		}
	}
	if verbPay != 1 || verbNotice != 2 || verbPlace != 3 {
		t.Error("a verb has another number")
	}
	if q, err := parsePay([]byte(`{"order":41,"wait_ms":1500}`)); err != nil || q.Order != 41 || q.wait() != 1500*time.Millisecond {
		t.Errorf("%+v, %v", q, err)
	}
}

// Whatever comes, it is refused or asked of the coordinator, and answered with JSON.
func FuzzPayment(f *testing.F) {
	f.Add(verbPay, []byte(`{"order":41,"user":"ann","method":"tok_accept","wait_ms":1500}`))
	f.Add(verbNotice, []byte(`{"provider":"stripe","signature":"v1","body":"e30="}`))
	f.Add(verbPlace, []byte(`{"order":41}`))
	f.Add(byte(4), []byte(`{}`))
	f.Add(verbPay, []byte(`{"wait_ms":-1}`))
	f.Add(verbPay, []byte(`[`))
	desk := accepts()
	node := ForNode(nil, desk, desk)
	f.Fuzz(func(t *testing.T, verb byte, body []byte) {
		asked := len(desk.asked) + len(desk.told)
		answer, err := node.Payment(t.Context(), peer.Identity{}, verb, body)
		if err != nil && !errors.Is(err, codes.ErrRejected) || err == nil && !json.Valid(answer) {
			t.Fatalf("verb %d with %q: %q, %v", verb, body, answer, err)
		}
		if did := len(desk.asked)+len(desk.told) > asked; did != (err == nil && verb != verbPlace) { // which changes nothing
			t.Fatalf("verb %d with %q: asked %t, %v", verb, body, did, err)
		}
		desk.asked, desk.told = desk.asked[:0], desk.told[:0]
	})
}
