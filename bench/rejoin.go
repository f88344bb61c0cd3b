package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// RejoinOptions says how large the state of three nodes is, and how fast they sell, when one
// of them is killed and comes back.
type RejoinOptions struct {
	Setup
	Waiting  uint64        // orders that wait before the kill
	Rate     int           // buys a second from then on
	Groups   int           // of buyers that press in each second: about as many batches
	Away     time.Duration // from the kill to the start
	LimitMax time.Duration // in which the node must come back
}

// DefaultRejoinOptions is a hot sale a minute after its tickets are gone.
func DefaultRejoinOptions() RejoinOptions {
	return RejoinOptions{Setup: Setup{Nodes: 3, Log: io.Discard}, Waiting: 5_000_000, Rate: 8000, Groups: 1000, Away: 20 * time.Second,
		LimitMax: 3 * time.Minute}
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
	if err := o.check(3); err != nil {
		return nil, err
	}
	c, err := startCluster(ctx, &o.Setup, randomSecret(), 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.terminate(), os.RemoveAll(c.dir)) }()
	return o.sell(ctx, c)
}

// rejoinDoors are front-ends, among which the groups are shared out.
const rejoinDoors = 2

// sell fills the cluster, and goes on selling while a node is killed and comes back.
func (o *RejoinOptions) sell(ctx context.Context, c *cluster) (*RejoinReport, error) {
	leader, _, err := c.createSale(ctx, contract.NewSale{ID: "rejoin", Quantity: 1, Waitlist: sequencer.WaitlistMax})
	if err != nil {
		return nil, err
	}
	doors := openDoors(c, leader, rejoinDoors)
	defer doors.close()
	fmt.Fprintf(o.Log, "%d orders begin to wait\n", o.Waiting)
	// As many at a time as front-ends bring; how fast they come does not matter here.
	doors.let(ctx, &crowd{requests: o.Waiting, rate: 200_000, prefix: "buyer-"})

	selling, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	group.Go(func() {
		doors.let(selling, &crowd{requests: math.MaxUint64, rate: float64(o.Rate), prefix: "late-",
			step: rejoinDoors * time.Second / time.Duration(o.Groups)})
	})
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
	if err := c.start(away); err != nil {
		return nil, err
	}
	o.watch(ctx, c, away, leader, r)
	after, err := leader.metrics(ctx)
	r.Sold = (after["onsale_applied_seq"] - before["onsale_applied_seq"]) / time.Since(killed).Seconds()
	r.Snapshots = after[`onsale_snapshots_total{result="taken"}`] - before[`onsale_snapshots_total{result="taken"}`]
	r.Installs = strings.Count(away.process.Output(), "Installed remote snapshot")
	r.PeakBytes = memory(away.process.PID())
	paths, _ := filepath.Glob(filepath.Join(away.dataDir, "journal-*"))
	for _, path := range paths {
		r.Pieces = append(r.Pieces, filepath.Base(path))
	}
	return r, err
}

// watch waits until a node is ready and shows what the leader decides.
func (o *RejoinOptions) watch(ctx context.Context, c *cluster, back, leader *node, r *RejoinReport) {
	started := time.Now()
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
		return r.ReadySeconds > 0 && r.CurrentSeconds > 0
	})
}
