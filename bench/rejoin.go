package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"onsale/sequencer"
)

// RejoinOptions says how large the state of three nodes is, and how fast they sell, when one
// of them is killed and comes back.
type RejoinOptions struct {
	Program    string
	DataParent string
	Waiting    uint64        // orders that wait before the kill
	Rate       int           // buys a second from then on
	Groups     int           // of buyers that press in each second: about as many batches
	Away       time.Duration // from the kill to the start
	LimitMax   time.Duration // in which the node must come back
	Flags      []string      // beside what every node has
	Log        io.Writer
}

// DefaultRejoinOptions is a hot sale a minute after its tickets are gone.
func DefaultRejoinOptions() RejoinOptions {
	return RejoinOptions{Waiting: 5_000_000, Rate: 8000, Groups: 1000, Away: 20 * time.Second, LimitMax: 3 * time.Minute, Log: io.Discard}
}

// RejoinReport is how the node came back.
type RejoinReport struct {
	Machine string `json:"machine"`
	Waiting uint64 `json:"waiting"`
	Rate    int    `json:"rate"`
	// Sold is how many buys were decided a second while the node was away and came back.
	Sold     float64 `json:"sold_a_second"`
	Installs int     `json:"installs"` // of snapshots from the leader
	// ReadySeconds is from the start until /readyz said so, CurrentSeconds until the node
	// showed what the leader had decided half a second before; 0 when it never did.
	ReadySeconds   float64 `json:"ready_seconds"`
	CurrentSeconds float64 `json:"current_seconds"`
	// BehindAtReady is how many decisions it was behind the leader when it said ready.
	BehindAtReady uint64 `json:"behind_at_ready"`
	// Snapshots is how many the leader took meanwhile.
	Snapshots float64 `json:"leader_snapshots"`
	// PeakBytes is the most memory of the node that came back, WasBytes of the one killed.
	PeakBytes int64    `json:"peak_bytes"`
	WasBytes  int64    `json:"was_bytes"`
	Pieces    []string `json:"journal_pieces"` // folders beside its journal when it was back
}

// Exact returns nil when the node came back.
func (r *RejoinReport) Exact() error {
	if r.ReadySeconds == 0 || r.CurrentSeconds == 0 {
		return fmt.Errorf("%w: the node did not come back", errMissed)
	}
	return nil
}

// RunRejoin runs the drill. It leaves no process behind, and no data.
func RunRejoin(ctx context.Context, o RejoinOptions) (r *RejoinReport, err error) {
	if o.Rate < 1 || o.Groups < 1 || o.Groups > o.Rate {
		return nil, fmt.Errorf("%w: at least one buy a second, in no more groups", ErrOptions)
	}
	c, err := startCluster(ctx, clusterOptions{program: o.Program, parent: o.DataParent, nodes: 3, secret: randomSecret(), flags: o.Flags})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.terminate(), os.RemoveAll(c.dir)) }()
	return o.run(ctx, c)
}

func (o *RejoinOptions) run(ctx context.Context, c *cluster) (*RejoinReport, error) {
	leader, _, err := c.createSale(ctx, "rejoin", &SaleOptions{Tickets: 1, Waitlist: sequencer.WaitlistMax})
	if err != nil {
		return nil, err
	}
	// As many at a time as front-ends bring; how fast they come does not matter here.
	rush := RushOptions{FrontEnds: 2, Requests: o.Waiting, Over: time.Duration(o.Waiting) * 5 * time.Microsecond, Log: o.Log}
	doors := rush.doors(c, leader)
	defer func() {
		for _, d := range doors {
			_ = d.client.Close() // everybody has been answered
		}
	}()
	fmt.Fprintf(o.Log, "%d orders begin to wait\n", o.Waiting)
	started := time.Now()
	eachDoor(doors, func(d *door) { d.let(&rush, started) })

	selling, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	for i, d := range doors {
		group.Go(func() { d.sell(selling, o.Rate/len(doors), o.Groups/len(doors), "late-"+strconv.Itoa(i)+"-") })
	}
	r, err := o.comeBack(ctx, c, leader)
	stop()
	group.Wait()
	for _, d := range doors {
		if len(d.errors) > 0 {
			fmt.Fprintln(o.Log, "not decided:", d.errors)
		}
	}
	return r, err
}

func eachDoor(doors []*door, do func(*door)) {
	var group sync.WaitGroup
	for _, d := range doors {
		group.Go(func() { do(d) })
	}
	group.Wait()
}

// sell lets buyers in at a rate, in groups of those who press at once, until ctx ends.
func (d *door) sell(ctx context.Context, rate, groups int, prefix string) {
	user, next, started := []byte(prefix), uint64(0), time.Now()
	for ctx.Err() == nil {
		time.Sleep(time.Second / time.Duration(groups))
		due := uint64(time.Since(started).Seconds() * float64(rate))
		frames, count := make([]byte, 0, 4096), 0
		for ; next < due && count < groupMax; next++ {
			c := sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: strconv.AppendUint(user[:len(prefix)], next, 10)}
			frames = sequencer.AppendCommand(frames, &c)
			count++
		}
		now := time.Now()
		if count > 0 {
			d.group.Go(func() { d.send(frames, count, func(int) time.Time { return now }) })
		}
	}
	d.group.Wait()
}

// comeBack kills a follower, starts it again and watches how it comes back.
func (o *RejoinOptions) comeBack(ctx context.Context, c *cluster, leader *node) (*RejoinReport, error) {
	away := c.nodes[0]
	if away == leader {
		away = c.nodes[1]
	}
	time.Sleep(2 * time.Second) // some load before the kill
	r := &RejoinReport{Machine: machine(), Waiting: o.Waiting, Rate: o.Rate, WasBytes: memory(away.process.PID())}
	before, err := leader.metrics(ctx)
	if err != nil {
		return nil, err
	}
	killed := time.Now()
	away.process.Kill()
	fmt.Fprintf(o.Log, "%s is killed; %s leads\n", away.id, leader.id)
	time.Sleep(o.Away)
	if err := c.start(o.Program, away); err != nil {
		return nil, err
	}
	o.watch(ctx, c, away, leader, r)
	after, err := leader.metrics(ctx)
	r.Sold = (after["onsale_applied_seq"] - before["onsale_applied_seq"]) / time.Since(killed).Seconds()
	r.Snapshots = after[`onsale_snapshots_total{result="taken"}`] - before[`onsale_snapshots_total{result="taken"}`]
	r.Installs = strings.Count(away.process.Output(), "Installed remote snapshot")
	r.PeakBytes = memory(away.process.PID())
	r.Pieces = pieces(away.dataDir)
	return r, err
}

// watch waits until a node is ready and shows what the leader decides.
func (o *RejoinOptions) watch(ctx context.Context, c *cluster, back, leader *node, r *RejoinReport) {
	started, told := time.Now(), time.Now()
	until(ctx, o.LimitMax, 20*time.Millisecond, func() bool {
		_, readyErr := back.get(ctx, "/readyz")
		there, err := leader.status(ctx)
		is, backErr := back.status(ctx)
		took := time.Since(started).Seconds()
		if err != nil || backErr != nil {
			return false
		}
		behind := there.Seq - min(there.Seq, is.Seq)
		if readyErr == nil && r.ReadySeconds == 0 {
			r.ReadySeconds, r.BehindAtReady = took, behind
			fmt.Fprintf(o.Log, "ready after %.1f s, %d decisions behind\n", took, behind)
		}
		if r.CurrentSeconds == 0 && behind <= uint64(o.Rate/2) {
			r.CurrentSeconds = took
			fmt.Fprintf(o.Log, "current after %.1f s\n", took)
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			fmt.Fprintf(o.Log, "%.0f s: %d decisions behind, %d installs, ready: %v\n", took, behind,
				strings.Count(back.process.Output(), "Installed remote snapshot"), readyErr)
		}
		return r.ReadySeconds > 0 && r.CurrentSeconds > 0
	})
}

// pieces returns the folders beside a node's journal.
func pieces(dataDir string) []string {
	paths, _ := filepath.Glob(filepath.Join(dataDir, "journal-*"))
	names := []string{}
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

// Print writes the report for people.
func (r *RejoinReport) Print(w io.Writer) {
	const mib = 1 << 20
	fmt.Fprintf(w, "machine        %s\nstate          %d orders wait; %.0f decisions a second meanwhile, of %d wanted\n", r.Machine, r.Waiting, r.Sold, r.Rate)
	fmt.Fprintf(w, "installs       %d; the leader took %.0f snapshots\nready          after %.1f s, %d decisions behind\ncurrent        after %.1f s\n",
		r.Installs, r.Snapshots, r.ReadySeconds, r.BehindAtReady, r.CurrentSeconds)
	fmt.Fprintf(w, "memory         at most %d MiB; before the kill %d MiB\npieces         %d: %s\n", r.PeakBytes/mib, r.WasBytes/mib,
		len(r.Pieces), strings.Join(r.Pieces, " "))
}
