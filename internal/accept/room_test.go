package accept

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// house is a room with connections that have names.
type house struct {
	t     *testing.T
	room  *Room
	ended map[string]bool
}

func newHouse(t *testing.T, c Config) *house {
	return &house{t: t, room: NewRoom(c), ended: map[string]bool{}}
}

func (h *house) enter(name, address string) *Place {
	h.t.Helper()
	p := h.try(name, address)
	if p == nil {
		h.t.Fatalf("%s finds no place", name)
	}
	return p
}

func (h *house) try(name, address string) *Place {
	var p *Place
	p = h.room.NewPlace(netip.MustParseAddr(address), false, func() { h.ended[name] = true; p.Leave() })
	if !p.Enter() {
		return nil
	}
	return p
}

// gave checks who has given way so far.
func (h *house) gave(names ...string) {
	h.t.Helper()
	for _, name := range names {
		if !h.ended[name] {
			h.t.Errorf("%s has not given way; %v have", name, h.ended)
		}
	}
	if len(h.ended) != len(names) {
		h.t.Errorf("%v have given way, expected are %v", h.ended, names)
	}
}

// The oldest of the address that has most gives way, then of the others.
func TestStrangersGiveWay(t *testing.T) {
	h := newHouse(t, Config{Max: 5, KeepTime: time.Minute})
	h.enter("lone", "192.0.2.9")
	for _, name := range []string{"a1", "a2", "a3"} {
		h.enter(name, "192.0.2.1")
	}
	known := h.enter("known", "192.0.2.1")
	known.Prove(time.Now())
	h.enter("b1", "192.0.2.2")
	h.gave("a1")
	h.enter("b2", "192.0.2.2")
	h.gave("a1", "a2")
	h.enter("b3", "192.0.2.2")
	h.enter("b4", "192.0.2.2")
	h.gave("a1", "a2", "b1", "b2")
	if s := h.room.Stats(); s.Open != 5 || s.Strangers != 4 || s.Evicted != [evictedCount]uint64{4, 0} || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

// Who is in a request keeps the place, and one that has given way begins none.
func TestRequestsKeepTheirPlaces(t *testing.T) {
	h := newHouse(t, Config{Max: 2})
	busy, idle := h.enter("busy", "192.0.2.1"), h.enter("idle", "192.0.2.1")
	if begins := busy.Begin(); !begins || !busy.Begin() {
		t.Fatal("a request does not begin")
	}
	third := h.enter("third", "192.0.2.1")
	h.gave("idle")
	if idle.Begin() {
		t.Error("who has given way is in a request")
	}
	third.Begin()
	if h.try("fourth", "192.0.2.2") != nil {
		t.Error("there is room beside two requests")
	}
	busy.End()
	h.enter("fifth", "192.0.2.2")
	h.gave("idle", "busy")
	if s := h.room.Stats(); s.Refused != 1 || s.Open != 2 {
		t.Errorf("%+v", s)
	}
}

// A proof keeps the place as long as it says, from the last one.
func TestProofKeepsThePlace(t *testing.T) { synctest.Test(t, testProofKeepsThePlace) }

func testProofKeepsThePlace(t *testing.T) {
	h := newHouse(t, Config{Max: 2, KeepTime: time.Minute})
	first, second := h.enter("first", "192.0.2.1"), h.enter("second", "192.0.2.1")
	first.Prove(time.Now())
	second.Prove(time.Now())
	time.Sleep(50 * time.Second)
	first.Prove(time.Now())
	if h.try("third", "192.0.2.2") != nil {
		t.Fatal("somebody gave way whose proof is good")
	}
	time.Sleep(50 * time.Second)
	h.enter("fourth", "192.0.2.2").Prove(time.Now())
	h.gave("second")
	if h.try("fifth", "192.0.2.2") != nil {
		t.Fatal("a proof was forgotten")
	}
	time.Sleep(11 * time.Second)
	h.enter("sixth", "192.0.2.2")
	h.gave("second", "first")
}

// Strangers have bounds of their own, which who proves himself leaves.
func TestStrangersBounds(t *testing.T) {
	h := newHouse(t, Config{Max: 100, StrangersMax: 3, StrangersPerAddressMax: 2, KeepTime: time.Minute})
	h.enter("a1", "192.0.2.1")
	h.enter("a2", "192.0.2.1")
	h.enter("b1", "192.0.2.2")
	h.enter("a3", "192.0.2.1")
	h.gave("a1")
	h.enter("c1", "192.0.2.3")
	h.gave("a1", "a2")
	for range 5 {
		h.enter("d", "192.0.2.4").Prove(time.Now())
	}
	h.gave("a1", "a2", "b1") // for the first of them, who was a stranger when it came
	if s := h.room.Stats(); s.Open != 7 || s.Strangers != 2 {
		t.Errorf("%+v", s)
	}
}

// Who keeps the place is counted and never asked to go; leaving twice is once.
func TestKeepersAndLeaving(t *testing.T) {
	r := NewRoom(Config{Max: 1})
	keeper := r.NewPlace(netip.Addr{}, true, func() { t.Error("a keeper gave way") })
	other := r.NewPlace(netip.Addr{}, false, nil)
	if !keeper.Enter() || other.Enter() {
		t.Error("a keeper's place was given away")
	}
	keeper.Leave()
	keeper.Leave()
	if r.Stats().Open != 0 || !other.Enter() {
		t.Error("the place is not free")
	}
	var none *Place
	none.End()
	none.Prove(time.Now())
	none.Leave()
	if !none.Begin() {
		t.Error("who has no place is stopped")
	}
}
