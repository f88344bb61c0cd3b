package accept

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// triesMax bounds the places that are looked at for one that gives way.
const triesMax = 64

// Config says how many connections there may be.
type Config struct {
	// Max bounds them in all.
	Max int
	// StrangersMax bounds those that never proved who they are, StrangersPerAddressMax
	// those of one address; 0 means no bound but Max.
	StrangersMax, StrangersPerAddressMax int
	// KeepTime is for how long a proof keeps an idle connection's place.
	KeepTime time.Duration
}

// Room bounds open connections. It is safe for concurrent use.
type Room struct {
	config  Config
	refused atomic.Uint64
	evicted [evictedCount]atomic.Uint64

	mu        sync.Mutex
	open      int
	strangers crowd
	known     list.List // of *Place, by noted, the earliest first
}

// Evicted is whose place another one got.
type Evicted uint8

// The places that are given to others.
const (
	EvictedStranger Evicted = iota // it never proved itself
	EvictedStale                   // it did, longer than Config.KeepTime ago
	evictedCount
)

// EvictedNames are those of the metrics, by Evicted.
var EvictedNames = [evictedCount]string{"never", "expired"}

// NewRoom returns a room with nobody in it.
func NewRoom(config Config) *Room {
	return &Room{config: config, strangers: newCrowd()}
}

// Place is a connection's in a room. A nil Place is one that no room counts.
type Place struct {
	room    *Room
	address netip.Addr
	end     func()
	keeps   bool
	state   atomic.Uint32
	proven  atomic.Int64 // when, in Unix nanoseconds; 0 for never

	// Guarded by the room's lock.
	in      bool
	group   *group        // of a stranger
	order   uint64        // of a stranger: where it is in line
	element *list.Element // in group, or in the room's known
	noted   int64         // proven, as far as its place in known shows it
}

// What a connection is doing.
const (
	placeIdle uint32 = iota
	placeBusy        // in a request
	placeGone        // another one has the place
)

// NewPlace returns a place for a connection of an address, which has not entered. Who keeps
// its place never gives way. end ends the connection at once and leaves; it is called from
// another one's Enter, and must not wait.
func (r *Room) NewPlace(address netip.Addr, keeps bool, end func()) *Place {
	return &Place{room: r, address: address, keeps: keeps, end: end}
}

// Enter takes the place; false when there is none.
func (p *Place) Enter() bool {
	victim, entered := p.room.enter(p, time.Now().UnixNano())
	if victim != nil {
		victim.end()
	}
	if !entered {
		p.room.refused.Add(1)
	}
	return entered
}

func (r *Room) enter(p *Place, now int64) (victim *Place, entered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !p.keeps && isFull(r.strangers.sizeOf(p.address), r.config.StrangersPerAddressMax):
		victim = r.strangers.idleAt(p.address)
	case !p.keeps && isFull(r.strangers.count, r.config.StrangersMax):
		victim = r.strangers.idle()
	case r.open >= r.config.Max:
		if victim = r.strangers.idle(); victim == nil {
			victim = r.stale(now)
		}
	default:
		r.add(p)
		return nil, true
	}
	if victim == nil {
		return nil, false
	}
	r.remove(victim)
	r.add(p)
	return victim, true
}

func isFull(count, most int) bool { return most > 0 && count >= most }

func (r *Room) add(p *Place) {
	p.in = true
	r.open++
	if !p.keeps {
		r.strangers.add(p)
	}
}

func (r *Room) remove(p *Place) {
	if !p.in {
		return
	}
	p.in = false
	r.open--
	switch {
	case p.group != nil:
		r.strangers.remove(p)
	case p.element != nil:
		r.known.Remove(p.element)
		p.element = nil
	}
}

// stale takes a place whose proof is too old from who has it; nil for none. A place is
// noted where it was proven last when somebody looks: so a request with a proof takes no
// lock, and all behind one that was proven in time were proven later.
func (r *Room) stale(now int64) *Place {
	for range triesMax {
		first := r.known.Front()
		if first == nil {
			return nil
		}
		p := first.Value.(*Place)
		proven := p.proven.Load()
		switch {
		case proven > p.noted:
			p.noted = proven
		case now-p.noted <= int64(r.config.KeepTime):
			return nil
		case p.take():
			return p
		default:
			p.noted = now // it is in a request
		}
		r.known.MoveToBack(first)
	}
	return nil
}

// take takes the place from a connection that is idle.
func (p *Place) take() bool {
	if !p.state.CompareAndSwap(placeIdle, placeGone) {
		return false
	}
	why := EvictedStranger
	if p.proven.Load() != 0 {
		why = EvictedStale
	}
	p.room.evicted[why].Add(1)
	return true
}

// Begin says that the connection's request was read. It is false when another one has the
// place: then nothing may be done about the request.
func (p *Place) Begin() bool {
	return p == nil || p.state.Load() == placeBusy || p.state.CompareAndSwap(placeIdle, placeBusy)
}

// End says that the request was answered.
func (p *Place) End() {
	if p != nil && p.state.Load() == placeBusy {
		p.state.CompareAndSwap(placeBusy, placeIdle)
	}
}

// Prove says that the connection proved at now who it is, within a request or before its
// first one.
func (p *Place) Prove(now time.Time) {
	if p == nil || p.proven.Swap(now.UnixNano()) != 0 || p.keeps {
		return
	}
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.in && p.group != nil {
		r.strangers.remove(p)
		p.noted = now.UnixNano()
		p.element = r.known.PushBack(p)
	}
}

// Leave gives the place back; more than once is nothing more.
func (p *Place) Leave() {
	if p == nil {
		return
	}
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.room.remove(p)
}

// Stats is what a room counts.
type Stats struct {
	Open, Strangers, Max int
	Refused              uint64
	Evicted              [evictedCount]uint64
}

// Stats returns what there is now, and what was counted.
func (r *Room) Stats() Stats {
	r.mu.Lock()
	s := Stats{Open: r.open, Strangers: r.strangers.count, Max: r.config.Max, Refused: r.refused.Load()}
	r.mu.Unlock()
	for why := range s.Evicted {
		s.Evicted[why] = r.evicted[why].Load()
	}
	return s
}

// AddressOf returns the address under which a connection counts: of IPv6 the /64, which
// is what one subscriber has. It is not valid for one that has none.
func AddressOf(conn net.Conn) netip.Addr {
	tcp, isTCP := conn.RemoteAddr().(*net.TCPAddr)
	if !isTCP {
		return netip.Addr{}
	}
	return NetworkOf(tcp.AddrPort().Addr().Unmap())
}

// NetworkOf returns the same of an address.
func NetworkOf(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	network, _ := address.WithZone("").Prefix(64) // 64 fits
	return network.Addr()
}
