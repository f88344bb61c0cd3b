package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/api/auth"
	"onsale/api/contract"
)

// Support's day: an order is found by its buyer and by the buyer's reference, looked at and
// exported, and a seller whose token is for other sales finds none of it.
func TestSellersFindOrders(t *testing.T) {
	t.Parallel()
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	defer o.close()
	for _, sale := range []string{"arena", "gig"} {
		o.sell(0, "sale", "create", sale, "--quantity", "10", "--price", "4900")
	}
	var uids []string
	for i := range 3 {
		bought := into[contract.Decision](t, o.buy(0, fmt.Sprint("user ", i), "buy", "--sale", "arena", "--reference", fmt.Sprint("cart ", i), "-o", "json"))
		uids = append(uids, bought.Order)
	}
	o.buy(0, "user 1", "buy", "--sale", "gig", "--reference", "cart 1")
	o.buy(3, "user 1", "pay", uids[1], "--method", "tok_decline")
	o.buy(0, "user 1", "pay", uids[1], "--method", "tok_accept")

	find := func(args ...string) (found []string) {
		for _, is := range into[[]contract.Order](t, o.sell(0, append([]string{"order", "find", "--sale", "arena", "-o", "json"}, args...)...)) {
			found = append(found, is.UID)
		}
		return found
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, uids}, {[]string{"--of", "user 1"}, uids[1:2]}, {[]string{"--reference", "cart 2"}, uids[2:]}, {[]string{"--state", "paid"}, uids[1:2]},
		{[]string{"--state", "expired"}, nil}, {[]string{"--of", "user 1", "--reference", "cart 2"}, nil},
	} {
		if got := find(c.args...); !slices.Equal(got, c.want) {
			t.Errorf("%v: found %v, want %v", c.args, got, c.want)
		}
	}
	has(t, o.sell(0, "order", "find", "--sale", "arena", "--limit", "2"), "there are more")
	has(t, o.sell(2, "order", "find", "--sale", "arena", "--limit", "0"), "--limit is 0")
	has(t, o.sell(1, "order", "find", "--sale", "arena", "--state", "gone"), "state must be")
	has(t, o.sell(1, "order", "find", "--sale", "none"), "unknown-sale")

	shown := into[contract.OrderDetail](t, o.sell(0, "order", "show", uids[1], "-o", "json"))
	if shown.UserID != "user 1" || len(shown.Payments) != 2 || shown.Payments[0].Outcome != contract.AttemptEnded ||
		shown.Payments[1].Outcome != contract.AttemptAccepted || shown.Payments[1].PaymentRef != shown.PaymentRef {
		t.Errorf("%+v", shown)
	}
	has(t, o.sell(0, "order", "show", uids[1]), "payments.2", "accepted "+shown.PaymentRef)
	o.exports(uids)
	o.sell(0, "order", "refund", uids[1])
	history := into[[]contract.OrderEvent](t, o.sell(0, "order", "show", uids[1], "--history", "-o", "json"))
	var events []string
	for _, e := range history {
		if e.Event != "pay_captured" && e.Event != "pay_voided" { // when the provider is done
			events = append(events, e.Event+" "+e.State+" "+e.Outcome+e.Actor)
		}
	}
	if want := []string{"buy reserved ", "pay_begin paying ", "pay_result reserved rejected", "pay_begin paying ", "pay_result paid accepted", "refund refunded cli"}; !slices.Equal(events, want) {
		t.Errorf("history %q, want %q", events, want)
	}
	has(t, o.sell(0, "order", "show", uids[1], "--history"), "refund", "by=cli")

	other := o.sellersToken("gig*")
	has(t, o.sell(1, "order", "show", uids[1], "--token", other), "unknown-order")
	has(t, o.sell(1, "order", "show", uids[1], "--history", "--token", other), "unknown-order")
	has(t, o.sell(1, "order", "find", "--sale", "arena", "--token", other), "unknown-sale")
	has(t, o.sell(1, "order", "export", "--sale", "arena", "--token", other), "unknown-sale", "after 0 orders")
	has(t, o.sell(1, "order", "refund", uids[1], "--token", other), "unknown-order")
	has(t, o.sell(1, "sale", "pause", "arena", "--token", other), "unknown-sale")
	has(t, o.sell(1, "payments", "reconcile", "--token", other), "forbidden")
	has(t, o.sell(1, "order", "cancel", uids[0], "--seller", "--token", other), "unknown-order")
	has(t, command(t, 2, "order", "cancel", uids[0], "--private", "127.0.0.1:1"), "--seller")
	has(t, o.sell(1, "order", "cancel", uids[1], "--seller"), "not-cancellable")
	has(t, o.sell(0, "order", "cancel", uids[0], "--seller"), "cancelled")
	history = into[[]contract.OrderEvent](t, o.sell(0, "order", "show", uids[0], "--history", "-o", "json"))
	if last := history[len(history)-1]; last.Event != "withdraw" || last.Actor != "cli" || last.State != "cancelled" {
		t.Errorf("%+v", last)
	}
	o.sell(0, "sale", "pause", "gig", "--token", other)
}

// sellersToken is for a seller of some sales.
func (o *office) sellersToken(sales string) string {
	o.t.Helper()
	token, err := issue(o.server.secrets[0], "sella", auth.RoleSeller, time.Hour, sales)
	if err != nil {
		o.t.Fatal(err)
	}
	return token
}

// exports holds an export's two forms to what was bought.
func (o *office) exports(uids []string) {
	o.t.Helper()
	file := filepath.Join(o.t.TempDir(), "arena.csv")
	has(o.t, o.sell(0, "order", "export", "--sale", "arena", "--out", file), "3 orders")
	data, err := os.ReadFile(file)
	if err != nil {
		o.t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil || len(rows) != 4 || !slices.Equal(rows[0], orderColumns()) || rows[2][0] != uids[1] || rows[2][2] != "paid" || rows[2][4] != "cart 1" {
		o.t.Errorf("%v, %v", rows, err)
	}
	if is, err := os.Stat(file); err != nil || is.Mode().Perm() != 0o600 {
		o.t.Errorf("%v, %v", is, err)
	}
	if beside, _ := os.ReadDir(filepath.Dir(file)); len(beside) != 1 {
		o.t.Errorf("beside it are %v", beside)
	}
	lines := strings.Split(o.sell(0, "order", "export", "--sale", "arena", "--lines", "--state", "reserved"), "\n")
	for i, uid := range []string{uids[0], uids[2]} {
		var order contract.Order
		if err := json.Unmarshal([]byte(lines[i]), &order); err != nil || order.UID != uid {
			o.t.Errorf("line %d: %+v, %v", i+1, order, err)
		}
	}
	none := o.sell(0, "order", "export", "--sale", "arena", "--state", "refunded")
	has(o.t, none, strings.Join(orderColumns(), ","), "0 orders")
}
