package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/audit/export/exporttest"
	"onsale/audit/feed"
	"onsale/audit/follow"
	"onsale/sequencer"
	"onsale/wal/journal"
)

var seedFlag = flag.Uint64("seed", 0, "of the stories; 0 is another one each time")

func seedOf(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	return seed
}

// replica is a node with its journal, which may begin behind the first block.
type replica struct {
	t       *testing.T
	mu      sync.Mutex
	state   *sequencer.State
	journal *journal.Journal
	history *journal.History
	feed    *feed.Service
	caught  int // how often it was let catch up
	blocks  []journal.Block
}

func newReplica(t *testing.T, behind journal.Head, state *sequencer.State) *replica {
	r := &replica{t: t, state: state}
	var err error
	if r.journal, err = journal.Open(t.TempDir(), journal.DefaultOptions()); err == nil {
		_, err = r.journal.Restore(behind)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.history = journal.NewHistory(r.journal)
	t.Cleanup(func() {
		r.history.Close()
		if err := r.journal.Close(); err != nil {
			t.Error(err)
		}
	})
	r.feed = feed.New(r.history, r, func() uint8 { return 3 }, func(context.Context) error { r.caught++; return nil })
	return r
}

func (r *replica) Read(read func(sequencer.Reader)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	read(r.state)
}

func (r *replica) put(b journal.Block) {
	r.t.Helper()
	if err := r.journal.Put(&b); err != nil {
		r.t.Fatal(err)
	}
	r.blocks = append(r.blocks, b)
}

func (r *replica) page(q contract.FeedQuestion) *contract.FeedPage {
	r.t.Helper()
	if q.Limit == 0 {
		q.Limit = contract.FeedEventsMax
	}
	p, err := r.feed.Page(r.t.Context(), q)
	if err != nil {
		r.t.Fatalf("%+v: %v", q, err)
	}
	return p
}

// all reads the whole feed behind a cursor, in pages of some size.
func (r *replica) all(q contract.FeedQuestion) (events []contract.FeedEvent) {
	r.t.Helper()
	for {
		p := r.page(q)
		events = append(events, p.Events...)
		if !p.HasMore {
			if p.Next != p.AsOf {
				r.t.Errorf("the feed ends at %s, as of %s", p.Next, p.AsOf)
			}
			return events
		}
		q.After = p.Next
	}
}

func everything() []string {
	return []string{"order.*", "payment.*", "sale.*", "cluster.*", "decision.*"}
}

func encoded(t *testing.T, events []contract.FeedEvent) []string {
	t.Helper()
	var lines []string
	for i := range events {
		line, err := json.Marshal(&events[i])
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	return lines
}

// Whatever a story tells, every replica tells the same events, byte for byte, in pages of any size,
// and whenever it is asked, also one that has only the end of the journal.
func TestReplicasTellTheSame(t *testing.T) {
	seed := seedOf(t)
	teller := exporttest.NewTeller(seed)
	whole := newReplica(t, journal.Head{}, teller.State)
	var late *replica
	var early []string
	for height := 1; height <= 450; height++ {
		whole.put(teller.Next())
		if late != nil {
			late.put(whole.blocks[height-1])
		}
		if height == 250 {
			early = encoded(t, whole.all(contract.FeedQuestion{Types: everything()}))
			late = newReplica(t, whole.journal.Position(), teller.State)
		}
	}
	told := encoded(t, whole.all(contract.FeedQuestion{Types: everything()}))
	if len(told) < 700 || !slices.Equal(told[:len(early)], early) {
		t.Errorf("of %d events the first %d are not what they were", len(told), len(early))
	}
	for _, limit := range []int{5, 100} {
		if again := encoded(t, whole.all(contract.FeedQuestion{Types: everything(), Limit: limit})); !slices.Equal(again, told) {
			t.Errorf("in pages of %d: %d events, not %d", limit, len(again), len(told))
		}
	}
	from := whole.blocks[249].Head()
	after := fmt.Sprintf("%016x-%d", teller.State.Births()[0].Tag(), from.Height)
	if end := encoded(t, late.all(contract.FeedQuestion{After: after, Types: everything()})); !slices.Equal(end, told[len(told)-len(end):]) || len(end) < 50 {
		t.Errorf("the end of the journal tells %d other events", len(end))
	}
	if end := encoded(t, whole.all(contract.FeedQuestion{After: after, Types: everything()})); !slices.Equal(end, told[len(early):]) {
		t.Errorf("behind %s are %d events, not %d", after, len(end), len(told)-len(early))
	}
	var gone *contract.Problem
	if _, err := late.feed.Page(t.Context(), contract.FeedQuestion{Limit: 1}); !errors.As(err, &gone) || !errors.Is(err, contract.ErrFeedGone) || gone.Oldest != after {
		t.Errorf("from the beginning on: %v", err)
	}
}

// change is what became of an order.
type change struct {
	order uint64
	state sequencer.OrderState
}

// oracle decides a journal again, and keeps which orders changed in which block: it knows nothing of
// results and events.
func oracle(t *testing.T, blocks []journal.Block) (changed map[uint64][]change) {
	t.Helper()
	changed = map[uint64][]change{}
	state, known := sequencer.New(), map[uint64]sequencer.OrderState{}
	var decoded follow.Block
	var d sequencer.Decisions
	for i := range blocks {
		if err := decoded.Decode(&blocks[i]); err != nil {
			t.Fatal(err)
		}
		state.Apply(&decoded.Batch, &d)
		for sale := uint16(1); sale <= 3; sale++ {
			views, _ := state.OrdersIn(&sequencer.OrderQuery{Sale: sale, Limit: sequencer.OrdersShownMax})
			for more := views; len(more) > 0; {
				more, _ = state.OrdersIn(&sequencer.OrderQuery{Sale: sale, Limit: sequencer.OrdersShownMax, After: views[len(views)-1].Seq})
				views = append(views, more...)
			}
			for j := range views {
				if v := &views[j]; known[v.Seq] != v.State {
					known[v.Seq] = v.State
					changed[blocks[i].Height] = append(changed[blocks[i].Height], change{v.Seq, v.State})
				}
			}
		}
	}
	return changed
}

// typesOf are the events that tell that an order came into a state.
var typesOf = map[sequencer.OrderState][]string{
	sequencer.StateWaitlisted: {"order.waitlisted"}, sequencer.StateReserved: {"order.reserved", "order.promoted", "payment.rejected", "payment.cancelled"},
	sequencer.StatePaying: {"payment.begun"}, sequencer.StatePaid: {"order.paid"}, sequencer.StateExpired: {"order.expired"},
	sequencer.StateCancelled: {"order.cancelled"}, sequencer.StateRefunded: {"order.refunded"},
}

// No change of an order is left out: deciding the journal again, each order that is in another state
// behind a block has an event of that block that says so, or its sale was closed. And an order is paid once.
func TestEveryChangeIsTold(t *testing.T) {
	teller := exporttest.NewTeller(seedOf(t))
	r := newReplica(t, journal.Head{}, teller.State)
	for range 700 {
		r.put(teller.Next())
	}
	told, closed, paid := map[string]map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, e := range r.all(contract.FeedQuestion{}) {
		name := strings.TrimSuffix(strings.TrimPrefix(e.Type, contract.FeedTypePrefix), contract.FeedTypeSuffix)
		height := strings.Split(e.ID, "-")[1]
		key := height + " " + e.Subject
		if told[key] == nil {
			told[key] = map[string]bool{}
		}
		told[key][name] = true
		if name == "sale.closed" {
			closed[height] = true
		}
		if name == "order.paid" {
			paid[e.Subject]++
		}
	}
	changes := 0
	for height, all := range oracle(t, r.blocks) {
		for _, c := range all {
			changes++
			v, _ := teller.State.Order(c.order)
			uid := string(contract.AppendUID(nil, 3, v.Sale, v.Seq))
			is := told[fmt.Sprint(height, " ", uid)]
			if !slices.ContainsFunc(typesOf[c.state], func(name string) bool { return is[name] }) && !(c.state == sequencer.StateCancelled && closed[fmt.Sprint(height)]) {
				t.Errorf("block %d: that %s is %v is not told: %v", height, uid, c.state, is)
			}
		}
	}
	for uid, times := range paid {
		if times != 1 {
			t.Errorf("%s was paid %d times", uid, times)
		}
	}
	if changes < 100 || len(paid) < 10 {
		t.Errorf("%d changes, %d paid orders: the story is too quiet", changes, len(paid))
	}
}

// What is asked for is told, and nothing else; refusals only when they are asked for.
func TestQuestions(t *testing.T) {
	teller := exporttest.NewTeller(seedOf(t))
	r := newReplica(t, journal.Head{}, teller.State)
	for range 400 {
		r.put(teller.Next())
	}
	all := r.all(contract.FeedQuestion{Types: everything()})
	count := func(match func(*contract.FeedEvent) bool) (n int) {
		for i := range all {
			if match(&all[i]) {
				n++
			}
		}
		return n
	}
	hasType := func(prefixes ...string) func(*contract.FeedEvent) bool {
		return func(e *contract.FeedEvent) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Type, "onsale."+p) })
		}
	}
	for _, c := range []struct {
		name string
		q    contract.FeedQuestion
		is   func(*contract.FeedEvent) bool
	}{
		{"no types", contract.FeedQuestion{}, hasType("order.", "payment.", "sale.", "cluster.")},
		{"refusals", contract.FeedQuestion{Types: []string{"decision.*"}}, hasType("decision.")},
		{"two types", contract.FeedQuestion{Types: []string{"order.paid", "onsale.sale.created.v1"}}, hasType("order.paid", "sale.created")},
		{"a sale", contract.FeedQuestion{Types: everything(), Sale: "sale-2"}, func(e *contract.FeedEvent) bool { return e.Data.Sale == "sale-2" }},
		{"a token's sales", contract.FeedQuestion{Types: everything(), Sees: func(id string) bool { return id == "sale-1" }}, func(e *contract.FeedEvent) bool { return e.Data.Sale == "sale-1" }},
		{"a sale that the token is not for", contract.FeedQuestion{Sale: "sale-2", Sees: func(id string) bool { return id == "sale-1" }}, func(*contract.FeedEvent) bool { return false }},
	} {
		events := r.all(c.q)
		if want := count(c.is); len(events) != want || want == 0 && c.q.Sees == nil {
			t.Errorf("%s: %d events, not %d", c.name, len(events), want)
		}
		for i := range events {
			if !c.is(&events[i]) {
				t.Errorf("%s: %+v", c.name, events[i])
			}
		}
	}
	for _, types := range [][]string{{"order"}, {"order.sold"}, {"*"}, {""}, make([]string, contract.FeedTypesMax+1)} {
		if _, err := r.feed.Page(t.Context(), contract.FeedQuestion{Types: types, Limit: 1}); !errors.Is(err, contract.ErrBadRequest) {
			t.Errorf("%q: %v", types, err)
		}
	}
}

// After a restore who has read what was lost is told up to where it still holds, and goes on there;
// places that are none are refused, each in its words.
func TestRestore(t *testing.T) {
	seed := seedOf(t)
	lost, kept := exporttest.NewTeller(seed), exporttest.NewTeller(seed)
	old, now := newReplica(t, journal.Head{}, lost.State), newReplica(t, journal.Head{}, kept.State)
	for height := range 200 {
		old.put(lost.Next())
		if height < 150 {
			now.put(kept.Next())
		}
	}
	now.put(kept.Restore(sequencer.BirthRestore, 9, lost.Now()))
	for range 100 {
		now.put(kept.Next())
	}
	births := kept.State.Births()
	place := func(birth int, height uint64) string {
		return sequencer.Position{Birth: births[birth].Tag(), Height: height}.String()
	}
	is := func(after string, want error, asOf string) {
		t.Helper()
		_, err := now.feed.Page(t.Context(), contract.FeedQuestion{After: after, Limit: 1})
		var problem *contract.Problem
		if !errors.Is(err, want) || errors.As(err, &problem) && problem.AsOf != asOf {
			t.Errorf("after %s: %+v", after, err)
		}
	}
	seen := old.page(contract.FeedQuestion{After: place(0, 140)})
	is(seen.Next, contract.ErrHistoryCut, place(0, 150))
	is(seen.Events[len(seen.Events)-1].ID, contract.ErrHistoryCut, place(0, 150))
	is(place(0, 151), contract.ErrHistoryCut, place(0, 150))
	is(place(0, 151)+"-3", contract.ErrHistoryCut, place(0, 150))
	is(place(0, 150), nil, "")
	is(place(1, 151), nil, "")
	is(place(1, 150), contract.ErrBadRequest, "")
	is(place(1, 252), contract.ErrBadRequest, "")
	is("0123456789abcdef-7", contract.ErrHistoryCut, "")
	for _, bad := range []string{"7", "-", "0123456789abcdef", "0123456789abcdef-", "0123456789abcdef-1-", "0123456789abcdef-01", "0123456789abcdef-1-4294967295", "0123456789ABCDEF-1"} {
		is(bad, contract.ErrBadRequest, "")
	}
	if now.caught == 0 {
		t.Error("the replica was not let catch up before a place was refused")
	}
	events := now.all(contract.FeedQuestion{After: place(0, 150)})
	if first := events[0]; first.Type != "onsale.cluster.born.v1" || first.Data.Cause != "restore" || first.ID != place(1, 151)+"-0" {
		t.Errorf("the restore is told as %+v", first)
	}
	both := append(old.all(contract.FeedQuestion{}), events...)
	ids := map[string]bool{}
	for i := range both {
		if ids[both[i].ID] {
			t.Fatalf("%s is the id of two events", both[i].ID)
		}
		ids[both[i].ID] = true
	}
}

// A reader waits for an event that it asks for, as long as it says; too many are refused.
func TestWaiting(t *testing.T) {
	teller := exporttest.NewTeller(seedOf(t))
	r := newReplica(t, journal.Head{}, teller.State)
	r.put(teller.Next())
	p := r.page(contract.FeedQuestion{After: contract.FeedNow})
	if len(p.Events) > 0 || p.HasMore || p.Next != p.AsOf {
		t.Fatalf("now is %+v", p)
	}
	if p = r.page(contract.FeedQuestion{After: p.Next, Wait: time.Millisecond}); len(p.Events) > 0 {
		t.Fatalf("%+v", p)
	}
	got := make(chan *contract.FeedPage)
	go func() {
		got <- r.page(contract.FeedQuestion{After: p.Next, Types: []string{"sale.created"}, Wait: time.Hour})
	}()
	r.mu.Lock()
	b := teller.Next()
	r.mu.Unlock()
	r.put(b)
	if p := <-got; len(p.Events) != 3 {
		t.Errorf("%d events", len(p.Events))
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	for range feed.ReadersMax {
		go func() {
			err := contract.ErrTooManyOpen // the place may be taken by who looks below
			for errors.Is(err, contract.ErrTooManyOpen) {
				_, err = r.feed.Page(ctx, contract.FeedQuestion{After: contract.FeedNow, Limit: 1, Wait: time.Hour})
			}
			ended <- err
		}()
	}
	for { // until they all wait
		if _, err := r.feed.Page(ctx, contract.FeedQuestion{After: contract.FeedNow, Limit: 1}); errors.Is(err, contract.ErrTooManyOpen) {
			break
		}
	}
	cancel()
	for range feed.ReadersMax {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	r.page(contract.FeedQuestion{})
}

func FuzzCursor(f *testing.F) {
	f.Add("0123456789abcdef-7")
	f.Add("0123456789abcdef-7-12")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if again, err := feed.Respell(text); err == nil && again != text {
			t.Errorf("%q is read as %q", text, again)
		}
	})
}
