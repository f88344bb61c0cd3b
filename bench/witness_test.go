package bench

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestParseWrk(t *testing.T) {
	text := `Running 2s test @ http://127.0.0.1:1
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   635.91us    0.89ms  12.92ms   93.69%
    Req/Sec    56.20k     8.07k   62.00k    86.54%
  Latency Distribution
     50%  250.00us
     75%  491.00us
     90%  700.00us
     99%    5.80ms
  22464 requests in 2.00s, 17.76MB read
`
	want := sighting{rate: 11232.5, p50: 0.25, p99: 5.8, answers: 22464}
	if got, err := parseWrk([]byte(text + "Requests/sec:  11232.50\nTransfer/sec:    606.33MB\n")); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	want.fail = 7
	if got, err := parseWrk([]byte(text + "  Socket errors: connect 0, read 1, write 0, timeout 2\n  Non-2xx or 3xx responses: 4\nRequests/sec:  11232.50\n")); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "unable to connect", text, text + "Requests/sec: many\n", "  50% soon\n"} {
		if _, err := parseWrk([]byte(bad)); !errors.Is(err, errWitness) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestParseVegeta(t *testing.T) {
	text := `{"latencies":{"50th":391981,"99th":49570442},"requests":27,"rate":52,"throughput":11.5,"status_codes":{"0":1,"200":20,"202":4,"503":2},"errors":["x"]}`
	got, err := parseVegeta([]byte(text))
	if err != nil || got.rate != 11.5 || math.Abs(got.p50-0.391981) > 1e-9 || math.Abs(got.p99-49.570442) > 1e-9 || got.answers != 27 || got.fail != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "{}", "no targets"} {
		if _, err := parseVegeta([]byte(bad)); !errors.Is(err, errWitness) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestJudgeSightings(t *testing.T) {
	all := judgeSightings([]sighting{{rate: 100, p50: 1, p99: 10}, {rate: 120, p50: 1, p99: 30}, {rate: 110, p50: 1, p99: 20}},
		[]sighting{{rate: 100, p50: 2, p99: 10}, {rate: 100, p50: 2, p99: 10}, {rate: 100, p50: 2, p99: 10}})
	if len(all) != 3 || all[0].Ours != 110 || all[0].Theirs != 100 || math.Abs(all[0].Ratio-1.1) > 1e-9 || !all[0].Within() || all[1].Ratio != 0.5 || all[1].Within() || all[2].Ratio != 2 {
		t.Errorf("%+v", all)
	}
}

func TestWitnessOptionsAreChecked(t *testing.T) {
	for _, change := range []func(*WitnessOptions){
		func(o *WitnessOptions) { o.Rounds = 0 }, func(o *WitnessOptions) { o.Connections = 1001 }, func(o *WitnessOptions) { o.Rate = 0 },
		func(o *WitnessOptions) { o.Duration = 1500 * time.Millisecond }, func(o *WitnessOptions) { o.Wrk, o.Vegeta = "", "" },
	} {
		o := DefaultWitnessOptions()
		change(&o)
		if _, err := RunWitness(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
