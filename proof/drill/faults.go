//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// hand does one fault after the other, until its context ends; each mends what it broke.
type hand struct {
	stage  *stage
	random *rand.Rand
	faults []fault
	joined bool // the fourth node is there

	mu     *sync.Mutex // guards struck
	struck map[string]int
	log    func(format string, words ...any)
}

// fault is one kind; it returns what it was done to, for the log, or "" for nothing.
type fault struct {
	name string
	do   func(*hand, context.Context) (string, error)
}

// short faults are the first hand's, long ones the second's.
var (
	shortFaults = []fault{{"kill", (*hand).kill}, {"kill", (*hand).kill}, {"pause", (*hand).pause}, {"cable", (*hand).cable},
		{"part", (*hand).part}, {"part", (*hand).part}}
	longFaults = []fault{{"disk", (*hand).disk}, {"disk", (*hand).disk}, {"join", (*hand).join}, {"join", (*hand).join}, {"move", (*hand).move},
		{"move all", (*hand).moveAll}}
)

// work does faults in turn, in a new order each time around.
func (h *hand) work(ctx context.Context) error {
	for ctx.Err() == nil {
		for _, i := range h.random.Perm(len(h.faults)) {
			f := h.faults[i]
			what, err := f.do(h, ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			if what != "" {
				h.mu.Lock()
				h.struck[f.name]++
				h.mu.Unlock()
				h.log("%s %s", f.name, what)
			}
			if pause(ctx, h.between(300, 2000)); ctx.Err() != nil {
				return nil
			}
		}
	}
	return nil
}

func (h *hand) between(low, high int) time.Duration {
	return time.Duration(low+h.random.IntN(high-low)) * time.Millisecond
}

// victim takes a process for a fault; nil when another hand has it. Half of the time it is
// the leader.
func (h *hand) victim(of []*process) *process {
	p := of[h.random.IntN(len(of))]
	if leader := h.stage.leader(); leader != nil && p.name[0] == 'n' && h.random.IntN(2) == 0 {
		p = leader
	}
	if !p.busy.TryLock() {
		return nil
	}
	return p
}

// anybody is most often a node.
func (h *hand) anybody() []*process {
	switch h.random.IntN(6) {
	case 0:
		return h.stage.frontEnds
	case 1:
		return []*process{h.stage.provider}
	}
	return h.stage.voters()
}

func (h *hand) kill(ctx context.Context) (string, error) {
	p := h.victim(h.anybody())
	if p == nil {
		return "", nil
	}
	defer p.busy.Unlock()
	p.down(syscall.SIGKILL)
	pause(ctx, h.between(0, 3000))
	return p.name, p.start()
}

func (h *hand) pause(ctx context.Context) (string, error) {
	p := h.victim(h.anybody())
	if p == nil {
		return "", nil
	}
	defer p.busy.Unlock()
	p.signal(syscall.SIGSTOP)
	pause(ctx, h.between(200, 6000))
	p.signal(syscall.SIGCONT)
	return p.name, nil
}

func (h *hand) cable(ctx context.Context) (string, error) {
	p := h.victim(h.anybody())
	if p == nil {
		return "", nil
	}
	defer p.busy.Unlock()
	err := p.unplug()
	pause(ctx, h.between(300, 6000))
	return p.name, errors.Join(err, p.plug())
}

// part cuts one machine from some of the others: it is not heard, does not hear, or both.
func (h *hand) part(ctx context.Context) (string, error) {
	p := h.victim(h.anybody())
	if p == nil {
		return "", nil
	}
	defer p.busy.Unlock()
	var others []*process
	for _, o := range h.stage.all() {
		if o != p && h.random.IntN(3) > 0 {
			others = append(others, o)
		}
	}
	h.stage.moved.RLock() // addresses stay while they are cut
	defer h.stage.moved.RUnlock()
	way := h.random.IntN(3)
	var errs []error
	for _, o := range others {
		if way != 1 {
			errs = append(errs, p.deafen(o.machine))
		}
		if way != 2 {
			errs = append(errs, o.deafen(p.machine))
		}
	}
	pause(ctx, h.between(300, 6000))
	for _, o := range others {
		if way != 1 {
			errs = append(errs, p.undeafen(o.at()))
		}
		if way != 2 {
			errs = append(errs, o.undeafen(p.at()))
		}
	}
	return fmt.Sprintf("%s and %d others, %s", p.name, len(others), []string{"both ways", "does not hear", "is not heard"}[way]), errors.Join(errs...)
}

// disk fills disks of one, two or all nodes, to the last byte or below the reserve.
func (h *hand) disk(ctx context.Context) (string, error) {
	count, left := 1+h.random.IntN(3), int64(0)
	if h.random.IntN(2) == 0 {
		left = 32 << 20
	}
	var names []string
	var errs []error
	h.stage.noteFullDisk()
	for _, i := range h.random.Perm(3)[:count] {
		names = append(names, h.stage.nodes[i].name)
		errs = append(errs, h.stage.disks[i].fill(left))
	}
	pause(ctx, h.between(1000, 8000))
	for _, d := range h.stage.disks {
		errs = append(errs, d.free())
	}
	h.stage.noteFullDisk()
	return fmt.Sprintf("of %s has %d bytes left", strings.Join(names, ", "), left), errors.Join(errs...)
}

// join lets the fourth node in, or takes it out again.
func (h *hand) join(ctx context.Context) (string, error) {
	if h.joined {
		return "n4 leaves", h.leave(ctx)
	}
	n := h.stage.nodes[3]
	if err := os.RemoveAll(h.stage.data(n)); err != nil {
		return "", err
	}
	if err := n.start(); err != nil {
		return "", err
	}
	h.joined = true
	pause(ctx, h.between(3000, 9000))
	return "n4", nil
}

// leave removes the fourth node and its data. It may be refused while others are down; it
// is asked for until it is done.
func (h *hand) leave(ctx context.Context) error {
	s, n := h.stage, h.stage.nodes[3]
	s.mu.Lock()
	s.leaving = n.name
	s.mu.Unlock()
	var err error
	for deadline := time.Now().Add(leaveMax); time.Now().Before(deadline); pause(context.WithoutCancel(ctx), time.Second) {
		err = s.onsale("cluster", "remove", n.name, "--yes", "--private", s.private(), "--secret-file", s.path("token-secret"))
		if err == nil || strings.Contains(err.Error(), "not a member") {
			err = nil
			break
		}
	}
	n.down(syscall.SIGKILL)
	h.joined = false
	s.mu.Lock()
	s.leaving = ""
	s.mu.Unlock()
	return err
}

// leaveMax is for how long removing a node is tried: faults of the other hand go on.
const leaveMax = 2 * time.Minute

// move gives a node another address, and starts it there.
func (h *hand) move(context.Context) (string, error) {
	s := h.stage
	p := s.nodes[h.random.IntN(3)]
	p.busy.Lock()
	defer p.busy.Unlock()
	s.moved.Lock()
	defer s.moved.Unlock()
	p.down(syscall.SIGTERM)
	old := p.at()
	err := errors.Join(p.move(), s.tellFrontEnds(), p.start())
	return fmt.Sprintf("%s from %s to %s", p.name, old, p.at()), err
}

// moveAll gives all three nodes another address at once: they are told where the others are.
func (h *hand) moveAll(ctx context.Context) (string, error) {
	s := h.stage
	if h.joined { // a learner or a voter that is not told would be lost
		return "", nil
	}
	for _, p := range s.voters() {
		p.busy.Lock()
		defer p.busy.Unlock()
	}
	s.moved.Lock()
	defer s.moved.Unlock()
	var group sync.WaitGroup
	for _, p := range s.voters() {
		group.Go(func() { p.down(syscall.SIGTERM) })
	}
	group.Wait()
	var where []string
	for _, p := range s.voters() {
		if err := p.move(); err != nil {
			return "", err
		}
		where = append(where, p.name+"="+p.at()+":7101")
	}
	for _, p := range s.voters() {
		err := s.onsale(append([]string{"cluster", "readdress", "--data-dir", s.data(p)}, where...)...)
		if err = errors.Join(err, p.start()); err != nil {
			return "", err
		}
	}
	return strings.Join(where, " "), s.tellFrontEnds()
}
