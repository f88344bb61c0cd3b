package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"onsale/api/apitest"
	"onsale/api/conn"
	"onsale/proof/testenv"
)

// attackVariable names the environment variable that makes a process of this test an
// attacker of an address, until its standard input ends; with allVariable by all means.
const attackVariable, allVariable = "ONSALE_TEST_ATTACK", "ONSALE_TEST_ATTACK_ALL"

// idleAttackers is how many connections are held without a use.
const idleAttackers = 10_000

// benchAttackers are thousands of connections: those that hold on and those that send
// too much, and when all are wanted also those that do not read, break off, or are more
// than one address may have.
func benchAttackers(all bool) []attacker {
	attackers := []attacker{
		{"127.0.2.1", 500, time.Second, slowly("GET /v1/tickets HTTP/1.1\r\nX-A: ", "a")},
		{"127.0.2.2", 500, time.Second, slowly(payHead+"Content-Length: 4000\r\n\r\n", " ")},
		{"127.0.2.3", 20, 200 * time.Millisecond, hugely},
	}
	if all {
		attackers = append(attackers,
			attacker{"127.0.2.4", 10, 200 * time.Millisecond, unread},
			attacker{"127.0.2.5", 100, 100 * time.Millisecond, brokenly}, // 1,000 connections a second
			attacker{"127.0.2.6", 800, time.Second, idly})                // 200 more than one address may have
	}
	const each = 500
	for i := range idleAttackers / each {
		attackers = append(attackers, attacker{fmt.Sprintf("127.0.3.%d", i+1), each, time.Second, idly})
	}
	return attackers
}

// attackUntilTold is the attacking process. It steps behind the others, because it would
// have a machine of its own.
func attackUntilTold(address string) {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19)
	ctx, cancel := context.WithCancel(context.Background())
	var attacks sync.WaitGroup
	for _, a := range benchAttackers(os.Getenv(allVariable) != "") {
		attacks.Go(func() { a.attack(ctx, address) })
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	attacks.Wait()
}

// startAttack starts the attacking process. here returns when its idle connections are
// there, stop ends it and returns when they are gone.
func startAttack(b *testing.B, public *Public, address string, all bool) (here, stop func()) {
	honest := public.conns.Open()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), attackVariable+"="+address)
	if all {
		child.Env = append(child.Env, allVariable+"=1")
	}
	stdin, err := child.StdinPipe()
	must(b, err)
	must(b, child.Start())
	here = func() {
		testenv.Eventually(b, time.Minute, "all attackers", func() bool { return public.conns.Open() >= honest+idleAttackers })
	}
	return here, func() {
		_ = stdin.Close()
		must(b, child.Wait())
		testenv.Eventually(b, time.Minute, "no attacker", func() bool { return public.conns.Open() <= honest })
	}
}

// BenchmarkHonestBesideAttackers measures the answers of honest buys at a fixed pace,
// in turns alone, while the attackers arrive, and beside them when they are there. The
// metric p99-ratio is the last to the first.
//
//	go test -run '^$' -bench HonestBesideAttackers -benchtime 1x ./api
func BenchmarkHonestBesideAttackers(b *testing.B) {
	b.Run("holding", func(b *testing.B) { benchHonest(b, false) })
	b.Run("all", func(b *testing.B) { benchHonest(b, true) })
}

func benchHonest(b *testing.B, all bool) {
	const turns, length = 6, 5 * time.Second
	verifier := apitest.Verifier(b)
	config := benchConfig()
	config.ReadTimeout, config.WriteTimeout = DefaultConfig().ReadTimeout, DefaultConfig().WriteTimeout
	config.ConnectionsPerAddressMax = 600
	public, err := NewPublic(config, OneCluster(0, newConstantBackend()), verifier, NewMetrics(verifier))
	must(b, err)
	f := &fixture{t: b, client: &http.Client{}}
	address := f.start(public)
	connections := make([]net.Conn, 64)
	for i := range connections {
		connections[i], err = net.Dial("tcp", address)
		must(b, err)
		defer connections[i].Close()
	}
	alone, arriving, beside := newLatencyHistogram(), newLatencyHistogram(), newLatencyHistogram()
	measureHonest(b, connections, newLatencyHistogram(), time.Second) // warm up
	for range turns {
		measureHonest(b, connections, alone, length)
		here, stop := startAttack(b, public, address, all)
		measureHonest(b, connections, arriving, length)
		here()
		measureHonest(b, connections, beside, length)
		stop()
	}
	milliseconds := func(h *hdrhistogram.Histogram, q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1e6 }
	for _, q := range []float64{50, 99} {
		b.ReportMetric(milliseconds(alone, q), fmt.Sprintf("alone-p%.0f-ms", q))
		b.ReportMetric(milliseconds(arriving, q), fmt.Sprintf("arriving-p%.0f-ms", q))
		b.ReportMetric(milliseconds(beside, q), fmt.Sprintf("beside-p%.0f-ms", q))
	}
	b.ReportMetric(milliseconds(beside, 99)/milliseconds(alone, 99), "p99-ratio")
	b.ReportMetric(float64(alone.TotalCount()+arriving.TotalCount()+beside.TotalCount()), "buys")
	b.ReportMetric(float64(public.conns.Refused(conn.RefusedAddress)), "refused-connections")
	b.ReportMetric(float64(public.conns.ReadTimeouts()), "read-timeouts")
}

func newLatencyHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(time.Minute), 3)
}

// measureHonest sends a buy on each connection ten times a second. An answer's time runs
// from when its request was due, so that a stall shows in all requests that it delayed.
func measureHonest(b *testing.B, connections []net.Conn, into *hdrhistogram.Histogram, length time.Duration) {
	const pace = 100 * time.Millisecond
	var all sync.WaitGroup
	var mu sync.Mutex
	request, begin := benchBuy(b), time.Now()
	for i, connection := range connections {
		all.Go(func() {
			own, reader := newLatencyHistogram(), bufio.NewReader(connection)
			due := begin.Add(pace * time.Duration(i) / time.Duration(len(connections)))
			for ; due.Sub(begin) < length; due = due.Add(pace) {
				time.Sleep(time.Until(due))
				if err := buyOn(connection, reader, request); err != nil {
					b.Error(err)
					return
				}
				_ = own.RecordValue(int64(time.Since(due))) // within its range
			}
			mu.Lock()
			into.Merge(own)
			mu.Unlock()
		})
	}
	all.Wait()
}

func buyOn(connection net.Conn, reader *bufio.Reader, request []byte) error {
	if _, err := connection.Write(request); err != nil {
		return err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err = io.Copy(io.Discard, response.Body); err == nil && response.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("an honest buy is answered %d", response.StatusCode)
	}
	return err
}
