package sequencer_test

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"

	"onsale/audit"
	"onsale/audit/naive"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// trial plays batches on two States and the naive model and compares whatever
// they say.
type trial struct {
	state, twin *sequencer.State
	dumb        *naive.Model
	ledger      *audit.Ledger // checks the promises: cap, counts, FIFO, expiries
	every       int           // a snapshot is restored, and everything compared, once in so many batches
	users       map[string]bool
	views       map[uint16]sequencer.SaleView // as of the batch before
	orders      []uint64
	seqs        []uint64 // that were given out, in order
	seen        *coverage

	// frozen is a snapshot that was taken some batches ago and not yet written.
	frozen     *sequencer.Snapshot
	frozenHash uint64
	frozenSeq  uint64

	batches   int
	decisions sequencer.Decisions
	decoded   sequencer.Decisions
	encoded   []byte
}

// coverage is which codes and events a run has met.
type coverage struct {
	codes    [sequencer.CodeCount]int
	events   [sequencer.EventRefunded + 1]int
	kinds    [sequencer.KindMax + 1]int
	states   [sequencer.StateRefunded + 1]int
	replayed int
}

func newTrial(every int, seen *coverage) *trial {
	return &trial{
		state: sequencer.New(), twin: sequencer.New(), dumb: naive.New(), ledger: audit.NewLedger(1),
		every: every, users: map[string]bool{}, views: map[uint16]sequencer.SaleView{}, seen: seen,
	}
}

// play decides one batch everywhere. A panic is a failure like any other.
func (t *trial) play(b *sequencer.Batch) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("panic: %v\n%s", failure, debug.Stack())
		}
	}()
	t.batches++
	if err := t.decide(b); err != nil {
		return err
	}
	t.note(b)
	if err := t.compareSales(); err != nil {
		return err
	}
	if err := t.compareDue(); err != nil {
		return err
	}
	if err := t.compareTouched(); err != nil {
		return err
	}
	if t.batches%t.every == 0 {
		return t.compareAll()
	}
	return nil
}

// decide applies the batch as a replica reads it, and compares the decisions.
func (t *trial) decide(b *sequencer.Batch) error {
	t.encoded = sequencer.AppendBatch(t.encoded[:0], b)
	var read sequencer.Batch
	if err := sequencer.DecodeBatch(t.encoded, &read); err != nil {
		return err
	}
	if again := sequencer.AppendBatch(nil, &read); !bytes.Equal(again, t.encoded) {
		return fmt.Errorf("batch %x is written again as %x", t.encoded, again)
	}
	t.state.Apply(&read, &t.decisions)
	want := t.dumb.Apply(&read)
	if err := scenario.Compare(&t.decisions, want); err != nil {
		return err
	}
	t.ledger.Read(&read, &t.decisions)
	if found := t.ledger.Findings(); len(found) > 0 {
		return fmt.Errorf("the books do not agree: %s", found[0].String())
	}
	for i := range t.decisions.Results {
		t.seqs = append(t.seqs, t.decisions.FirstSeq+uint64(i))
	}
	t.twin.Apply(b, &t.decoded)
	if t.state.Hash() != t.twin.Hash() {
		return fmt.Errorf("two states have hashes %x and %x after the same batches", t.state.Hash(), t.twin.Hash())
	}
	encoded := sequencer.AppendDecisions(nil, &t.decisions)
	if err := sequencer.DecodeDecisions(encoded, read.Commands, &t.decoded); err != nil {
		return err
	}
	if err := scenario.Compare(&t.decoded, &t.decisions); err != nil {
		return fmt.Errorf("decoded again: %w", err)
	}
	clear(t.encoded) // nothing may refer to the batch's bytes any more
	return nil
}

// note remembers what the batch touched and what it met.
func (t *trial) note(b *sequencer.Batch) {
	t.orders = t.orders[:0]
	for i := range t.decisions.Results {
		r := &t.decisions.Results[i]
		t.seen.codes[r.Code]++
		t.seen.states[r.State]++
		if int(r.Kind) < len(t.seen.kinds) {
			t.seen.kinds[r.Kind]++
		}
		if r.Replayed {
			t.seen.replayed++
		}
		if r.Order != 0 {
			t.orders = append(t.orders, r.Order)
			t.users[string(b.Commands[i].User)] = true
		}
	}
	for i := range t.decisions.Events {
		t.seen.events[t.decisions.Events[i].Kind]++
		t.orders = append(t.orders, t.decisions.Events[i].Order)
	}
}

func (t *trial) compareSales() error {
	touched := slices.Sorted(slices.Values(t.state.TouchedSales()))
	if len(slices.Compact(touched)) != len(t.state.TouchedSales()) {
		return fmt.Errorf("sales were touched twice: %v", t.state.TouchedSales())
	}
	if got, want := t.state.SaleCount(), t.dumb.SaleCount(); got != want {
		return fmt.Errorf("%d sales, want %d", got, want)
	}
	for number := uint16(1); int(number) <= t.state.SaleCount(); number++ {
		got, _ := t.state.Sale(number)
		want, _ := t.dumb.Sale(number)
		if got != want {
			return fmt.Errorf("sale %d:\n  got  %+v\n  want %+v", number, got, want)
		}
		if err := t.checkTouched(&got); err != nil {
			return err
		}
		if uint64(got.Sold)+uint64(got.Held)+uint64(got.Withheld)+uint64(got.Available) != uint64(got.Quantity) {
			return fmt.Errorf("P1: %s", describeCounts(&got))
		}
	}
	return nil
}

// checkTouched finds a sale that changed and is not among those that the last
// batch touched: whoever publishes views would never publish it.
func (t *trial) checkTouched(view *sequencer.SaleView) error {
	now := *view
	now.AsOfSeq, now.AsOfTime, now.AsOf = 0, 0, sequencer.Position{}
	if now != t.views[view.Number] && !slices.Contains(t.state.TouchedSales(), view.Number) {
		return fmt.Errorf("sale %d changed and is not among the touched %v:\n  was %+v\n  is  %+v", view.Number, t.state.TouchedSales(), t.views[view.Number], now)
	}
	t.views[view.Number] = now
	return nil
}

// compareDue compares when time is next to be told to the state: too late, and
// holds outlast their end while nobody buys.
func (t *trial) compareDue() error {
	got, any := t.state.NextDue()
	want, wanted := t.dumb.NextDue()
	if got != want || any != wanted {
		return fmt.Errorf("due next at %d (%t), want %d (%t)", got, any, want, wanted)
	}
	return nil
}

func (t *trial) compareTouched() error {
	for _, seq := range t.orders {
		got, _ := t.state.Order(seq)
		want, _ := t.dumb.Order(seq)
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("order %d:\n  got  %+v\n  want %+v", seq, got, want)
		}
		if err := t.checkCap(got.User, got.Sale); err != nil {
			return err
		}
	}
	return nil
}

// checkCap is P2. The cap of a sale with orders cannot change: only a sale that
// has not started can be updated.
func (t *trial) checkCap(user string, sale uint16) error {
	tickets := 0
	for _, o := range t.state.OrdersOf([]byte(user), 0, sequencer.SalesMax) {
		if o.Sale == sale && o.State.Live() {
			tickets += int(o.Quantity)
		}
	}
	view, _ := t.state.Sale(sale)
	if tickets > int(view.Cap) {
		return fmt.Errorf("P2: user %q has %d tickets of sale %d, whose cap is %d", user, tickets, sale, view.Cap)
	}
	return nil
}

// compareAll compares every order, verifies the state, and goes on with a state
// that was read from its snapshot.
func (t *trial) compareAll() error {
	if err := t.state.Verify(); err != nil {
		return err
	}
	for user := range t.users {
		for _, after := range t.middles() {
			got := t.state.OrdersOf([]byte(user), after, 7)
			want := t.dumb.OrdersOf([]byte(user), after, 7)
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				return fmt.Errorf("orders of %q after %d:\n  got  %+v\n  want %+v", user, after, got, want)
			}
		}
	}
	for _, seq := range append(t.seqs[:len(t.seqs):len(t.seqs)], 0, t.dumb.Seq()+1, t.dumb.Seq()/2) {
		got, known := t.state.Order(seq)
		want, wanted := t.dumb.Order(seq)
		if known != wanted || !reflect.DeepEqual(got, want) {
			return fmt.Errorf("order %d:\n  got  %+v\n  want %+v", seq, got, want)
		}
		for attempt := range got.Attempts + 2 {
			if got, want := t.state.AccountOf(seq, attempt), t.dumb.AccountOf(seq, attempt); got != want {
				return fmt.Errorf("attempt %d of order %d is under account %q, want %q", attempt, seq, got, want)
			}
		}
		if got, want := t.state.NextAttempt(seq), t.dumb.NextAttempt(seq); got != want {
			return fmt.Errorf("order %d may be tried again at %d, want %d", seq, got, want)
		}
	}
	for _, after := range t.middles() {
		got, want := t.state.Unsettled(after, 9), t.dumb.Unsettled(after, 9)
		if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			return fmt.Errorf("unsettled after %d:\n  got  %+v\n  want %+v", after, got, want)
		}
	}
	if err := t.searched(); err != nil {
		return err
	}
	if err := t.ticketed(); err != nil {
		return err
	}
	return t.restore()
}

// searched holds the pages of every search, of one order each and of many, to what all orders
// have.
func (t *trial) searched() error {
	queries := []sequencer.OrderQuery{{}, {State: sequencer.StatePaid}, {State: sequencer.StateCancelled}, {After: t.middles()[1]}, {User: "nobody"}}
	if some, known := t.dumb.Order(t.middles()[1]); known {
		queries = append(queries, sequencer.OrderQuery{User: some.User}, sequencer.OrderQuery{Reference: some.Reference, User: some.User},
			sequencer.OrderQuery{User: some.User, State: some.State})
	}
	for _, seq := range t.seqs {
		if some, _ := t.dumb.Order(seq); some.Reference != "" {
			queries = append(queries, sequencer.OrderQuery{Reference: some.Reference})
			break
		}
	}
	for sale := range t.dumb.SaleCount() + 1 {
		for i, q := range queries {
			q.Sale, q.Limit = uint16(sale), 1+99*(i%2)
			want, got := t.dumb.OrdersIn(&q), []sequencer.OrderView(nil)
			for page := q; ; {
				views, next := t.state.OrdersIn(&page)
				if len(views) > q.Limit {
					return fmt.Errorf("%+v: %d orders", page, len(views))
				}
				got = append(got, views...)
				if page.After = next; next == 0 {
					break
				}
			}
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				return fmt.Errorf("orders for %+v:\n  got  %+v\n  want %+v", q, got, want)
			}
		}
	}
	return nil
}

// middles returns from where on lists are compared: the beginning, and a seq on the way.
func (t *trial) middles() [2]uint64 {
	if len(t.seqs) == 0 {
		return [2]uint64{}
	}
	return [2]uint64{0, t.seqs[len(t.seqs)/2]}
}

// restore writes the snapshot that was taken the last time, which must not know
// of anything since, and goes on with what is read from one of now.
func (t *trial) restore() error {
	if t.frozen != nil {
		if _, err := reread(t.frozen, t.frozenHash, t.frozenSeq); err != nil {
			return fmt.Errorf("a snapshot that was written later: %w", err)
		}
	}
	restored, err := reread(t.state.Snapshot(), t.state.Hash(), t.state.Seq())
	if err != nil {
		return err
	}
	if restored.Level() != t.state.Level() || restored.Level() != t.dumb.Level() {
		return fmt.Errorf("restored at level %d, the state is at %d, want %d", restored.Level(), t.state.Level(), t.dumb.Level())
	}
	if restored.Now() != t.state.Now() {
		return fmt.Errorf("restored at time %d, the state is at %d", restored.Now(), t.state.Now())
	}
	t.state = restored // the twin goes on without a restore
	t.frozen, t.frozenHash, t.frozenSeq = restored.Snapshot(), restored.Hash(), restored.Seq()
	return nil
}

// reread writes a snapshot and reads it again.
func reread(snapshot *sequencer.Snapshot, hash, seq uint64) (*sequencer.State, error) {
	var written bytes.Buffer
	if _, err := snapshot.WriteTo(&written); err != nil {
		return nil, err
	}
	restored, err := sequencer.ReadSnapshot(&written)
	if err != nil {
		return nil, err
	}
	if restored.Hash() != hash || restored.Seq() != seq {
		return nil, fmt.Errorf("restored with hash %x, seq %d; the state had %x, %d", restored.Hash(), restored.Seq(), hash, seq)
	}
	return restored, restored.Verify()
}
