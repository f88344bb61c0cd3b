package bench

import (
	"bufio"
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Every address of 127.0.0.0/8 is this machine's, so a connection can come from any
// of them: the server sees thousands of senders in thousands of /24s as it would see
// them on the internet, by the connection's own address and not by a header's word.
const (
	hostsPerNetwork  = 254
	honestPerNetwork = 8 // honest buyers of one /24
	botsFirst        = 64
	honestFirst      = 128
)

// addressIn returns the address of a host in the n-th /24 from 127.first.0.0 on.
func addressIn(first, network, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(first + network>>8), byte(network), byte(1 + host)})
}

func (o *BotsOptions) botAddress(n uint64) netip.Addr {
	i := int(n % uint64(o.Addresses))
	return addressIn(botsFirst, i%o.Networks, i/o.Networks)
}

func honestAddress(buyer int) netip.Addr {
	return addressIn(honestFirst, buyer/honestPerNetwork, buyer%honestPerNetwork)
}

// visitor is one connection from an address of its own.
type visitor struct {
	conn   net.Conn
	in     *bufio.Reader
	buffer []byte
}

// answerMax bounds the wait for one answer.
const answerMax = 30 * time.Second

func (v *visitor) connect(ctx context.Context, from netip.Addr, to string) (err error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), Timeout: answerMax}
	if v.conn, err = d.DialContext(ctx, "tcp", to); err != nil {
		return err
	}
	if v.in == nil {
		v.in = bufio.NewReaderSize(v.conn, 4096)
	} else {
		v.in.Reset(v.conn)
	}
	return v.conn.(*net.TCPConn).SetLinger(0) // no port waits for stragglers
}

func (v *visitor) ask(request []byte) (answer response, err error) {
	_ = v.conn.SetDeadline(time.Now().Add(answerMax))
	if _, err = v.conn.Write(request); err != nil {
		return response{}, err
	}
	answer, v.buffer, err = readResponse(v.in, v.buffer)
	return answer, err
}

func (v *visitor) leave() {
	if v.conn != nil {
		v.conn.Close()
		v.conn = nil
	}
}

// botPrefix begins the id of every bot.
const botPrefix = "bot-"

// botTally is what the bots were told.
type botTally struct {
	outcomes     map[string]uint64
	connections  uint64
	began, ended time.Time
}

// press is the attack: each connection sends its next request when the last one was
// answered, or when it is due as well; it heeds no Retry-After, has a bot chosen at random and a new key each time,
// and after some requests goes on from the next address.
func (a *attack) press(ctx context.Context) botTally {
	all := botTally{outcomes: map[string]uint64{}, began: time.Now()}
	var next, connections atomic.Uint64
	var mu sync.Mutex
	var group sync.WaitGroup
	for range a.options.Connections {
		group.Go(func() {
			outcomes := a.pressOn(ctx, all.began, &next, &connections)
			mu.Lock()
			defer mu.Unlock()
			add(all.outcomes, outcomes)
		})
	}
	group.Wait()
	all.ended, all.connections = time.Now(), connections.Load()
	return all
}

func (a *attack) pressOn(ctx context.Context, began time.Time, next, connections *atomic.Uint64) map[string]uint64 {
	outcomes := map[string]uint64{}
	request := newBuyRequest("onsale", botsSale, a.options.Quantity, newMinter(a.secret, time.Now()))
	v, user, sent := &visitor{}, []byte(botPrefix), 0
	defer v.leave()
	for ctx.Err() == nil {
		n := next.Add(1)
		if n > a.options.Requests {
			break
		}
		if rate := time.Duration(a.options.PerSecond); rate > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / rate)))
		}
		if sent == a.options.RequestsPer {
			v.leave()
		}
		if v.conn == nil {
			sent = 0
			if err := v.connect(ctx, a.options.botAddress(connections.Add(1)), a.address); err != nil {
				outcomes["no connection"]++
				v.leave()
				continue
			}
		}
		sent++
		user = strconv.AppendInt(user[:len(botPrefix)], int64(rand.IntN(a.options.Bots)), 10)
		answer, err := v.ask(request.by(user, n, ""))
		if err != nil {
			outcomes["no answer"]++
			v.leave()
			continue
		}
		outcomes[answer.outcome()]++
	}
	return outcomes
}

// honestTally is how the honest fared.
type honestTally struct {
	mu       sync.Mutex
	latency  *hdrhistogram.Histogram // microseconds
	outcomes map[string]uint64
	retries  uint64
	pressed  []time.Time
}

// buy lets every honest buyer press once, at a time chosen at random, and returns when
// all have their answers.
func (a *attack) buy(ctx context.Context, answers []string) *honestTally {
	t := &honestTally{latency: hdrhistogram.New(1, 120_000_000, 3), outcomes: map[string]uint64{}}
	var group sync.WaitGroup
	for i := range answers {
		at := a.opens.Add(pressDelay + rand.N(a.options.Over))
		group.Go(func() {
			select {
			case <-time.After(time.Until(at)):
			case <-ctx.Done():
				return
			}
			outcome, retries := a.buyOne(ctx, i, answers[i])
			t.told(at, outcome, retries)
		})
	}
	group.Wait()
	return t
}

// pressDelay is how long after the opening the quickest person presses.
const pressDelay = 50 * time.Millisecond

func (t *honestTally) told(pressed time.Time, outcome string, retries uint64) {
	took := time.Since(pressed)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes[outcome]++
	t.retries += retries
	t.pressed = append(t.pressed, pressed)
	_ = t.latency.RecordValue(max(1, took.Microseconds())) // over the bound it counts as the bound
}

// honestPatience is how long an honest buyer goes on trying, always with one key.
const honestPatience = 60 * time.Second

// buyOne buys one ticket, and comes back when and as it is told to.
func (a *attack) buyOne(ctx context.Context, buyer int, solved string) (outcome string, retries uint64) {
	minter := newMinter(a.secret, time.Now())
	user := strconv.AppendInt([]byte(buyerPrefix), int64(buyer), 10)
	request := newBuyRequest("onsale", botsSale, 1, minter).by(user, uint64(buyer), solved)
	v := &visitor{}
	defer v.leave()
	for began := time.Now(); ; retries++ {
		answer, err := v.askFrom(ctx, honestAddress(buyer), a.address, request)
		pause := max(answer.retryAfter, 200*time.Millisecond)
		switch {
		case err != nil:
			outcome = "no answer"
			v.leave()
		case answer.status == 429 || answer.status >= 500:
			outcome = answer.outcome()
		default:
			return answer.outcome(), retries
		}
		if time.Since(began) > honestPatience || ctx.Err() != nil {
			return outcome, retries
		}
		time.Sleep(pause)
	}
}

func (v *visitor) askFrom(ctx context.Context, from netip.Addr, to string, request []byte) (response, error) {
	if v.conn == nil {
		if err := v.connect(ctx, from, to); err != nil {
			return response{}, err
		}
	}
	return v.ask(request)
}
