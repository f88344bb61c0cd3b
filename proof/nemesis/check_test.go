package main

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsale/sequencer"
)

// bought is an answered purchase.
func bought(user, key string, call, finish int64, seq uint64, order string) operation {
	return operation{kind: "buy", user: user, key: key, sale: "window-1", call: call, finish: finish, known: true, seq: seq, order: order, state: "reserved"}
}

func refused(user, key string, call, finish int64, seq uint64, reason string) operation {
	return operation{kind: "buy", user: user, key: key, sale: "window-1", call: call, finish: finish, known: true, seq: seq, reason: reason}
}

// repeated is a purchase that was answered with the order that its key had already.
func repeated(user, key string, call, finish int64, seq uint64, order string) operation {
	o := bought(user, key, call, finish, seq, order)
	o.replayed = true
	return o
}

func historyOf(operations ...operation) *history {
	h := newHistory()
	for _, o := range operations {
		h.add(o)
	}
	return h
}

// Each checker finds what it is there for, and nothing where all is well.
func TestCheckersFind(t *testing.T) {
	log := map[uint64]decided{
		1: {"ann", sequencer.DigestKey([]byte("ann"), []byte("a")), sequencer.CodeOK, "A", 0},
		2: {"bob", sequencer.DigestKey([]byte("bob"), []byte("b")), sequencer.CodeSoldOut, "", 0},
	}
	acknowledged := func(h *history, v *verdict) { h.checkAcknowledged(log, v) }
	fifo := func(h *history, v *verdict) { h.checkFIFO(v) }
	keys := func(h *history, v *verdict) { h.checkKeys(v) }
	answers := func(h *history, v *verdict) { h.checkAnswers(v) }
	odd := historyOf()
	odd.odd("ann buys: teapot")
	for name, c := range map[string]struct {
		check func(*history, *verdict)
		good  bool
		h     *history
	}{
		"log":               {acknowledged, true, historyOf(bought("ann", "a", 1, 2, 1, "A"), refused("bob", "b", 3, 4, 2, "sold_out"), refused("cid", "c", 5, 6, 0, "closed"))},
		"lost":              {acknowledged, false, historyOf(bought("ann", "a", 1, 2, 9, "A"))},
		"another's":         {acknowledged, false, historyOf(bought("bob", "a", 1, 2, 1, "A"))},
		"another order":     {acknowledged, false, historyOf(bought("ann", "a", 1, 2, 1, "B"))},
		"another reason":    {acknowledged, false, historyOf(refused("bob", "b", 1, 2, 2, "closed"))},
		"in order":          {fifo, true, historyOf(bought("ann", "a", 1, 2, 1, "A"), bought("bob", "b", 3, 4, 2, "B"))},
		"at once":           {fifo, true, historyOf(bought("ann", "a", 1, 4, 2, "A"), bought("bob", "b", 2, 3, 1, "B"))},
		"touching":          {fifo, true, historyOf(bought("ann", "a", 1, 2, 2, "A"), bought("bob", "b", 2, 3, 1, "B"))},
		"overtaken":         {fifo, false, historyOf(bought("ann", "a", 1, 2, 2, "A"), bought("bob", "b", 3, 4, 1, "B"))},
		"one order":         {keys, true, historyOf(bought("ann", "a", 1, 2, 1, "A"), bought("ann", "a", 3, 4, 1, "A"))},
		"two orders":        {keys, false, historyOf(bought("ann", "a", 1, 2, 1, "A"), bought("ann", "a", 3, 4, 2, "B"))},
		"two refusals":      {keys, true, historyOf(refused("ann", "a", 1, 2, 1, "sold_out"), refused("ann", "a", 3, 4, 2, "closed"))},
		"refused, ordered":  {keys, true, historyOf(refused("ann", "a", 1, 2, 1, "sold_out"), bought("ann", "a", 3, 4, 2, "A"))},
		"refused meanwhile": {keys, true, historyOf(bought("ann", "a", 1, 4, 2, "A"), refused("ann", "a", 2, 5, 1, "sold_out"))},
		"ordered, refused":  {keys, false, historyOf(bought("ann", "a", 1, 2, 1, "A"), refused("ann", "a", 3, 4, 2, "sold_out"))},
		"documented answer": {answers, true, historyOf()},
		"odd answer":        {answers, false, odd},
	} {
		var v verdict
		if c.check(c.h, &v); (v.Count == 0) != c.good {
			t.Errorf("%s: %v", name, v.Violations)
		}
	}
}

// Small sales: what the model must allow, and what it must not.
func TestLinearity(t *testing.T) {
	sold := func(n int, more ...operation) *history {
		h := newHistory()
		for i := range n {
			at := int64(10 * i)
			h.add(bought(string(rune('a'+i)), string(rune('A'+i)), at, at+5, uint64(i+1), "o"))
		}
		for _, o := range more {
			h.add(o)
		}
		return h
	}
	unknown := operation{kind: "buy", user: "z", key: "Z", sale: "window-1", call: 1}
	cancel := operation{kind: "cancel", user: "a", sale: "window-1", call: 100, finish: 105, known: true, state: "cancelled"}
	for name, c := range map[string]struct {
		good bool
		h    *history
	}{
		"all sold":                            {true, sold(windowQuantity, refused("y", "Y", 200, 205, 99, "sold_out"))},
		"oversold":                            {false, sold(windowQuantity + 1)},
		"refused too soon":                    {false, sold(windowQuantity-1, refused("y", "Y", 200, 205, 99, "sold_out"))},
		"refused, an unknown one has it":      {true, sold(windowQuantity-1, unknown, refused("y", "Y", 200, 205, 99, "sold_out"))},
		"oversold by an unknown one":          {true, sold(windowQuantity, unknown)}, // it may have had no effect
		"sold again after a cancel":           {true, sold(windowQuantity, cancel, bought("y", "Y", 200, 205, 99, "o"))},
		"sold twice after one cancel":         {false, sold(windowQuantity, cancel, bought("y", "Y", 200, 205, 99, "o"), bought("x", "X", 210, 215, 100, "o"))},
		"the cap holds":                       {true, sold(1, bought("a", "Y", 200, 205, 99, "o"), refused("a", "X", 210, 215, 100, "cap_exceeded"))},
		"over the cap":                        {false, sold(1, bought("a", "Y", 200, 205, 99, "o"), bought("a", "X", 210, 215, 100, "o"))},
		"refused before the start":            {true, sold(1, refused("y", "Y", 1, 2, 99, "not_started"))},
		"a cap that was not reached":          {false, sold(1, refused("a", "X", 210, 215, 100, "cap_exceeded"))},
		"an unknown buy told by a repetition": {false, sold(windowQuantity, unknown, repeated("z", "Z", 500, 505, 99, "o"))},
		"an unknown buy had the last ticket":  {true, sold(windowQuantity-1, unknown, repeated("z", "Z", 500, 505, 99, "o"))},
		"refused, and then a late copy buys":  {true, sold(windowQuantity, unknown, refused("z", "Z", 90, 95, 99, "sold_out"), cancel, refused("y", "Y", 200, 205, 100, "sold_out"))},
		"a late copy does not buy twice":      {false, sold(windowQuantity-2, unknown, unknown, refused("y", "Y", 200, 205, 99, "sold_out"))},
		"a late copy buys before a refusal":   {false, sold(windowQuantity-1, unknown, refused("z", "Z", 200, 205, 99, "sold_out"))},
	} {
		var v verdict
		if found := c.h.checkLinear(&v); (v.Count == 0) != c.good || found.Sales != 1 || found.Undecided != 0 {
			t.Errorf("%s: %v, %+v", name, v.Violations, found)
		}
	}
}

// The model of a small sale knows no limit of orders, so nobody may meet it: users who
// came to all small sales once did, and each sale after that looked not linearizable.
func TestNobodyMeetsTheLimitOfOrders(t *testing.T) {
	w, came := &window{id: "window-7"}, map[string]int{}
	for user, comes := w.user(); comes; user, comes = w.user() {
		if came[user]++; came[user] > sequencer.OrdersPerUserMax || !strings.HasPrefix(user, "window-7-") {
			t.Fatalf("%s comes %d times", user, came[user])
		}
	}
	if len(came) != windowUsers {
		t.Errorf("%d users came", len(came))
	}
}

// The deck deals every class as often as it has cards.
func TestDeck(t *testing.T) {
	all, missing := classes(false, false)
	d := deck{random: rand.New(rand.NewPCG(1, 1)), classes: all}
	counts, cards := map[string]int{}, 0
	for _, c := range all {
		cards += c.cards
	}
	for range 3 * cards {
		counts[d.draw().name]++
	}
	for _, c := range all {
		if counts[c.name] != 3*c.cards {
			t.Errorf("%s was dealt %d times in three rounds of %d", c.name, counts[c.name], c.cards)
		}
	}
	// One that cannot be played comes again within the round, the last one of it within the next.
	for range cards {
		d.putBack(d.draw())
	}
	for clear(counts); len(d.left) > 0; {
		counts[d.draw().name]++
	}
	for _, c := range all {
		if counts[c.name] < c.cards {
			t.Errorf("%s was put back and dealt %d times of %d", c.name, counts[c.name], c.cards)
		}
	}
	if len(all)+len(missing) != 25 {
		t.Errorf("%d classes, without %v", len(all), missing)
	}
}

// Who takes his plan back leaves another's alone.
func TestArm(t *testing.T) {
	p := &process{pointFile: filepath.Join(t.TempDir(), "plan")}
	arm := func(plan string) func() error {
		disarm, err := p.arm(plan)
		if err != nil {
			t.Fatal(err)
		}
		return disarm
	}
	slow, crash := arm("log-append-before=delay:5ms"), arm("fsync-after=crash:3")
	if err := slow(); err != nil {
		t.Error(err)
	}
	if plan, err := os.ReadFile(p.pointFile); err != nil || string(plan) != "fsync-after=crash:3" {
		t.Errorf("the later plan is %q (%v)", plan, err)
	}
	for range 2 { // it may have happened meanwhile
		if err := crash(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(p.pointFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there still: %v", err)
	}
}

func TestMendDue(t *testing.T) {
	var b breaker
	var ended atomic.Int32
	now := time.Now()
	one := func(after time.Duration, err error) fault {
		return fault{"x", now.Add(after), func() error { ended.Add(1); return err }}
	}
	left := b.mendDue([]fault{one(-1, nil), one(time.Hour, nil), one(0, errors.New("no"))}, now)
	b.mending.Wait()
	if ended.Load() != 2 || len(left) != 1 || b.failure() == nil {
		t.Errorf("%d ended, %d left, %v", ended.Load(), len(left), b.failure())
	}
}
