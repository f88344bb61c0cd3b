package sequencer

import (
	"bytes"
	"encoding/binary"
)

// A user's orders are found in two ways: those of one sale, of which there are at most
// OrdersPerUserMax, by every buy; and those of all sales by readers. One link in the
// order's record serves both while a user buys in one sale, as nearly all do: it leads to
// the user's order before, of any sale. What users with orders in several sales need
// beside it lies in side tables, which follow from the orders and are in no snapshot:
//
//	users     user          the newest order
//	pairs     user, sale    the newest order in that sale; exact for every sale of a user
//	                        with several but that of the newest order
//	branches  order         the order before in the same sale, where the link leads to
//	                        another sale's
//	keys      key digest    the orders of users with several sales: a key is bound in all
//	                        of them, and the walk over one sale does not find it

// owned is what a user has when a buy is decided. Orders are given as their number + 1;
// 0 means none.
type owned struct {
	hash    uint64  // of the user
	slot    *uint64 // in users; nil for a user without orders
	newest  uint32  // of any sale
	inSale  uint32  // the newest in the sale of the buy
	several bool    // there are orders in another sale
}

// ownedBy looks up what a user has, as a buy in a sale needs it.
func (s *State) ownedBy(user []byte, hash uint64, sale uint16) owned {
	slot, newest := s.user(user, hash)
	own := owned{hash: hash, slot: slot, newest: newest, inSale: newest}
	if newest == 0 {
		return own
	}

	if o := s.orders.at(newest - 1); o.sale != sale {
		own.several = true
		_, own.inSale = s.pair(hash, o.user, sale)
	} else {
		own.several = s.hasSeveral(newest)
	}
	return own
}

// user finds the user's slot in the index and the user's newest order; nil and 0 for a
// user without orders.
func (s *State) user(user []byte, hash uint64) (slot *uint64, newest uint32) {
	search := s.users.search(hash)
	for {
		slot, number, found := search.next()
		if !found {
			return nil, 0
		}
		if bytes.Equal(s.texts.get(s.orders.at(number).user), user) {
			return slot, number + 1
		}
	}
}

// pair finds the slot and the order that pairs has for a user and a sale.
func (s *State) pair(hash uint64, user textRef, sale uint16) (slot *uint64, newest uint32) {
	search := s.pairs.search(pairHash(hash, sale))
	for {
		slot, number, found := search.next()
		if !found {
			return nil, 0
		}
		if o := s.orders.at(number); o.sale == sale && o.user == user {
			return slot, number + 1
		}
	}
}

func pairHash(user uint64, sale uint16) uint64 { return mix(user, uint64(sale)) }

// hasSeveral reports whether the user of an order, given as the newest's number + 1, has
// orders in another sale as well.
func (s *State) hasSeveral(newest uint32) bool {
	o := s.orders.at(newest - 1)
	for o.previous != 0 {
		before := s.orders.at(o.previous - 1)
		if before.sale != o.sale {
			return true
		}
		o = before
	}
	return false
}

// previousInSale returns the order that the user made before this one in the same sale,
// as its number + 1; 0 for none.
func (s *State) previousInSale(number uint32) uint32 {
	o := s.orders.at(number)
	if o.previous == 0 || s.orders.at(o.previous-1).sale == o.sale {
		return o.previous
	}
	return s.branches[number]
}

// orderByKey finds the order that a key of the user is bound to.
func (s *State) orderByKey(key *KeyDigest, own owned) (number uint32, bound bool) {
	if number, bound = s.walkForKey(key, own.inSale); bound || !own.several {
		return number, bound
	}
	// Who has orders in one other sale only has none in keys yet.
	if number, bound = s.walkForKey(key, own.newest); bound {
		return number, true
	}

	user := s.orders.at(own.newest - 1).user
	search := s.keys.search(s.keyHash(key))
	for {
		_, number, found := search.next()
		if !found {
			return 0, false
		}
		if o := s.orders.at(number); o.key == *key && o.user == user {
			return number, true
		}
	}
}

// walkForKey looks for a key in an order, given as its number + 1, and in those that the
// user made before it in the same sale.
func (s *State) walkForKey(key *KeyDigest, newest uint32) (number uint32, bound bool) {
	for ; newest != 0; newest = s.previousInSale(newest - 1) {
		if s.orders.at(newest-1).key == *key {
			return newest - 1, true
		}
	}
	return 0, false
}

// keyHash spreads a digest over the index. A digest is a cryptographic hash, but a broken
// front-end could send others: mixed with the seed that each replica draws, they cannot
// pile up in one place.
func (s *State) keyHash(key *KeyDigest) uint64 {
	h := mix(s.keySeed, binary.LittleEndian.Uint64(key[:8]))
	return mix(h, binary.LittleEndian.Uint64(key[8:]))
}

// addOrder appends an order and makes it the user's newest. own is what ownedBy returned
// for the order's sale.
func (s *State) addOrder(o order, user []byte, own owned) {
	number := s.orders.length
	o.previous = own.newest

	if own.slot == nil {
		o.user = s.texts.put(user)
		s.users.insert(own.hash, number)
	} else {
		o.user = s.orders.at(own.newest - 1).user
		setNumber(own.slot, number)
	}
	s.orders.push(o)

	if own.several {
		s.branch(number, &o, own)
	}
}

// branch brings the side tables of a user with several sales up to date after a new order.
func (s *State) branch(number uint32, o *order, own owned) {
	if before := s.orders.at(own.newest - 1); before.sale != o.sale {
		if !s.hasSeveral(own.newest) { // the second sale: until now the walk found every key
			for earlier := own.newest; earlier != 0; earlier = s.orders.at(earlier - 1).previous {
				s.addKey(earlier - 1)
			}
		}
		if slot, _ := s.pair(own.hash, o.user, before.sale); slot != nil {
			setNumber(slot, own.newest-1)
		} else {
			s.pairs.insert(pairHash(own.hash, before.sale), own.newest-1)
		}
		if own.inSale != 0 {
			s.branches[number] = own.inSale
		}
	}
	s.addKey(number)
}

// addKey puts an order's key into keys, if it has one.
func (s *State) addKey(number uint32) {
	if key := &s.orders.at(number).key; *key != (KeyDigest{}) {
		s.keys.insert(s.keyHash(key), number)
	}
}
