package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"onsale/audit/archive/blob"
	journals "onsale/audit/follow"
	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

func newInspect(p *program) *cobra.Command {
	return group("inspect", "Look into a node's files; changes nothing", newInspectWAL(p), newInspectJournal(p), newInspectSnapshot(p))
}

// reportTorn says that a log ends in bytes that are no record.
func (p *program) reportTorn(torn *wal.Torn) {
	if torn != nil {
		fmt.Fprintf(p.err, "%s ends in %d bytes from offset %d on that are no record: an append under way, or what the next start cuts\n", torn.File, torn.Bytes, torn.Offset)
	}
}

func newInspectWAL(p *program) *cobra.Command {
	return &cobra.Command{Use: "wal DATA/raft-log", Short: "List the entries of a raft log", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			entries := []store.EntrySummary{}
			var rows [][]string
			torn, err := wal.ScanDir(args[0], func(index uint64, record []byte) error {
				e, err := store.SummarizeEntry(index, record)
				if err != nil {
					return err
				}
				entries = append(entries, e)
				rows = append(rows, []string{cell(e.Index), cell(e.Term), e.Type, cell(e.Bytes), cell(e.Commands)})
				return nil
			})
			p.reportTorn(torn)
			if err != nil && len(entries) == 0 {
				return err
			}
			return errors.Join(p.show(entries, []string{"index", "term", "type", "bytes", "commands"}, rows), err)
		}}
}

// reportGaps says which blocks are missing in front of a journal.
func (p *program) reportGaps(dir string) error {
	gaps, err := journal.Gaps(dir)
	for _, gap := range gaps {
		fmt.Fprintf(p.err, "blocks %v are missing: neither %s nor a folder beside it has them\n", gap, dir)
	}
	return err
}

// blockSummary is one block of a journal.
type blockSummary struct {
	Height    uint64            `json:"height"`
	RaftIndex uint64            `json:"raft_index"`
	Term      uint64            `json:"term"`
	Time      time.Time         `json:"time"`
	FirstSeq  uint64            `json:"first_seq"`
	Requests  int               `json:"requests"`
	Events    int               `json:"events"`
	Outcomes  map[string]uint64 `json:"outcomes"`
	StateHash string            `json:"state_hash"`
	Hash      string            `json:"hash"`
}

func newInspectJournal(p *program) *cobra.Command {
	var seq uint64
	c := &cobra.Command{Use: "journal DATA/journal|ARCHIVE", Short: "List the blocks of a journal or an archive, or one decision", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if seq > 0 {
				return p.showDecision(c.Context(), args[0], seq)
			}
			return p.showBlocks(c.Context(), args[0])
		}}
	c.Flags().Uint64Var(&seq, "seq", 0, "show the request and the decision at this place in the order")
	return c
}

func (p *program) showBlocks(ctx context.Context, dir string) error {
	blocks := []blockSummary{}
	var rows [][]string
	torn, err := scanDecisions(ctx, dir, func(b *journal.Block, batch *sequencer.Batch, d *sequencer.Decisions) error {
		s := blockSummary{Height: b.Height, RaftIndex: b.RaftIndex, Term: b.Term, Time: time.Unix(0, d.Time).UTC(), FirstSeq: d.FirstSeq,
			Requests: len(d.Results), Events: len(d.Events), Outcomes: map[string]uint64{}, StateHash: fmt.Sprintf("%016x", b.StateHash), Hash: fmt.Sprintf("%x", b.Hash)}
		for i := range d.Results {
			s.Outcomes[d.Results[i].Kind.String()+" "+d.Results[i].Code.String()]++
		}
		blocks = append(blocks, s)
		rows = append(rows, []string{cell(s.Height), cell(s.RaftIndex), cell(s.Term), cell(s.Time), cell(s.FirstSeq), cell(s.Requests), cell(s.Events), cell(s.Outcomes), s.StateHash, s.Hash[:16]})
		return nil
	})
	p.reportTorn(torn)
	if !blob.IsURL(dir) {
		err = errors.Join(err, p.reportGaps(dir))
	}
	if err != nil && len(blocks) == 0 {
		return err
	}
	return errors.Join(p.show(blocks, []string{"height", "raft_index", "term", "time", "first_seq", "requests", "events", "outcomes", "state_hash", "hash"}, rows), err)
}

// errFound ends a scan early.
var errFound = errors.New("found")

// showDecision prints one request with its decision and the events it caused.
func (p *program) showDecision(ctx context.Context, dir string, seq uint64) error {
	var found any
	_, err := scanDecisions(ctx, dir, func(b *journal.Block, batch *sequencer.Batch, d *sequencer.Decisions) error {
		i := seq - d.FirstSeq
		if seq < d.FirstSeq || i >= uint64(len(d.Results)) {
			return nil
		}
		c := &batch.Commands[i]
		events := []sequencer.Event{}
		for _, e := range d.Events {
			if uint64(e.Before) == i+1 {
				events = append(events, e)
			}
		}
		found = map[string]any{"block": b.Height, "raft_index": b.RaftIndex, "time": time.Unix(0, d.Time).UTC(), "seq": seq, "kind": c.Kind.String(),
			"user": string(c.User), "actor": string(c.Actor), "sale": c.Sale, "quantity": c.Quantity, "order": c.Order, "part": c.Part, "amount": c.Amount, "code": d.Results[i].Code.String(),
			"state": d.Results[i].State.String(), "result": d.Results[i], "events": events}
		return errFound
	})
	if errors.Is(err, errFound) {
		p.format = "json"
		return p.show(found, nil, nil)
	}
	return errors.Join(err, fmt.Errorf("no decision has seq %d", seq))
}

// scanDecisions decodes every block of a journal or an archive.
func scanDecisions(ctx context.Context, dir string, fn func(*journal.Block, *sequencer.Batch, *sequencer.Decisions) error) (*wal.Torn, error) {
	var decoded journals.Block
	one := func(b *journal.Block) error {
		if err := decoded.Decode(b); err != nil {
			return err
		}
		return fn(b, &decoded.Batch, &decoded.Decisions)
	}
	if !blob.IsURL(dir) {
		return journal.Scan(dir, one)
	}
	catalog, err := openCatalog(ctx, "ARCHIVE", dir)
	if err != nil {
		return nil, err
	}
	return nil, archivedBlocks(ctx, catalog)(one)
}

func newInspectSnapshot(p *program) *cobra.Command {
	return &cobra.Command{Use: "snapshot DATA/snapshots/ID/state.bin", Short: "Check a snapshot and show what it holds", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			head, state, err := store.ReadSnapshot(bufio.NewReader(io.Reader(f)))
			if err != nil {
				return err
			}
			type summary struct {
				JournalHeight uint64    `json:"journal_height"`
				RaftIndex     uint64    `json:"raft_index"`
				JournalHash   string    `json:"journal_hash"`
				Seq           uint64    `json:"seq"`
				Time          time.Time `json:"time"`
				StateHash     string    `json:"state_hash"`
				Sales         int       `json:"sales"`
				Orders        int       `json:"orders"`
			}
			return p.showFields(summary{head.Height, head.RaftIndex, fmt.Sprintf("%x", head.Hash), state.Seq(), time.Unix(0, state.Now()).UTC(),
				fmt.Sprintf("%016x", state.Hash()), state.SaleCount(), state.OrderCount()})
		}}
}
