package sequencer

import "hash/maphash"

// State is all sales and orders of a cluster as of one place in the log. Create
// it with New or ReadSnapshot. It belongs to one goroutine.
type State struct {
	now int64
	seq uint64 // of the last decided command
	// height counts the batches since the cluster's first: the journal's height. It
	// decides nothing.
	height uint64

	sales      []*sale           // by number - 1
	saleNumber map[string]uint16 // look-ups only, never iterated
	nextStart  int64             // earliest start of a sale after now; 0 when there is none

	orders   paged[order] // in the order of their seqs
	users    index        // by user: the number of the user's newest order
	pairs    index        // owned.go has these three
	keys     index
	branches map[uint32]uint32
	texts    arena // user ids and references
	timers   timers
	// unsettled has the numbers of the orders that Unsettled returns. It follows
	// from the orders and decides nothing.
	unsettled numbers
	sessions  sessions

	attempts attempts
	bounces  bounces
	parts    parts
	disputes disputes
	accounts accounts
	tickets  tickets

	references     paged[reference]
	referenceBytes uint64 // of a snapshot that has them
	referencesHash uint64 // sum of the fingerprints

	births     []Birth // oldest first
	birthsHash uint64
	born       *Birth // the birth that the current batch makes; nil for none
	level      uint16 // of the formats, from LevelFirst on

	holds holdClock

	ordersHash uint64 // sum of the orders' fingerprints
	salesHash  uint64 // sum of the sales' fingerprints as of the end of the last batch

	touched []uint16 // sales that the current batch changed
	before  uint32   // Event.Before for events of now

	// Within a batch: how many of the next commands are one forwarded batch,
	// executed or not.
	forwarded, notTaken uint32

	out *Decisions

	// hashSeed spreads users over the index. It differs from replica to
	// replica, so that nobody can choose user ids that collide; it decides
	// where a slot lies and nothing else, because an index is only searched,
	// never walked.
	hashSeed maphash.Seed
	keySeed  uint64            // the same for keys
	ahead    [lookAhead]uint64 // hashes of the users of the next commands
	// touchedSlots receives what lookUpAhead read; nobody needs its value.
	touchedSlots uint64
}

// sale is one sale's state.
type sale struct {
	spec      SaleSpec
	number    uint16
	createdAt int64
	revision  uint32 // counts the seller's changes
	changed   change // the newest of them

	paused, closed, cancelled bool

	sold, held, withheld, available uint32
	waiting                         uint32 // orders in the waitlist
	waitingTickets                  uint64
	servedSeq                       uint64
	counters                        Counters

	wait    waitlist
	hash    uint64 // the fingerprint that salesHash includes
	touched bool

	specHash         uint64 // the spec's fingerprint
	specHashRevision uint32 // as of which it was made; 0 for none
}

// change is a seller's or an operator's command that a sale took.
type change struct {
	by  string // whose it was; "" when nobody said so
	seq uint64
	at  int64 // log time
}

// New returns the state before the first batch.
func New() *State {
	seed := maphash.MakeSeed()
	return &State{
		saleNumber: map[string]uint16{},
		branches:   map[uint32]uint32{},
		bounces:    bounces{at: map[uint64]uint32{}},
		parts:      parts{newest: map[uint32]uint32{}},
		disputes:   disputes{at: map[uint32]uint32{}},
		accounts:   accounts{newest: map[uint32]uint32{}},
		tickets:    tickets{of: map[uint32]uint32{}, newest: map[uint32]uint32{}},
		attempts:   attempts{ofOrder: map[uint32]uint32{}, ofUser: map[textRef]uint32{}},
		level:      LevelFirst,
		hashSeed:   seed,
		keySeed:    maphash.String(seed, "keys"),
	}
}

// Seq returns the seq of the last decided command; 0 before the first.
func (s *State) Seq() uint64 { return s.seq }

// Now returns the log's time in nanoseconds since the Unix epoch.
func (s *State) Now() int64 { return s.now }

// Hash returns a hash of the whole state, at a cost that does not depend on its
// size. Replicas that applied the same batches have the same hash.
func (s *State) Hash() uint64 {
	h := mix(mix(s.seq, uint64(s.now)), s.height)
	h = mix(h, s.ordersHash)
	h = mix(h, s.salesHash)
	h = mix(h, s.sessions.hash)
	h = mix(mix(h, s.birthsHash), s.referencesHash)
	if bounced := s.bounces.hash; bounced != 0 {
		h = mix(h, bounced)
	}
	if given := s.parts.hash; given != 0 {
		h = mix(h, given)
	}
	if told := s.disputes.hash; told != 0 {
		h = mix(h, told)
	}
	if named := s.accounts.namesHash; named != 0 {
		h = mix(h, named)
	}
	if moved := s.accounts.hash; moved != 0 {
		h = mix(h, moved)
	}
	if given := s.tickets.mintedHash + s.tickets.revokedHash; given != 0 {
		h = mix(h, given)
	}
	if tried := s.attempts.hash + s.attempts.usersHash; tried != 0 {
		h = mix(h, tried)
	}
	if s.level > LevelFirst {
		h = mix(h, uint64(s.level))
	}
	if clock := s.holds.fingerprint(); clock != 0 {
		h = mix(h, clock)
	}
	return h
}

// NextDue returns the earliest log time at which something happens without a
// command: a hold ends, a payment outlasts its limit, or a sale starts.
func (s *State) NextDue() (time int64, any bool) {
	if !s.timers.empty() {
		time, any = s.holds.reached(s.timers.first().due), true
	}
	if s.nextStart > 0 && (!any || s.nextStart < time) {
		time, any = s.nextStart, true
	}
	return time, any
}

// HoldsLive reports whether there is an order whose hold, or payment's limit, will end.
func (s *State) HoldsLive() bool { return !s.timers.empty() }

// TouchedSales returns the numbers of the sales that the last batch changed, in
// the order in which it first did. The slice is reused by the next Apply.
func (s *State) TouchedSales() []uint16 { return s.touched }

// touch notes that a sale's numbers change in this batch.
func (s *State) touch(sale *sale) {
	if !sale.touched {
		sale.touched = true
		s.touched = append(s.touched, sale.number)
	}
}

// find returns the sale with a number, and marks it as touched; nil when there
// is none.
func (s *State) find(number uint16) *sale {
	if number == 0 || int(number) > len(s.sales) {
		return nil
	}
	sale := s.sales[number-1]
	s.touch(sale)
	return sale
}

// findNextStart looks for the next sale that starts after now.
func (s *State) findNextStart() {
	s.nextStart = 0
	for _, sale := range s.sales {
		starts := sale.spec.StartsAt
		if starts > s.now && !sale.closed && (s.nextStart == 0 || starts < s.nextStart) {
			s.nextStart = starts
		}
	}
}
