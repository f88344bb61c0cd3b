package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api"
	"onsale/cluster/forward"
	"onsale/cluster/known"
	"onsale/cluster/payments"
	"onsale/internal/metric"
	"onsale/raftfsm/peer"
)

// clusterEntry is one [clusters.NAME] of a front-end's configuration.
type clusterEntry struct {
	Nodes []string `json:"nodes"` // peers' ports
	// Sales are the ids that the cluster serves, with * and ?; none means every
	// sale that it has, but those that the patterns of another cluster match.
	Sales []string `json:"sales,omitempty"`
	// Number is the cluster's, as its nodes were told (--cluster-number).
	Number uint8 `json:"number"`
}

// clusterTable is the front-end's table of clusters, which can change while it runs.
type clusterTable struct {
	peers peer.Config
	way   forward.ClientConfig // to a leader
	known *known.File          // which clusters these are
	log   *slog.Logger

	mu      sync.Mutex
	running map[string]*runningCluster
	served  atomic.Pointer[[]api.Cluster]
	shared  atomic.Pointer[[]api.SharedSale] // as of the last look
}

// runningCluster is a cluster that the front-end follows.
type runningCluster struct {
	entry  clusterEntry
	remote *forward.Remote
	known  *known.Cluster
	unfit  atomic.Pointer[error] // this process, for that cluster: why; nil while it was not found so
}

func newClusterTable(peers peer.Config, way forward.ClientConfig, remembered *known.File, log *slog.Logger) *clusterTable {
	t := &clusterTable{peers: peers, way: way, known: remembered, log: log, running: map[string]*runningCluster{}}
	t.served.Store(&[]api.Cluster{})
	return t
}

// Clusters returns the table as the API serves it.
func (t *clusterTable) Clusters() []api.Cluster { return *t.served.Load() }

// entries are the clusters that the settings name, checked.
func entries(s *frontEndSettings) (map[string]clusterEntry, error) {
	wanted := maps.Clone(s.Clusters)
	if len(s.Cluster) > 0 {
		if len(wanted) > 0 {
			return nil, fmt.Errorf("--cluster and a table of clusters; say one")
		}
		wanted = map[string]clusterEntry{"cluster": {Nodes: s.Cluster}}
	}
	if len(wanted) == 0 {
		return nil, fmt.Errorf("a front-end needs --cluster, or a table [clusters.NAME] in --config")
	}
	numbers := map[uint8]string{}
	for name, e := range wanted {
		if other, taken := numbers[e.Number]; taken {
			return nil, fmt.Errorf("the clusters %s and %s have the number %d; each needs its own", name, other, e.Number)
		}
		numbers[e.Number] = name
		if len(e.Nodes) == 0 {
			return nil, fmt.Errorf("cluster %s names no nodes", name)
		}
		for _, address := range e.Nodes {
			if _, _, err := net.SplitHostPort(address); err != nil {
				return nil, fmt.Errorf("cluster %s has node %q, expected is HOST:PORT", name, address)
			}
		}
		for _, pattern := range e.Sales {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("cluster %s has the sale pattern %q: %w", name, pattern, err)
			}
		}
	}
	return wanted, checkRouting(wanted)
}

// set makes the table what the settings say. Clusters that stay keep their
// connections; those that went are let go after what is under way had its time.
func (t *clusterTable) set(s *frontEndSettings) error {
	wanted, err := entries(s)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, entry := range wanted {
		old := t.running[name]
		if old != nil && slices.Equal(old.entry.Nodes, entry.Nodes) && old.entry.Number == entry.Number {
			old.entry = entry
			continue
		}
		if old != nil {
			t.letGo(old)
		}
		t.running[name] = t.follow(name, entry)
	}
	for name, old := range t.running {
		if _, stays := wanted[name]; !stays {
			t.letGo(old)
			delete(t.running, name)
		}
	}
	t.publish()
	return nil
}

func (t *clusterTable) follow(name string, entry clusterEntry) *runningCluster {
	config, log := t.way, t.log
	if name != "cluster" {
		log = log.With("cluster", name)
	}
	config.Logger = log
	peers, remembered := t.peers, t.known.Of(entry.Number, log)
	peers.Known = remembered
	c := &runningCluster{entry: entry, known: remembered}
	peers.Fenced = func(_ *peer.Identity, err error) {
		if !errors.Is(err, peer.ErrBelow) && !errors.Is(err, peer.ErrPseudonyms) {
			return
		}
		if before := c.unfit.Swap(&err); before == nil {
			log.Error("the nodes do not take this front-end as it is", "error", err)
		}
	}
	client := forward.NewClient(config, &peers, forward.NewDirectory(entry.Nodes), nil, forward.Limits{})
	c.remote = forward.NewRemote(client, log)
	return c
}

// refusal returns why the last node that was met is not gone on with; nil when it is.
func (c *runningCluster) refusal() error {
	if err := c.unfit.Load(); err != nil {
		return *err
	}
	return c.known.Refusal()
}

// letGo ends a cluster's connections when its requests under way have ended.
func (t *clusterTable) letGo(old *runningCluster) {
	time.AfterFunc(forward.DefaultClientConfig().DecideTimeout, func() { _ = old.remote.Close() }) // nobody asks it any more
}

func (t *clusterTable) publish() {
	wanted := map[string]clusterEntry{}
	for name, c := range t.running {
		wanted[name] = c.entry
	}
	var served []api.Cluster
	for name, c := range t.running {
		served = append(served, api.Cluster{Name: name, Number: c.entry.Number, Serves: serving(wanted, name),
			EverReached: c.remote.EverReached, Backend: c.remote, Payments: payments.ForFrontEnd(c.remote.Links()), Tickets: c.remote})
	}
	slices.SortFunc(served, func(a, b api.Cluster) int { return int(a.Number) - int(b.Number) })
	t.served.Store(&served)
}

func (t *clusterTable) names() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(t.running)), ",")
}

// staleMax is from which age of its views on a cluster counts as out of reach.
const staleMax = 2 * time.Second

// leaderAgeMax is for how long a cluster's leader may not answer before buys are better sent
// elsewhere: longer than an election takes.
const leaderAgeMax = 4 * time.Second

// What readyz says of a cluster that is down, and of one whose leader is. A front-end that
// reaches other nodes shows sales, and buys through it wait and are refused.
var (
	errOutOfReach = errors.New("no node can be reached")
	errNoLeader   = errors.New("its leader cannot be reached: buys wait, and are refused")
)

// errOtherNumber is what readyz says of a cluster whose number is not the table's.
var errOtherNumber = errors.New("the cluster has another number than the table")

// checks says of each cluster whether it can be reached. A front-end with one that
// can is ready: the others must not stop it from selling, and are warnings.
func (t *clusterTable) checks() []api.Check {
	t.mu.Lock()
	defer t.mu.Unlock()
	var checks []api.Check
	reached := 0
	for name, c := range t.running {
		check := api.Check{Name: "cluster " + name}
		is, known := c.remote.Cluster()
		switch {
		case !known || c.remote.Age() > staleMax:
			check.Err = errOutOfReach
			if err := c.refusal(); err != nil {
				check.Err = fmt.Errorf("%w: the last one %w", errOutOfReach, err)
			}
		case is.Number != c.entry.Number:
			check.Err = fmt.Errorf("%w: %d, not %d", errOtherNumber, is.Number, c.entry.Number)
		case c.remote.LeaderAge() > leaderAgeMax:
			check.Err = errNoLeader
		default:
			reached++
		}
		checks = append(checks, check)
	}
	slices.SortFunc(checks, func(a, b api.Check) int { return strings.Compare(a.Name, b.Name) })
	for i := range checks {
		checks[i].Warning = reached > 0 && (errors.Is(checks[i].Err, errOutOfReach) || errors.Is(checks[i].Err, errNoLeader))
	}
	return checks
}

// clusterState is what GET /v1/node of a front-end says of a cluster.
type clusterState struct {
	Name       string  `json:"name"`
	Number     uint8   `json:"number"`
	ClusterID  string  `json:"cluster_id"`
	Reached    bool    `json:"reached"`
	AppliedSeq uint64  `json:"applied_seq"`
	AgeSeconds float64 `json:"age_seconds"` // of the views of its sales
	Waiting    int     `json:"waiting"`     // requests for its leader
}

func (t *clusterTable) status() any {
	t.mu.Lock()
	defer t.mu.Unlock()
	states := []clusterState{}
	for name, c := range t.running {
		is, known := c.remote.Cluster()
		states = append(states, clusterState{Name: name, Number: c.entry.Number, ClusterID: is.Cluster.String(), Reached: known && c.remote.Age() <= staleMax,
			AppliedSeq: c.remote.AppliedSeq(), AgeSeconds: min(c.remote.Age(), time.Hour).Seconds(), Waiting: c.remote.Client().Waiting()})
	}
	slices.SortFunc(states, func(a, b clusterState) int { return int(a.Number) - int(b.Number) })
	return struct {
		ID       string         `json:"id"`
		Clusters []clusterState `json:"clusters"`
	}{t.peers.ID, states}
}

// Describe is for the registry: what a table has depends on when it is asked.
func (t *clusterTable) Describe(chan<- *prometheus.Desc) {}

// Collect publishes the counters of each cluster under its name.
func (t *clusterTable) Collect(to chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sharedMetrics().Collect(to)
	for name, c := range t.running {
		labelled := make(chan prometheus.Metric)
		go func() {
			refused := new(metric.Set)
			c.known.Metrics(refused)
			for _, each := range []prometheus.Collector{c.remote.Collector(), refused} {
				prometheus.WrapCollectorWith(prometheus.Labels{"cluster": name}, each).Collect(labelled)
			}
			close(labelled)
		}()
		for m := range labelled {
			to <- m
		}
	}
}

// remotes are the clusters that are followed.
func (t *clusterTable) remotes() (all []*forward.Remote) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.running {
		all = append(all, c.remote)
	}
	return all
}

func (t *clusterTable) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, c := range t.running {
		errs = append(errs, c.remote.Close())
	}
	return errors.Join(errs...)
}
