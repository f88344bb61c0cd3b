package sequencer

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Times and durations are spelled as package time spells them, which the rules must not
// import.
func TestSpelledAsTimeDoes(t *testing.T) {
	all := []int64{0, 1, -1, 999, 59_999_999_999, 60_000_000_000, 3_600_000_000_000, DurationMax, DurationMax + 1, TimeMax, TimeMax + 1,
		math.MaxInt64, math.MinInt64, 951_782_400_000_000_000, 951_868_799_999_999_999, 4_107_542_400_000_000_000}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		all = append(all, int64(random.Uint64()>>random.UintN(64)), -int64(random.Uint64()>>1))
	}
	for _, n := range all {
		if got, want := spellTime(n), time.Unix(0, n).UTC().Format(time.RFC3339); got != want {
			t.Fatalf("%d is %s, want %s", n, got, want)
		}
		got := spellDuration(n)
		if back, err := time.ParseDuration(got); err != nil || int64(back) != n {
			t.Fatalf("%d ns are %s, which is read as %d ns, %v", n, got, back, err)
		}
		if d := time.Duration(n); d.Abs() >= time.Second && got != d.String() {
			t.Fatalf("%d ns are %s, want %s", n, got, d)
		}
	}
}

// Who sends what is out of range is told so in times and durations.
func TestRangeErrorsSpeakTime(t *testing.T) {
	for want, set := range map[string]func(*SaleSpec){
		"hold is 0s, allowed is more than 0s, up to 720h0m0s":                        func(s *SaleSpec) { s.Hold = 0 },
		"hold is 720h0m1s, allowed is more than 0s, up to 720h0m0s":                  func(s *SaleSpec) { s.Hold = DurationMax + nanosecondsASecond },
		"promoted_hold is -5m0s, allowed is 0s to 720h0m0s":                          func(s *SaleSpec) { s.PromotedHold = -300 * nanosecondsASecond },
		"grace is -1s, allowed is 0s to 720h0m0s":                                    func(s *SaleSpec) { s.Grace = -nanosecondsASecond },
		"cool_down is 0.25s, allowed is 0s without expired_holds_max":                func(s *SaleSpec) { s.CoolDown = nanosecondsASecond / 4 },
		"cool_down is 0s, allowed is more than 0s, up to 720h0m0s":                   func(s *SaleSpec) { s.ExpiredHoldsMax = 1 },
		"starts_at is 2120-06-01T00:00:00Z, allowed is a time between 1970 and 2116": func(s *SaleSpec) { s.StartsAt = 4_746_643_200 * nanosecondsASecond },
	} {
		s := usualSpec()
		set(&s)
		if err := s.Validate(); !errors.Is(err, ErrBadSpec) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}

	births := []Birth{{FirstSeq: 1, Cluster: ClusterID{1}, Time: 90 * nanosecondsASecond, Cause: BirthNew}}
	_, err := NextBirth(births, 1, &Command{Kind: KindBirth, Key: KeyDigest{2}, Count: uint32(BirthRestore)})
	if !errors.Is(err, ErrBirth) || !strings.Contains(err.Error(), "1m30s before") {
		t.Errorf("%v", err)
	}
}
