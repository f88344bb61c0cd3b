package bench

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// wrkScript lets wrk buy.
//
//go:embed wrk/buyers.lua
var wrkScript string

// wrkRateMin is the least rate for which wrk gets tokens.
const wrkRateMin = 100_000

// wrk runs it with one thread, whose script has a token for each request.
func (w *courtroom) wrk(ctx context.Context, sale string, _ int) (sighting, error) {
	buyers := uint64(max(wrkRateMin, 3*w.fastest) * w.o.Duration.Seconds())
	first := w.take(buyers)
	minter := newMinter(w.secret, time.Now())
	tokens, err := w.file("tokens", func(out io.Writer) error {
		lines, text := bufio.NewWriterSize(out, 1<<20), []byte(nil)
		for n := first + 1; n <= first+buyers; n++ {
			text = append(minter.appendToken(text[:0], strconv.AppendUint([]byte(buyerPrefix), n, 10)), '\n')
			lines.Write(text) // the writer keeps its first error for Flush
		}
		return lines.Flush()
	})
	if err != nil {
		return sighting{}, err
	}
	script, err := w.file("buyers.lua", func(out io.Writer) error { _, err := io.WriteString(out, wrkScript); return err })
	if err != nil {
		return sighting{}, err
	}
	text, err := output(ctx, w.o.Duration, []string{"TOKENS=" + tokens, "SALE=" + sale}, nil, w.o.Wrk,
		"-t1", "-c"+strconv.Itoa(w.o.Connections), "-d"+w.o.Duration.String(), "--latency", "-s", script, "http://"+w.address())
	if err != nil {
		return sighting{}, err
	}
	s, err := parseWrk(text)
	if err == nil && s.answers > buyers {
		err = fmt.Errorf("%w: wrk had %d tokens and sent %d requests", errWitness, buyers, s.answers)
	}
	return s, err
}

// parseWrk reads what wrk prints with --latency.
func parseWrk(text []byte) (s sighting, err error) {
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
		case words[0] == "50%":
			s.p50, err = wrkMillis(words[1])
		case words[0] == "99%":
			s.p99, err = wrkMillis(words[1])
		case words[0] == "Requests/sec:":
			s.rate, err = strconv.ParseFloat(words[1], 64)
		case words[1] == "requests" && len(words) > 2 && words[2] == "in":
			s.answers, err = strconv.ParseUint(words[0], 10, 64)
		case words[0] == "Non-2xx" || words[0] == "Socket":
			for _, word := range words {
				n, _ := strconv.ParseUint(strings.TrimSuffix(word, ","), 10, 64) // words between the numbers count nothing
				s.fail += n
			}
		}
		if err != nil {
			return s, fmt.Errorf("%w: %q: %w", errWitness, line, err)
		}
	}
	if s.rate == 0 || s.p50 == 0 || s.p99 == 0 || s.answers == 0 {
		return s, fmt.Errorf("%w: wrk said %q", errWitness, text)
	}
	return s, nil
}

// wrkMillis reads a time as wrk writes it: 250.00us, 5.80ms, 1.20s.
func wrkMillis(text string) (float64, error) {
	d, err := time.ParseDuration(text)
	return float64(d) / 1e6, err
}

// vegeta sends requests that are written down before, each of another buyer.
func (w *courtroom) vegeta(ctx context.Context, sale string, rate int) (sighting, error) {
	requests := uint64(float64(rate)*w.o.Duration.Seconds()) + uint64(rate) // it may send some more than it was asked for
	first := w.take(requests)
	minter := newMinter(w.secret, time.Now())
	targets, err := w.file("targets", func(out io.Writer) error {
		lines := bufio.NewWriterSize(out, 1<<20)
		encoder := json.NewEncoder(lines)
		for n := first + 1; n <= first+requests; n++ {
			token := minter.appendToken(nil, strconv.AppendUint([]byte(buyerPrefix), n, 10))
			if err := encoder.Encode(map[string]any{"method": "POST", "url": fmt.Sprintf("http://%s/v1/tickets?q=1&sale=%s", w.address(), sale),
				"header": map[string][]string{"Authorization": {"Bearer " + string(token)}, "Idempotency-Key": {"k-" + strconv.FormatUint(n, 10)}}}); err != nil {
				return err
			}
		}
		return lines.Flush()
	})
	if err != nil {
		return sighting{}, err
	}
	hits, err := output(ctx, w.o.Duration, nil, nil, w.o.Vegeta, "attack", "-format=json", "-lazy", "-targets="+targets, fmt.Sprintf("-rate=%d/s", rate),
		"-duration="+w.o.Duration.String(), "-workers="+strconv.Itoa(w.o.Connections), "-connections="+strconv.Itoa(w.o.Connections), "-timeout=10s")
	if err != nil {
		return sighting{}, err
	}
	text, err := output(ctx, w.o.Duration, nil, hits, w.o.Vegeta, "report", "-type=json")
	if err != nil {
		return sighting{}, err
	}
	return parseVegeta(text)
}

// parseVegeta reads vegeta's report in JSON.
func parseVegeta(text []byte) (sighting, error) {
	var report struct {
		Latencies struct {
			P50 float64 `json:"50th"`
			P99 float64 `json:"99th"`
		} `json:"latencies"`
		Requests   uint64            `json:"requests"`
		Throughput float64           `json:"throughput"`
		Statuses   map[string]uint64 `json:"status_codes"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return sighting{}, fmt.Errorf("%w: vegeta said %q: %w", errWitness, text, err)
	}
	s := sighting{rate: report.Throughput, p50: report.Latencies.P50 / 1e6, p99: report.Latencies.P99 / 1e6, answers: report.Requests}
	s.fail = s.answers - min(s.answers, report.Statuses["200"]+report.Statuses["202"])
	if s.answers == 0 {
		return s, fmt.Errorf("%w: vegeta said %q", errWitness, text)
	}
	return s, nil
}

// output runs a witness to its end, which comes soon after its time.
func output(ctx context.Context, duration time.Duration, environment []string, input []byte, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, duration+time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(ownEnvironment(), environment...)
	c.Stdin = bytes.NewReader(input)
	text, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("%s: %w: %s", program, err, exit.Stderr)
	}
	return text, err
}
