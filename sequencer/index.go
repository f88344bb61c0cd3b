package sequencer

// index finds numbers by hash: open addressing with linear probing, in 256
// shards that grow one by one, so that growing at ten million entries stalls a
// decision for one shard (40,000 numbers) and not for all of them. It keeps no
// keys: whoever asks compares what the number stands for. At most half of the
// slots are used, so that a search seldom leaves its first cache line.
//
//	slot bits 63..32  tag: the lower half of the hash
//	slot bits 31..0   number + 1; 0 means empty
//
// A slot's home is the upper bits of its tag, so a shard grows without the keys
// and in order of memory. Nothing is ever removed.
type index struct {
	shards [256]indexShard
}

type indexShard struct {
	slots []uint64 // a power of two
	bits  uint     // log2(len(slots))
	used  int
}

const indexShardBitsMin = 4

func (x *index) shard(hash uint64) *indexShard { return &x.shards[hash>>56] }

// home returns where the search for a tag begins.
func (s *indexShard) home(tag uint32) uint32 { return tag >> (32 - s.bits) }

// peek reads the slot at which a search will begin. Doing so for a whole batch
// first lets the memory answer many requests at a time instead of one.
func (x *index) peek(hash uint64) uint64 {
	s := x.shard(hash)
	if s.bits == 0 {
		return 0
	}
	return s.slots[s.home(uint32(hash))]
}

// search is where a look-up stands. next moves it to the next number whose tag
// is the hash's.
type search struct {
	shard    *indexShard
	position uint32
	tag      uint32
}

func (x *index) search(hash uint64) search {
	s := x.shard(hash)
	if s.bits == 0 {
		return search{shard: s}
	}
	return search{shard: s, position: s.home(uint32(hash)), tag: uint32(hash)}
}

// next returns the slot of the next candidate, or false when there is none.
func (q *search) next() (slot *uint64, number uint32, found bool) {
	mask := uint32(len(q.shard.slots) - 1)
	if q.shard.bits == 0 {
		return nil, 0, false
	}
	for {
		slot = &q.shard.slots[q.position&mask]
		if *slot == 0 {
			return nil, 0, false
		}
		q.position++
		if uint32(*slot>>32) == q.tag {
			return slot, uint32(*slot) - 1, true
		}
	}
}

// setNumber makes a slot stand for another number of the same key.
func setNumber(slot *uint64, number uint32) {
	*slot = *slot&^0xffffffff | uint64(number+1)
}

// insert adds a number whose key is not in the index yet.
func (x *index) insert(hash uint64, number uint32) {
	s := x.shard(hash)
	if s.bits == 0 || s.used*2 >= len(s.slots) {
		s.grow()
	}
	s.place(uint64(uint32(hash))<<32 | uint64(number+1))
	s.used++
}

func (s *indexShard) place(slot uint64) {
	mask := uint32(len(s.slots) - 1)
	position := s.home(uint32(slot >> 32))
	for s.slots[position&mask] != 0 {
		position++
	}
	s.slots[position&mask] = slot
}

func (s *indexShard) grow() {
	old := s.slots
	s.bits = max(indexShardBitsMin, s.bits+1)
	s.slots = make([]uint64, 1<<s.bits)
	for _, slot := range old {
		if slot != 0 {
			s.place(slot)
		}
	}
}
