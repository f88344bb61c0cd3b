package sequencer

// reference is what the buyer's side calls an order. Few orders have one, so it is no part
// of their records: the table has them in the order of the orders' numbers.
type reference struct {
	order uint32
	text  textRef
}

// refer notes a new order's reference, if it has one.
func (s *State) refer(number uint32, text []byte) {
	if len(text) == 0 {
		return
	}
	s.references.push(reference{number, s.texts.put(text)})
	s.referenceBytes += 8 + 1 + uint64(len(text))
	s.referencesHash += referenceFingerprint(s.orders.at(number).seq, text)
}

// reference returns an order's reference; empty for none.
func (s *State) reference(number uint32) []byte {
	at := s.referenceFrom(number)
	if at == s.references.length || s.references.at(at).order != number {
		return nil
	}
	return s.texts.get(s.references.at(at).text)
}

// referenceFrom returns the place of the first reference of an order from a number on.
func (s *State) referenceFrom(number uint32) uint32 {
	low, high := uint32(0), s.references.length
	for low < high {
		middle := low + (high-low)/2
		if s.references.at(middle).order < number {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

func referenceFingerprint(seq uint64, text []byte) uint64 { return mixBytes(seq, text) }
