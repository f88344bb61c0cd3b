package raftfsm

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// mishap is one thing that goes wrong. strike says what it did and how it ends; nil
// when it could not strike.
type mishap struct {
	name   string
	weight int
	strike func(*world) (what string, end func())
}

// faults are the classes of faults; the run is void when one of them never struck.
var faults = []mishap{
	{"partition of the leader", 5, func(w *world) (string, func()) { return w.cutOff(w.victim(true), true, true) }},
	{"leader hears nobody", 3, func(w *world) (string, func()) { return w.cutOff(w.victim(true), true, false) }},
	{"nobody hears the leader", 3, func(w *world) (string, func()) { return w.cutOff(w.victim(true), false, true) }},
	{"one link, one way", 2, (*world).cutOneLink},
	{"partition of a follower", 1, func(w *world) (string, func()) { return w.cutOff(w.victim(false), true, true) }},
	{"crash of the leader", 5, func(w *world) (string, func()) { return w.crashFor(w.victim(true)) }},
	{"crash of a follower", 2, func(w *world) (string, func()) { return w.crashFor(w.victim(false)) }},
	{"crash of all", 1, func(w *world) (string, func()) { return w.crashFor(w.running()...) }},
	{"pause of the leader", 3, func(w *world) (string, func()) { return w.pause(w.victim(true)) }},
	{"pause of a follower", 1, func(w *world) (string, func()) { return w.pause(w.victim(false)) }},
	{"weather", 3, (*world).storm},
	{"transfer", 3, (*world).transfer},
	{"snapshot", 3, (*world).snapshotAll},
	{"left behind", 2, (*world).leaveBehind},
	{"join", 1, (*world).join},
	{"demotion", 1, func(w *world) (string, func()) { return w.without(Demote) }},
	{"removal", 1, func(w *world) (string, func()) { return w.without(Remove) }},
}

// between returns a time between two others.
func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.random.Int64N(int64(high-low)))
}

// era lets one to four overlapping faults strike, and ends them.
func (w *world) era() {
	type step struct {
		at  time.Duration
		run func()
	}
	var steps []step
	for range 1 + w.random.IntN(4) {
		f, begin, lasts := w.drawFault(), w.between(0, 300*time.Millisecond), w.between(50*time.Millisecond, 600*time.Millisecond)
		var end func()
		steps = append(steps, step{begin, func() {
			what, undo := f.strike(w)
			if end = undo; undo != nil {
				w.count(f.name)
				w.note("%s: %s", f.name, what)
			}
		}}, step{begin + lasts, func() {
			if end != nil {
				end()
			}
		}})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	started := time.Now()
	for _, s := range steps {
		time.Sleep(time.Until(started.Add(s.at)))
		if w.ended.Load() {
			return
		}
		s.run()
	}
}

func (w *world) drawFault() mishap {
	total := 0
	for _, f := range faults {
		total += f.weight
	}
	dice := w.random.IntN(total)
	for _, f := range faults {
		if dice -= f.weight; dice < 0 {
			return f
		}
	}
	panic("raftfsm: no fault was drawn")
}

// victim returns the leader or somebody else; "" when there is none.
func (w *world) victim(leader bool) string {
	leads := w.leading()
	if leader && leads != nil {
		return leads.config.NodeID
	}
	ids := w.running()
	if leads != nil {
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == leads.config.NodeID })
	}
	if len(ids) == 0 {
		return ""
	}
	return ids[w.random.IntN(len(ids))]
}

func (w *world) cut(links []link) func() {
	w.net.cut(links, 1)
	return func() { w.net.cut(links, -1) }
}

// cutOff cuts a node off from all others: what comes in, what goes out, or both.
func (w *world) cutOff(id string, in, out bool) (string, func()) {
	if id == "" {
		return "", nil
	}
	var links []link
	w.mu.Lock()
	for i := range w.made { // those that join meanwhile are not cut off
		other := fmt.Sprint("n", i+1)
		if in {
			links = append(links, link{raft.ServerAddress(other), raft.ServerAddress(id)})
		}
		if out {
			links = append(links, link{raft.ServerAddress(id), raft.ServerAddress(other)})
		}
	}
	w.mu.Unlock()
	return id, w.cut(links)
}

func (w *world) cutOneLink() (string, func()) {
	ids := w.running()
	if len(ids) < 2 {
		return "", nil
	}
	i := w.random.IntN(len(ids))
	l := link{raft.ServerAddress(ids[i]), raft.ServerAddress(ids[(i+1+w.random.IntN(len(ids)-1))%len(ids)])}
	return fmt.Sprintf("%s to %s", l.from, l.to), w.cut([]link{l})
}

// crashFor crashes nodes and starts them again.
func (w *world) crashFor(ids ...string) (string, func()) {
	if len(ids) == 0 || ids[0] == "" {
		return "", nil
	}
	for _, id := range ids {
		w.crash(id)
	}
	return fmt.Sprint(ids), func() {
		for _, id := range ids {
			w.start(id, nil)
		}
	}
}

// pause holds a node as SIGSTOP does: nothing of it is sent, received or stored.
func (w *world) pause(id string) (string, func()) {
	if id == "" {
		return "", nil
	}
	d := w.between(50*time.Millisecond, 500*time.Millisecond)
	w.net.freeze(raft.ServerAddress(id), d)
	return fmt.Sprint(id, " for ", d), func() {}
}

func (w *world) storm() (string, func()) {
	rain := weather{loss: 0.3 * w.random.Float64(), double: 0.5 * w.random.Float64(), delay: w.between(time.Millisecond, 150*time.Millisecond)}
	w.net.setWeather(rain)
	return fmt.Sprintf("%+v", rain), func() { w.net.setWeather(weather{}) }
}

func (w *world) transfer() (string, func()) {
	n, to := w.leading(), w.victim(false)
	if n == nil || to == "" {
		return "", nil
	}
	w.tasks.Go(func() {
		if err := n.Membership().Transfer(to); err == nil {
			w.count("transferred")
		}
	})
	return n.config.NodeID + " to " + to, func() {}
}

func (w *world) snapshotAll() (string, func()) {
	for _, id := range w.running() {
		n := w.node(id)
		w.tasks.Go(func() { n.Snapshot() }) // a node that crashes meanwhile takes none
	}
	return "all", func() {}
}

// leaveBehind cuts a follower off until the others' snapshots have replaced the log
// that it needs, and doubles and delays what comes to it then.
func (w *world) leaveBehind() (string, func()) {
	what, heal := w.cutOff(w.victim(false), true, true)
	if heal == nil {
		return "", nil
	}
	return what, func() {
		w.snapshotAll()
		w.tasks.Go(func() {
			time.Sleep(10 * time.Millisecond)
			w.net.setWeather(weather{double: 0.5, delay: 100 * time.Millisecond})
			heal()
		})
	}
}

// nodesMax and votersLeast bound the cluster.
const (
	nodesMax    = 6
	votersLeast = 3
)

// join lets a new node into the cluster, without a vote at first.
func (w *world) join() (string, func()) {
	leader := w.leading()
	if leader == nil || len(leader.Membership().List()) >= nodesMax {
		return "", nil
	}
	id := w.newNode()
	w.start(id, nil)
	w.tasks.Go(func() {
		is := leader.Identity()
		if n := w.node(id); n == nil || n.Membership().Adopt(is.Cluster(), is.ClusterNumber, nil, false) != nil {
			return
		}
		w.change(leader, Change{Kind: AddLearner, ID: id, Address: id}, "joined")
	})
	return id, func() {}
}

// newNode names a node that was never there before.
func (w *world) newNode() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	id := fmt.Sprint("n", w.made)
	w.skews[id] = w.between(-300*time.Millisecond, 300*time.Millisecond)
	return id
}

func (w *world) change(leader *Node, c Change, what string) {
	if err := leader.Membership().Change(func([]Member) (Change, error) { return c, nil }); err == nil {
		w.count(what)
	}
}

// without takes a node's vote or its membership, the leader's too, while enough are
// left.
func (w *world) without(kind ChangeKind) (string, func()) {
	leader := w.leading()
	if leader == nil {
		return "", nil
	}
	voters := slices.DeleteFunc(leader.Membership().List(), func(m Member) bool { return !m.Voter })
	if len(voters) <= votersLeast {
		return "", nil
	}
	id := voters[w.random.IntN(len(voters))].ID
	what := map[ChangeKind]string{Demote: "demoted", Remove: "removed"}[kind]
	w.tasks.Go(func() { w.change(leader, Change{Kind: kind, ID: id}, what) })
	return id, func() {}
}
