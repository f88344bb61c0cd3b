package membership

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"onsale/internal/ticket"
	"onsale/raftfsm"
)

// Facts are what a process says of itself when it is asked the night before a sale: what is not
// looked at from one moment to the next.
type Facts struct {
	Files  Files  `json:"files"`
	Memory Memory `json:"memory"`
	// Provider is what the process sees of its payment provider, which it has asked now; nil of
	// one that has none.
	Provider *Provider `json:"provider,omitempty"`
	// BackupAt is when the newest backup was taken from this node, as it noted in its data folder;
	// nil for none.
	BackupAt *time.Time `json:"backup_at,omitempty"`
	// TicketKeys is the fingerprint of the secrets with which it signs tickets, in their order:
	// NoTicketKeys where it has none, "" of a program that does not say.
	TicketKeys string `json:"ticket_keys,omitempty"`
}

// NoTicketKeys is the fingerprint of a process that signs no tickets.
const NoTicketKeys = ticket.NoSecrets

// Files are descriptors.
type Files struct {
	Open uint64 `json:"open"`
	Max  uint64 `json:"max"` // RLIMIT_NOFILE
	// Buyers is how many connections of buyers, long polls and streams among them, are let in.
	Buyers uint64 `json:"buyers"`
}

// Provider is what a process sees of its payment provider.
type Provider struct {
	Name string `json:"name"`
	// Account is the one that the provider speaks for, NAME/test/ID or NAME/live/ID; "" when it
	// does not say. Accepted is the one that new charges are made under; "" before the first.
	Account  string `json:"account,omitempty"`
	Accepted string `json:"accepted,omitempty"`
	// Error is why the provider does not answer; "" when it does.
	Error string `json:"error,omitempty"`
	// NoticeAt is when the newest webhook came that was good, since the process' start; nil for
	// none. Webhooks are checked by the node that leads.
	NoticeAt *time.Time `json:"notice_at,omitempty"`
	// BadNotices counts the webhooks that were refused.
	BadNotices uint64 `json:"bad_notices"`
}

// Memory is in bytes.
type Memory struct {
	Available uint64 `json:"available_bytes"` // of the machine, or of what its control group may still take
	Resident  uint64 `json:"resident_bytes"`  // of the process
}

// Preflight is the cluster's status, and the facts of the members that tell them.
type Preflight struct {
	ClusterStatus
	Facts map[string]Facts `json:"facts"` // by member
	// Silent are the members that tell no facts, with why.
	Silent map[string]string `json:"silent"`
}

// factsTimeout bounds a question for facts: the member asks its payment provider.
const factsTimeout = 10 * time.Second

// Preflight asks every member how it is and what it has.
func (m *Manager) Preflight(ctx context.Context) Preflight {
	p := Preflight{Facts: map[string]Facts{}, Silent: map[string]string{}}
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, member := range m.members.List() {
		group.Go(func() {
			facts, err := m.factsOf(ctx, member)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				p.Silent[member.ID] = err.Error()
				return
			}
			p.Facts[member.ID] = facts
		})
	}
	p.ClusterStatus = m.Status(ctx)
	group.Wait()
	return p
}

func (m *Manager) factsOf(ctx context.Context, member raftfsm.Member) (f Facts, err error) {
	ctx, cancel := context.WithTimeout(ctx, factsTimeout)
	defer cancel()
	if member.ID == m.node.Identity().NodeID {
		return m.facts(ctx), nil
	}
	link, err := m.links.To(ctx, member.ID, member.Address)
	if err != nil {
		return f, err
	}
	body, err := link.Control(ctx, verbFacts, encode(struct{}{}))
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(body, &f)
}

// facts are this process'.
func (m *Manager) facts(ctx context.Context) Facts {
	if m.config.Facts == nil {
		return Facts{}
	}
	return m.config.Facts(ctx)
}
