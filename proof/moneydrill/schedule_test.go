package main

import (
	"slices"
	"testing"
	"time"
)

// A seed decides a schedule; another seed, or the other hand, decides another one.
func TestPlanIsTheSeeds(t *testing.T) {
	of := func(seed, hand uint64) []strike {
		return plan(seed, hand, time.Hour, providerClasses, providerPauseMean)
	}
	first := of(7, 0)
	if !slices.Equal(first, of(7, 0)) || slices.Equal(first, of(8, 0)) || slices.Equal(first, of(7, 1)) {
		t.Error("the seed and the hand do not decide it")
	}
}

// A hand does one fault at a time, within the run, and of two minutes on every class.
func TestPlan(t *testing.T) {
	for seed := range uint64(200) {
		for _, hand := range []struct {
			classes []class
			pause   time.Duration
		}{{providerClasses, providerPauseMean}, {nodeClasses, nodePauseMean}} {
			for _, duration := range []time.Duration{2 * time.Minute, time.Hour} {
				mustBeWhole(t, plan(seed, 0, duration, hand.classes, hand.pause), duration, hand.classes)
			}
		}
	}
}

func mustBeWhole(t *testing.T, all []strike, duration time.Duration, classes []class) {
	t.Helper()
	free := time.Duration(0)
	for _, s := range all {
		i := slices.IndexFunc(classes, func(c class) bool { return c.name == s.class })
		if i < 0 || s.at < free || s.length < classes[i].min || s.length > classes[i].max || s.at+s.length > duration {
			t.Fatalf("%+v after %v", s, free)
		}
		free = s.at + s.length
	}
	for _, c := range classes {
		if !slices.ContainsFunc(all, func(s strike) bool { return s.class == c.name }) {
			t.Errorf("no %s in %v", c.name, duration)
		}
	}
}

// The shares of means are of a hundred.
func TestMeans(t *testing.T) {
	shares := 0
	for _, m := range allMeans {
		shares += m.share
	}
	if shares != 100 {
		t.Errorf("%d of a hundred", shares)
	}
}
