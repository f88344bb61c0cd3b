package naive

import "onsale/sequencer"

// refusedBuy is a refusal that carried an idempotency key.
type refusedBuy struct {
	wish
	seq  uint64
	code sequencer.Code
}

// refusals remembers keys in two generations. The newest RefusalKeysMax are
// always in one of them; what is older goes with its generation.
type refusals struct {
	current, previous map[sequencer.KeyDigest]refusedBuy
}

func newRefusals() refusals {
	return refusals{current: map[sequencer.KeyDigest]refusedBuy{}}
}

func (k *refusals) remember(key sequencer.KeyDigest, refused refusedBuy) {
	if key == (sequencer.KeyDigest{}) {
		return
	}
	if len(k.current) >= sequencer.RefusalKeysMax {
		k.previous, k.current = k.current, map[sequencer.KeyDigest]refusedBuy{}
	}
	k.current[key] = refused
}

func (k *refusals) find(key sequencer.KeyDigest) (refusedBuy, bool) {
	if refused, known := k.current[key]; known {
		return refused, true
	}
	refused, known := k.previous[key]
	return refused, known
}
