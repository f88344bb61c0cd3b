package api

import (
	"hash/maphash"
	"sync/atomic"

	"onsale/sequencer"
)

// recentSlots is how many users' newest decisions a door tells apart. Users who
// share a slot make each other's reads wait a little longer, never see less.
const recentSlots = 1 << 12

// recent remembers the newest decision that this door told a user, so that what it
// shows the user next is not older.
type recent struct {
	seed  maphash.Seed
	slots [recentSlots]atomic.Uint64
}

func newRecent() *recent { return &recent{seed: maphash.MakeSeed()} }

func (r *recent) slot(cluster uint8, user []byte) *atomic.Uint64 {
	return &r.slots[(maphash.Bytes(r.seed, user)+uint64(cluster))%recentSlots]
}

// told notes a decision.
func (r *recent) told(cluster uint8, user []byte, result *sequencer.Result) {
	slot := r.slot(cluster, user)
	for known := slot.Load(); known < result.Seq; known = slot.Load() {
		if slot.CompareAndSwap(known, result.Seq) {
			return
		}
	}
}

// newest returns the newest decision that the user, or one who shares the slot, was
// told of by this door.
func (r *recent) newest(cluster uint8, user []byte) uint64 { return r.slot(cluster, user).Load() }
