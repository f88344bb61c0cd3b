package sequencer

import "encoding/binary"

// refusal is what is remembered of a refused buy that carried a key.
type refusal struct {
	key      KeyDigest
	seq      uint64
	sale     uint16
	quantity uint8
	min      uint8
	code     Code
}

func (r *refusal) sameBody(c *Command) bool {
	return r.sale == c.Sale && r.quantity == c.Quantity && r.min == leastOf(c)
}

// generation holds up to RefusalKeysMax refusals.
type generation struct {
	refusals paged[refusal]
	index    index
	hash     uint64 // sum of the fingerprints
}

// refusals remembers the newest keyed refusals in two generations: the older
// one is dropped whole when the newer is full, so forgetting costs nothing and
// is the same on every replica.
type refusals struct {
	newer, older *generation
	limit        uint32 // of one generation
}

func newRefusals(limit uint32) refusals {
	return refusals{newer: new(generation), older: new(generation), limit: limit}
}

// keyHash spreads a digest over the index. A digest is a cryptographic hash, but
// a broken front-end could send others: mixed, they cannot pile up in one place.
func keyHash(key *KeyDigest) uint64 {
	return mix(binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:]))
}

func (r *refusals) find(key *KeyDigest) *refusal {
	if known := r.newer.find(key); known != nil {
		return known
	}
	return r.older.find(key)
}

func (g *generation) find(key *KeyDigest) *refusal {
	search := g.index.search(keyHash(key))
	for {
		_, number, found := search.next()
		if !found {
			return nil
		}
		if known := g.refusals.at(number); known.key == *key {
			return known
		}
	}
}

func (r *refusals) add(entry refusal) {
	if r.newer.refusals.length >= r.limit {
		r.older, r.newer = r.newer, new(generation)
	}
	r.newer.add(entry)
}

func (g *generation) add(entry refusal) {
	g.index.insert(keyHash(&entry.key), g.refusals.length)
	g.refusals.push(entry)
	g.hash += entry.fingerprint()
}
