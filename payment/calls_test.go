package payment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// dying is a queue whose desk dies with its process.
func dying(t *testing.T, change func(*payment.Config, *paymenttest.Process)) (*queue, *paymenttest.Process) {
	t.Helper()
	n, provider := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), &logged{Provider: newBooks(t)}
	process, config := &paymenttest.Process{Node: n, Provider: provider}, payment.DefaultConfig()
	config.Rate = 1
	change(&config, process)
	d := payment.NewDesk(config, process, process)
	t.Cleanup(func() { _ = d.Close() })
	return &queue{n, d, provider}, process
}

// next lets another node lead.
func (q *queue) next(t *testing.T) {
	config := payment.DefaultConfig()
	config.Rate = 100
	q.desk = paymenttest.NewDesk(t, config, q.Node, q.provider)
}

// about returns which calls were about an order.
func (q *queue) about(seq uint64) (calls []string) {
	for _, call := range q.provider.asked() {
		if verb, found := strings.CutSuffix(call, fmt.Sprint(" ", seq)); found {
			calls = append(calls, verb)
		}
	}
	return calls
}

// fill pays the first order, which is called at once, and lets so many stand in the line behind it.
func (q *queue) fill(t *testing.T, count int) (orders []uint64) {
	t.Helper()
	for i := range count + 1 {
		user := fmt.Sprint("u", i)
		seq := q.Buy(t, user)
		q.begin(t, seq, user, "tok_accept")
		if i > 0 {
			orders = append(orders, seq)
		}
	}
	return orders
}

// A leader that dies before the commit of a call was not called for it, so that the next one
// asks nobody; after the commit it may have been, also when it was not; and after the call the
// next one hears what came of it.
func TestCallCommitted(t *testing.T) {
	for _, c := range []struct {
		name  string
		dies  payment.Step // at whose first time for an order in the line
		asked []string     // about that order, by whomever
		state sequencer.OrderState
	}{
		{"before", "", nil, sequencer.StateReserved},
		{"after the commit", payment.StepCalled, []string{"find", "cancel"}, sequencer.StateReserved},
		{"after the call", payment.StepAuthorised, []string{"authorise", "find", "capture"}, sequencer.StatePaid},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testCallCommitted(t, c.dies, c.asked, c.state) })
		})
	}
}

func testCallCommitted(t *testing.T, dies payment.Step, asked []string, state sequencer.OrderState) {
	steps := 0
	q, process := dying(t, func(config *payment.Config, p *paymenttest.Process) {
		config.Reached = func(step payment.Step) {
			if step != dies {
				return
			}
			time.Sleep(100 * time.Millisecond)                    // the others are in the line by then
			if steps++; dies == payment.StepCalled || steps > 1 { // the first authorised is who did not wait
				p.Kill()
			}
		}
	})
	orders := q.fill(t, 3)
	at := orders[0]
	if dies == "" {
		at = orders[2]
		process.Kill()
	}
	time.Sleep(5 * time.Second)
	if !process.Dead() || q.StateOf(at) != sequencer.StatePaying {
		t.Fatalf("dead: %t, %s", process.Dead(), q.StateOf(at))
	}
	q.next(t)
	paymenttest.MustAgree(t, q.Node, q.desk)
	calls := slices.Compact(q.about(at)) // it is asked as often as it knows nothing
	if !slices.Equal(calls, asked) || q.StateOf(at) != state {
		t.Errorf("%s after %q", q.StateOf(at), calls)
	}
	if v := q.Order(at); state == sequencer.StateReserved && v.Reason != sequencer.ReasonUnavailable {
		t.Errorf("%+v", v)
	}
	for i, seq := range orders {
		user := fmt.Sprint("u", i+1)
		if q.StateOf(seq) == sequencer.StateReserved {
			if answer := paymenttest.Pay(t, q.desk, seq, user, "tok_accept"); answer.State != sequencer.StatePaid {
				t.Errorf("%s pays again: %+v", user, answer)
			}
		}
	}
	paymenttest.MustAgree(t, q.Node, q.desk)
}

// Who was in the line of a leader that died and pays again at once need not wait until the
// next one has ended what began.
func TestPaysAgainAtOnce(t *testing.T) { synctest.Test(t, testPaysAgainAtOnce) }

func testPaysAgainAtOnce(t *testing.T) {
	q, process := dying(t, func(*payment.Config, *paymenttest.Process) {})
	orders := q.fill(t, 3)
	process.Kill()
	q.next(t)
	answer := q.begin(t, orders[2], "u3", "tok_accept")
	if answer.State != sequencer.StatePaid || answer.Attempt != 2 {
		t.Errorf("%+v", answer)
	}
	paymenttest.MustAgree(t, q.Node, q.desk)
}

// Nobody knows whether the history from which a cluster is restored went on: the provider is
// asked about everybody who stood in the line.
func TestLineAfterARestore(t *testing.T) { synctest.Test(t, testLineAfterARestore) }

func testLineAfterARestore(t *testing.T) {
	q, process := dying(t, func(*payment.Config, *paymenttest.Process) {})
	orders := q.fill(t, 3)
	process.Kill()
	last := q.Order(orders[2])
	charge := paymenttest.Attempt{User: last.User, Seq: last.Seq}.Charge(200, "EUR")
	if _, err := q.provider.Provider.Authorise(t.Context(), charge, "tok_accept"); err != nil { // there it went on
		t.Fatal(err)
	}
	q.Born(t, sequencer.ClusterID{7}, sequencer.BirthRestore)
	q.next(t)
	paymenttest.MustAgree(t, q.Node, q.desk)
	if state := q.StateOf(orders[2]); state != sequencer.StatePaid || q.StateOf(orders[1]) != sequencer.StateReserved {
		t.Errorf("%s, %s", state, q.StateOf(orders[1]))
	}
	if calls := q.about(orders[1]); len(calls) == 0 || calls[0] != "find" {
		t.Errorf("%q", calls)
	}
}

// No attempt stands in the line for longer than it may, however long the provider lets all wait:
// it is not called any more, and its buyer has time to pay again.
func TestLineEnds(t *testing.T) { synctest.Test(t, testLineEnds) }

func testLineEnds(t *testing.T) {
	q := newQueue(t, func(c *payment.Config) { c.LineMax = time.Minute })
	orders := q.fill(t, 20)
	opens := time.Now().Add(3 * time.Minute)
	q.provider.refuseBy(func(string) *payment.Throttled {
		if time.Now().Before(opens) {
			return &payment.Throttled{After: 2 * time.Minute, Err: errNoWayOut}
		}
		return nil
	})
	for range 70 {
		time.Sleep(time.Second)
		q.Pass(time.Second)
	}
	last := orders[len(orders)-1]
	if v := q.Order(last); v.State != sequencer.StateReserved || v.Reason != sequencer.ReasonUnavailable || q.desk.Place(last) != nil {
		t.Errorf("%+v", v)
	}
	time.Sleep(5 * time.Minute)
	paymenttest.MustAgree(t, q.Node, q.desk)
	if calls := q.about(last); len(calls) > 0 {
		t.Errorf("%q", calls)
	}
}

// A log that is overloaded delays calls, and nobody leaves the line for it; one that says nothing
// of a commit has its attempt called by nobody.
func TestCallNotCommitted(t *testing.T) { synctest.Test(t, testCallNotCommitted) }

func testCallNotCommitted(t *testing.T) {
	n, provider := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), &logged{Provider: newBooks(t)}
	log := &fickle{Node: n, errs: []error{sequencer.ErrOverloaded, sequencer.ErrOverloaded, sequencer.ErrOutcomeUnknown}}
	config := payment.DefaultConfig()
	config.Rate = 1
	d := payment.NewDesk(config, log, provider)
	defer d.Close()
	q := &queue{n, d, provider}
	orders := q.fill(t, 3)
	paymenttest.MustAgree(t, n, d)
	for i, seq := range orders {
		want := sequencer.StatePaid
		if i == 0 { // whose commit nobody knew of
			want = sequencer.StateReserved
		}
		if state := n.StateOf(seq); state != want {
			t.Errorf("%d is %s", i, state)
		}
	}
	if calls := q.about(orders[0]); slices.Contains(calls, "authorise") {
		t.Errorf("%q", calls)
	}
}

// While nobody knows whether the call of who is next is committed, nobody is called, however long
// that takes; and captures do not go before.
func TestNoCallBeforeItsCommit(t *testing.T) { synctest.Test(t, testNoCallBeforeItsCommit) }

func testNoCallBeforeItsCommit(t *testing.T) {
	n, provider := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), &logged{Provider: newBooks(t)}
	log := &fickle{Node: n, errs: []error{sequencer.ErrOutcomeUnknown}, hangs: time.Minute}
	config := payment.DefaultConfig()
	config.Rate = 1
	d := payment.NewDesk(config, log, provider)
	defer d.Close()
	q := &queue{n, d, provider}
	orders := q.fill(t, 3)
	time.Sleep(50 * time.Second)
	if calls := provider.asked(); len(calls) != 1 {
		t.Errorf("%q", calls)
	}
	if v := n.Order(orders[0]); !v.Lined || v.State != sequencer.StatePaying {
		t.Errorf("%+v", v)
	}
	paymenttest.MustAgree(t, n, d)
}

// fickle is a node whose log refuses the first calls, after it hung.
type fickle struct {
	*paymenttest.Node
	errs  []error
	hangs time.Duration
}

func (f *fickle) Decide(c *sequencer.Command) (sequencer.Result, error) {
	if c.Kind == sequencer.KindPayCalled && len(f.errs) > 0 {
		time.Sleep(f.hangs)
		err := f.errs[0]
		f.errs = f.errs[1:]
		return sequencer.Result{}, err
	}
	return f.Node.Decide(c)
}
