package forward

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// toldOf follows a cluster for some intervals and returns what was logged.
func (p *pair) toldOf(t *testing.T, follow func(r *Remote), addresses ...string) string {
	t.Helper()
	config := peer.DefaultConfig()
	config.ID, config.Role, config.Dial, config.HandshakeTimeout = "f1", peer.FrontEnd, p.network.dial, playedAttemptTimeout
	var said bytes.Buffer
	client := playedConfig()
	client.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r := NewRemote(NewClient(client, &config, NewDirectory(addresses), nil, Limits{}), client.Logger)
	follow(r)
	if err := r.Close(); err != nil { // nobody logs any more
		t.Error(err)
	}
	return said.String()
}

const outage = "no node of the cluster can be reached"

// A front-end says that it reaches nobody: once for each outage, also for one that it
// begins with, and not when it is closed.
func TestOutageIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		addresses []string
		follow    func(p *pair, r *Remote)
		told      int
	}{
		"nobody from the beginning": {[]string{nowhere}, func(*pair, *Remote) { time.Sleep(10 * MirrorInterval) }, 1},
		"a node that answers":       {[]string{"n2"}, func(*pair, *Remote) { time.Sleep(10 * MirrorInterval) }, 0},
		"all that stop": {[]string{"n2"}, func(p *pair, r *Remote) {
			time.Sleep(2 * MirrorInterval)
			p.follower.stop()
			p.leader.stop()
			time.Sleep(20 * MirrorInterval)
			if r.Age() < 10*MirrorInterval {
				t.Errorf("heard of %v ago, when nobody answered", r.Age())
			}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := startPair(t)
				said := p.toldOf(t, func(r *Remote) { c.follow(p, r) }, c.addresses...)
				if strings.Count(said, outage) != c.told || c.told > 0 && !strings.Contains(said, c.addresses[0]) {
					t.Errorf("told %d times, want %d: %s", strings.Count(said, outage), c.told, said)
				}
			})
		})
	}
}

// A front-end knows whether the leader answers, also while another node does and nobody buys.
func TestLeaderOutOfReachIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		f := NewRemote(NewClient(playedConfig(), knowing(t, &p.network), NewDirectory([]string{"n1", "n2"}), nil, Limits{}), slog.New(slog.DiscardHandler))
		t.Cleanup(func() { f.Close() })
		if f.LeaderAge() < time.Hour {
			t.Errorf("the leader answered %v ago, before it was asked", f.LeaderAge())
		}
		time.Sleep(5 * meetInterval)
		if f.LeaderAge() > 2*meetInterval {
			t.Errorf("the leader has not answered for %v", f.LeaderAge())
		}

		p.leader.stop()
		time.Sleep(10 * meetInterval)
		if f.LeaderAge() < 8*meetInterval || f.Age() > 10*MirrorInterval {
			t.Errorf("the leader is gone, and answered %v ago, another node %v ago", f.LeaderAge(), f.Age())
		}
		if shown := gathered(t, f.Collector())["onsale_leader_age_seconds"]; shown != f.LeaderAge().Seconds() {
			t.Errorf("the metric says %v, want %v", shown, f.LeaderAge())
		}
	})
}

// A node's own word on an order is told: another node is asked only where one gave none, or
// stops.
func TestANodesWordIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		says  reaction
		asked int // the second node
	}{
		"behind": {reaction{err: sequencer.ErrBehind}, 0}, "overloaded": {reaction{err: sequencer.ErrOverloaded}, 0},
		"stopping": {reaction{err: sequencer.ErrStopping}, 1}, "nothing": {reaction{lost: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := new(pair)
				asked := map[string]int{}
				for _, id := range []string{"n1", "n2"} {
					startScriptedAt(t, p.network.listen(id), id, func(f frame) reaction {
						if f.kind == kindSales {
							return reaction{body: []byte(`{"complete":true,"addresses":["n1","n2"]}`)}
						}
						if asked[id]++; id == "n1" {
							return c.says
						}
						return reaction{err: sequencer.ErrBehind}
					})
				}
				f := p.frontEnd(t, "n1")
				time.Sleep(2 * MirrorInterval)
				_, _, _, err := f.Order(t.Context(), 1, 0)
				if first := asked["n1"]; err == nil || first < 1 || asked["n2"] != c.asked {
					t.Errorf("%d and %d questions: %v", first, asked["n2"], err)
				}
			})
		})
	}
}

// A front-end that never reached a node has nothing that could be behind: it says that no
// leader can be reached, of every read.
func TestNobodyReachedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		p.toldOf(t, func(r *Remote) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _, _, order := r.Order(ctx, 7, 7)
			_, _, orders := r.OrdersOf(ctx, []byte("ann"), 0, 10, 7)
			for name, err := range map[string]error{"order": order, "orders": orders, "position": r.WaitApplied(ctx, 7), "catching up": r.CatchUp(ctx)} {
				if !errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrBehind) {
					t.Errorf("%s: %v", name, err)
				}
			}
			time.Sleep(shareTimeout) // for the questions that went on
		}, nowhere)
	})
}
