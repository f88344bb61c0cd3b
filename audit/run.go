package audit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// Options says how an audit is made. The zero value audits everything.
type Options struct {
	// FindingsMax is how many findings of each kind are listed, 20 when it is
	// 0. All are counted.
	FindingsMax int
	// Contains is the hash of a block that must be in the chain, such as the
	// head that another replica or an earlier audit told. Zero asks for none.
	Contains journal.Hash
	// SkipStateHash leaves out deciding everything a third time to compare the
	// hash of the state, which takes about a fifth of the time.
	SkipStateHash bool
	// LedgerOnly leaves out both second decisions: the chain is checked and the
	// books are kept, which trusts no implementation of the rules and takes a quarter
	// of the time. The verdict is never clean then.
	LedgerOnly bool
	// Progress is called now and then, when it is set, with the requests so far.
	Progress func(requests uint64)
}

// progressEvery is how many blocks lie between two calls of Progress.
const progressEvery = 1024

const findingsMaxDefault = 20

// Run audits the journal in a directory. It changes nothing and may be used
// beside a running node. What is wrong with the journal is in the report; an
// error means that there was nothing to audit, or that it could not be read, or not by
// this release: ErrVersion of package wal, journal or sequencer.
func Run(dir string, o Options) (*Report, error) {
	return newAuditor(o).run(dir)
}

// RunBlocks audits blocks that somebody else reads and whose chain they check, such as those of an archive:
// read calls fn for each of them, in order. name is what the report says of the place. What read returns of
// journal.ErrCorrupt is in the report.
func RunBlocks(name string, o Options, read func(fn func(b *journal.Block) error) error) (*Report, error) {
	a := newAuditor(o)
	return a.audit(name, func() error { return read(a.block) })
}

func (a *auditor) run(dir string) (*Report, error) {
	var torn *wal.Torn
	r, err := a.audit(dir, func() (err error) {
		torn, err = journal.Scan(dir, a.block)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := r.noteMissing(dir); err != nil {
		return nil, fmt.Errorf("audit of %s: %w", dir, err)
	}
	if torn != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("the newest segment ends in %d bytes that are no block: an append under way, or a crash that the next start repairs", torn.Bytes))
	}
	return r, nil
}

// audit reports of the blocks that read hands over.
func (a *auditor) audit(name string, read func() error) (*Report, error) {
	started := time.Now()
	err := read()
	if otherRelease(err) {
		return nil, fmt.Errorf("audit of %s: block %d: %w", name, a.last.Height+1, err)
	}
	if err != nil && !a.damaged(err) {
		return nil, fmt.Errorf("audit of %s: %w", name, err)
	}
	r := a.finish()
	r.Directory, r.Seconds = name, time.Since(started).Seconds()
	return r, nil
}

// noteMissing says which blocks are not there, so that nobody takes what was read for all.
func (r *Report) noteMissing(dir string) (err error) {
	if r.Missing, err = journal.Gaps(dir); err != nil && !errors.Is(err, wal.ErrCorrupt) && !errors.Is(err, wal.ErrVersion) {
		return err
	}
	for _, span := range r.Missing {
		r.Notes = append(r.Notes, fmt.Sprintf("blocks %v are neither in the journal nor in a folder beside it: a node gets them from the other members by itself, or copy the folder here", span))
	}
	return nil
}

// auditor reads a journal's blocks in order.
type auditor struct {
	options  Options
	findings findings
	ledger   *Ledger
	judge    *judge // nil when the ledger alone is asked
	report   Report

	batch     sequencer.Batch
	decisions sequencer.Decisions
	encoded   []byte // the decisions once more
	outcomes  map[Outcome]uint64
	last      journal.Head
	contained bool
	// unread is set when a block could not be read: books and model have
	// missed it, so that what they would say of later ones means nothing.
	unread bool
	// resumed is set when time and sequence are followed without books.
	resumed bool
}

func newAuditor(o Options) *auditor {
	if o.FindingsMax == 0 {
		o.FindingsMax = findingsMaxDefault
	}
	a := &auditor{
		options: o, findings: findings{count: map[Kind]uint64{}, limit: o.FindingsMax}, outcomes: map[Outcome]uint64{},
	}
	a.ledger = newLedger(&a.findings)
	if !o.LedgerOnly {
		a.judge = newJudge(&a.findings, o)
	}
	return a
}

// otherRelease reports whether an error says that another release wrote what was read. It is
// not wrong, and what it says cannot be judged.
func otherRelease(err error) bool {
	return slices.ContainsFunc([]error{wal.ErrVersion, journal.ErrVersion, sequencer.ErrVersion},
		func(other error) bool { return errors.Is(err, other) })
}

// damaged reports whether a scan's error is one that the report tells.
func (a *auditor) damaged(err error) bool {
	if !errors.Is(err, journal.ErrCorrupt) && !errors.Is(err, wal.ErrCorrupt) {
		return false
	}
	a.findings.at = Finding{Block: a.last.Height + 1}
	a.findings.report(checkDamage, 0, "", "", err)
	return true
}

// block audits one block, whose hash and place in the chain were checked.
func (a *auditor) block(b *journal.Block) error {
	a.findings.at = Finding{Block: b.Height, RaftIndex: b.RaftIndex}
	err := a.decode(b)
	if otherRelease(err) {
		return err
	}
	a.note(b)
	if err != nil {
		a.findings.report(checkReadable, 0, "", "", err)
		a.unread, a.resumed = true, false
		return nil
	}
	a.count()
	a.canonical(b)
	switch {
	case a.unread || a.report.FirstHeight > 1:
		a.sequenceOnly()
	default:
		a.decided(b.StateHash)
	}
	if a.options.Progress != nil && a.report.Blocks%progressEvery == 0 {
		a.options.Progress(a.report.Requests)
	}
	return nil
}

// decided holds the block's decisions against the books and the second decisions.
func (a *auditor) decided(stateHash uint64) {
	a.ledger.Read(&a.batch, &a.decisions)
	if a.judge == nil {
		a.report.Unchecked += uint64(len(a.batch.Commands))
		return
	}
	a.judge.decide(&a.batch, &a.decisions)
	a.judge.hash(&a.batch, stateHash)
}

func (a *auditor) decode(b *journal.Block) error {
	if err := sequencer.DecodeBatch(b.Batch, &a.batch); err != nil {
		return err
	}
	return sequencer.DecodeDecisions(b.Decisions, a.batch.Commands, &a.decisions)
}

// canonical checks that the decisions are written as a node writes them. What is
// read alike and written otherwise makes another chain of the same sale.
func (a *auditor) canonical(b *journal.Block) {
	a.encoded = sequencer.AppendDecisions(a.encoded[:0], &a.decisions)
	if !bytes.Equal(a.encoded, b.Decisions) {
		a.findings.report(checkEncoding, 0, fmt.Sprintf("%d bytes", len(a.encoded)),
			fmt.Sprintf("%d bytes", len(b.Decisions)))
	}
}

// sequenceOnly checks what needs no books: that time and sequence go on from the
// first block that could be read.
func (a *auditor) sequenceOnly() {
	if !a.resumed {
		a.ledger.now, a.ledger.next, a.resumed = a.decisions.Time, a.decisions.FirstSeq, true
	}
	a.ledger.header(&a.batch, &a.decisions)
	a.report.Unchecked += uint64(len(a.batch.Commands))
}

// note keeps where the chain stands.
func (a *auditor) note(b *journal.Block) {
	if a.report.Blocks == 0 {
		a.report.FirstHeight, a.report.FirstRaftIndex = b.Height, b.RaftIndex
	}
	a.report.Blocks++
	a.last = b.Head()
	a.contained = a.contained || b.Hash == a.options.Contains
}

// count keeps the totals of the report.
func (a *auditor) count() {
	r := &a.report
	if r.FirstSeq == 0 {
		r.FirstTime, r.FirstSeq = a.decisions.Time, a.decisions.FirstSeq
	}
	r.LastTime = a.decisions.Time
	r.Requests += uint64(len(a.batch.Commands))
	r.Events += uint64(len(a.decisions.Events))
	for i := range a.decisions.Results {
		d := &a.decisions.Results[i]
		a.outcomes[Outcome{Command: d.Kind, Code: d.Code, State: d.State, Replayed: d.Replayed}]++
	}
}
