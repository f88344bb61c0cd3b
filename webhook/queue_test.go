package webhook

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 takes a fresh one")

// seeded returns randomness that a failed test can repeat.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test -run '%s' -seed %d", t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// dumbQueue is the queue again, as one list that is searched from its beginning.
type dumbQueue struct {
	items    []*item
	underWay map[*item]bool
}

func (d *dumbQueue) take(now time.Time) *item {
	var best *item
	behind := map[string]bool{}
	for _, i := range d.items {
		if behind[i.event.Subject] {
			continue
		}
		behind[i.event.Subject] = true
		if d.underWay[i] || i.due.After(now) {
			continue
		}
		if best == nil || i.due.Before(best.due) || i.due.Equal(best.due) && i.number < best.number {
			best = i
		}
	}
	return best
}

func (d *dumbQueue) bytes() (sum int) {
	for _, i := range d.items {
		sum += i.bytes()
	}
	return sum
}

func (d *dumbQueue) oldest() (oldest time.Time) {
	for _, i := range d.items {
		if oldest.IsZero() || i.event.Time.Before(oldest) {
			oldest = i.event.Time
		}
	}
	return oldest
}

// The queue hands out what a list that is searched does, whatever is done to it.
func TestQueueIsTheList(t *testing.T) {
	random := seeded(t)
	for range 200 {
		q, d := newQueue(), &dumbQueue{underWay: map[*item]bool{}}
		now := time.Unix(0, 0)
		for number := uint64(1); number <= 300; number++ {
			now = now.Add(time.Duration(random.IntN(3)) * time.Second)
			switch random.IntN(6) {
			case 0, 1:
				i := &item{number: number, due: now.Add(time.Duration(random.IntN(5)) * time.Second),
					event: Event{Subject: fmt.Sprint(random.IntN(6)), Time: now, Body: make([]byte, random.IntN(9))}}
				q.add(i)
				d.items = append(d.items, i)
			case 2, 3:
				got, want := q.take(now), d.take(now)
				if got != want {
					t.Fatalf("taken is %+v, wanted %+v", got, want)
				}
				if got != nil {
					d.underWay[got] = true
				}
			case 4:
				for i := range d.underWay {
					delete(d.underWay, i)
					if random.IntN(2) == 0 {
						i.due = now.Add(time.Duration(random.IntN(9)) * time.Second)
						q.putOff(i)
					} else {
						q.resolve(i)
						d.items = slices.DeleteFunc(d.items, func(other *item) bool { return other == i })
					}
					break
				}
			case 5:
				if random.IntN(20) == 0 {
					q.hasten(func() time.Time { return now })
				}
			}
			if oldest, some := q.oldest(); q.count != len(d.items) || q.bytes != d.bytes() || some != (len(d.items) > 0) || !oldest.Equal(d.oldest()) {
				t.Fatalf("%d events of %d bytes, oldest %v; wanted %d, %d, %v", q.count, q.bytes, oldest, len(d.items), d.bytes(), d.oldest())
			}
		}
	}
}

// Full jitter: a pause is anything up to what the schedule says, and never at once.
func TestDelays(t *testing.T) {
	random := seeded(t)
	for attempts, most := range map[int]time.Duration{0: 5 * time.Second, 1: 5 * time.Second, 2: 30 * time.Second, 4: 10 * time.Minute,
		8: 12 * time.Hour, 9: 12 * time.Hour, 1000: 12 * time.Hour} {
		low, high := most, time.Duration(0)
		for range 1000 {
			pause := delay(attempts, random)
			low, high = min(low, pause), max(high, pause)
		}
		if low < delayMin || high > most || low > most/10 || high < most*9/10 {
			t.Errorf("after %d attempts: %v to %v, wanted all of %v to %v", attempts, low, high, delayMin, most)
		}
	}
}
