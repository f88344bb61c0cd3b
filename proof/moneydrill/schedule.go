package main

import (
	"math/rand/v2"
	"time"
)

// The classes of faults. Those of the provider's hand come first.
const (
	providerKilled    = "provider killed"
	providerDown      = "provider down"
	providerSlow      = "provider slow"
	providerThrottles = "provider throttles"
	booksLost         = "books lost"
	accountChanged    = "account changed"
	leaderKilled      = "leader killed"
	leaderPaused      = "leader paused"
	followerKilled    = "follower killed"
	frontEndKilled    = "front-end killed"
	allKilled         = "all nodes killed"
)

// class is a kind of fault: how often it comes, and for how long.
type class struct {
	name     string
	cards    int // in a deck
	min, max time.Duration
}

var providerClasses = []class{
	{providerKilled, 2, 0, 300 * time.Millisecond},
	{providerDown, 2, time.Second, time.Minute},
	{providerSlow, 2, 3 * time.Second, 15 * time.Second},
	{providerThrottles, 1, 5 * time.Second, 15 * time.Second},
	{booksLost, 1, 5 * time.Second, 40 * time.Second},
	{accountChanged, 1, 8 * time.Second, time.Minute},
}

var nodeClasses = []class{
	{leaderKilled, 3, 200 * time.Millisecond, 5 * time.Second},
	{leaderPaused, 1, time.Second, 8 * time.Second},
	{followerKilled, 2, 200 * time.Millisecond, 5 * time.Second},
	{frontEndKilled, 2, 200 * time.Millisecond, 2 * time.Second},
	{allKilled, 1, 200 * time.Millisecond, 2 * time.Second},
}

// The mean times between the end of a hand's fault and its next one.
const (
	providerPauseMean = 6 * time.Second
	nodePauseMean     = 8 * time.Second
)

// lengthShare is the part of a run that one fault may take.
const lengthShare = 8

// strike is one fault of a schedule.
type strike struct {
	class  string
	at     time.Duration // after the start
	length time.Duration
	pick   int // which of several it strikes
}

// plan draws a hand's schedule. Seed, hand and duration alone decide it. One fault of each class
// comes before any comes again; then decks are dealt with all cards.
func plan(seed, hand uint64, duration time.Duration, classes []class, pauseMean time.Duration) []strike {
	random := rand.New(rand.NewPCG(seed, hand))
	var all []strike
	for at, first := time.Duration(0), true; ; first = false {
		for _, c := range deal(random, classes, first) {
			pause := time.Duration(random.ExpFloat64() * float64(pauseMean))
			at += min(pause, 3*pauseMean)
			s := strike{c.name, at, c.lasts(random, duration/lengthShare), random.IntN(1 << 16)}
			if at += s.length; at > duration {
				return all
			}
			all = append(all, s)
		}
	}
}

// deal shuffles a deck: of one card of each class, or of all.
func deal(random *rand.Rand, classes []class, first bool) []class {
	var deck []class
	for _, c := range classes {
		cards := c.cards
		if first {
			cards = 1
		}
		for range cards {
			deck = append(deck, c)
		}
	}
	random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

// lasts draws how long a fault lasts, most often nearer to its least.
func (c *class) lasts(random *rand.Rand, most time.Duration) time.Duration {
	most = max(c.min, min(c.max, most))
	at := random.Float64()
	return (c.min + time.Duration(at*at*float64(most-c.min))).Round(time.Millisecond)
}
