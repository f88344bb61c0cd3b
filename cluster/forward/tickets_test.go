package forward

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"onsale/internal/secretfile"
	"onsale/internal/ticket"
	"onsale/sequencer"
)

func ticketSecrets(t *testing.T) *ticket.Secrets {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := secretfile.Make(file); err != nil {
		t.Fatal(err)
	}
	secrets, err := ticket.ReadSecrets(file)
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

// A front-end relays what a node signs: codes of an order's tickets, and the keys. It has neither
// when the node has no key.
func TestFrontEndRelaysTickets(t *testing.T) {
	secrets := ticketSecrets(t)
	synctest.Test(t, func(t *testing.T) {
		p, one := new(pair), newSingle()
		one.leads = true
		apply(t, []sequencer.Command{{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest{7}, Amount: 1, Count: uint32(sequencer.BirthNew)}}, one)
		p.early = apply(t, gig("ann"), one)[1]
		apply(t, []sequencer.Command{{Kind: sequencer.KindPayBegin, Order: p.early.Order, User: []byte("ann")},
			{Kind: sequencer.KindPayResult, Order: p.early.Order, Attempt: 1, Outcome: sequencer.PayAccepted}}, one)
		p.leader = startServed(t, &p.network, "n1", one, office{}, nil)
		f := p.frontEnd(t, "n1")
		time.Sleep(2 * MirrorInterval)
		view := p.wantOrder(p.early.Order)
		if coded, err := f.TicketCodes(t.Context(), &view); err != nil || coded != nil {
			t.Errorf("without a key: %+v, %v", coded, err)
		}
		if _, err := f.TicketKeys(t.Context()); !errors.Is(err, ticket.ErrOff) {
			t.Errorf("without a key: %v", err)
		}

		p.leader.replica.SignTickets(secrets, func() uint8 { return 3 })
		want, err := p.leader.replica.TicketCodes(t.Context(), &view)
		if err != nil || len(want) != 1 || view.PaidSeq == 0 {
			t.Fatalf("%+v, %v", view, err)
		}
		coded, err := f.TicketCodes(t.Context(), &view)
		if err != nil || !slices.Equal(coded, want) {
			t.Errorf("%+v, %v; want %+v", coded, err, want)
		}
		keys, err := f.TicketKeys(t.Context())
		if err != nil || keys.Cluster != 3 || len(keys.Births) != 1 || len(keys.Births[0].Keys) != 1 {
			t.Errorf("%+v, %v", keys, err)
		}
	})
}
