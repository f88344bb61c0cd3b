package sequencer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
)

// ErrSnapshotCorrupt is returned when bytes are not a whole snapshot of a state,
// or the state that they describe breaks an invariant or has another hash.
var ErrSnapshotCorrupt = errors.New("snapshot is corrupt")

// SnapshotVersion is the version byte of a snapshot.
const SnapshotVersion = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// snapshotMagic is how a snapshot begins.
const snapshotMagic = "ONSLSNAP"

// The layout of a snapshot. What can be computed from the orders (the index of
// users, timers, waitlists) is not written. All numbers are little-endian.
//
//	offset  bytes  header
//	0       8      "ONSLSNAP"
//	8       1      version (4)
//	9       1      number of sections
//	10      4      zero
//	14      2      number of sessions
//	16      8      log time, nanoseconds
//	24      8      seq of the last decided command
//	32      8      hash of the state
//	40      8      number of batches so far
//	48      4      number of sales
//	52      4      number of orders
//	56             sales, orders, sessions, sections in the order of their kinds
//	end-4   4      CRC-32C of everything before
//
//	offset  bytes  sale
//	0       2      length of the spec
//	2              spec (AppendSaleSpec)
//	+0      8      created at
//	+8      1      flags: bit 0 paused, 1 closed, 2 cancelled
//	+9      4      revision
//	+13     16     sold, held, withheld, available, 4 bytes each
//	+29     8      served seq
//	+37     16     seq and time of the seller's last change, 8 bytes each
//	+53            counters: replayed, promote blocked, buys by code,
//	               then entered and tickets by state, 8 bytes each
//	+n      1      length of whose change that was
//	               who, to the end
//
//	offset  bytes  order
//	0       8      seq
//	8       8      created at
//	16      8      deadline, by the holds' clock
//	24      16     key digest
//	40      2      sale
//	42      1      state
//	43      1      quantity
//	44      1      requested
//	45      1      min
//	46      1      attempts
//	47      1      voids due
//	48      1      voided
//	49      1      flags: bit 0 overdue, 1 capture due, 2 promoted, 3 given back late,
//	               4 had leeway, 5 captured
//	50      1      reason of the last rejected payment
//	51      1      length of the user id
//	52             user id
//
//	offset  bytes  session
//	0       8      id
//	8       8      number of the newest batch
//	16      8      its first seq
//
// What few clusters or orders have lies in sections: one without content is not written.
//
//	offset  bytes  section
//	0       1      kind
//	1       7      zero
//	8       8      length of the content
//	16      8      the content's part of the state's hash
//	24             content by kind:
//
//	1 births       each: first seq 8, cluster id 16, time 8, cause 1, zero 7,
//	               last decision before 8
//	2 references   each, by seq: seq of the order 8, length 1 and text
//	3 level        level 2, zero 6; above the first level alone
//	4 hold clock   once it has stopped: stopped 8, since 8, left 8, window 8, before 8,
//	               within 8, flags 1 (bit 0 halted), zero 7
//	5 tries        each: seq of the order 8, log time at which its newest attempt began 8 (0
//	               before the second), voids due 4, voided 4 (both from the 9th attempt on),
//	               declines 1, zero 7, until when it may stand in the line 8 (by the holds'
//	               clock; 0 when it does not)
//	6 decliners    each: seq of an order of the user 8, log time since when 8, declines 1,
//	               zero 7
//	7 bounces      each: seq of the order 8, attempt 1, refunds that failed 1, reason 1,
//	               flags 1 (bit 0 failed for good, 1 a seller has taken note), zero 4
//	8 parts        each: seq of the order 8, key digest 16, quantity 1, state 1, attempts that had
//	               begun 1, refunds that failed 1, reason 1, zero 3
//	9 disputes     each: seq of the order 8, amount 8, evidence by 8, status 1, zero 7
//	10 accounts    number of the accepted one 1 (0 for none), how many 1, zero 6, then each:
//	               length 1 and text
//	11 moves       to other accounts, each: seq of the order 8, the first attempt 1, number of
//	               the account 1, zero 6
//	12 tickets     of each order that was paid, in that order: seq of the order 8, of the decision
//	               that it was paid 8, first number 8
//	13 revoked     each, in the order in which they were: seq of the order 8, number 4, with which
//	               part 1 (0 with the whole), zero 3
const (
	snapshotHeaderBytes = 56
	saleCounters        = 2 + int(CodeCount) + 2*(int(StateRefunded)+1)
	saleFixedBytes      = 53 + 8*saleCounters
	orderFixedBytes     = 52
	sessionBytes        = 24
	sectionHeaderBytes  = 24
	birthBytes          = 48
	levelBytes          = 8
)

// snapshotBufferBytes is how much is written or read at a time: much enough that calls
// of the system do not count, little enough that its checksum finds it in the cache.
const snapshotBufferBytes = 1 << 16

// Snapshot is a frozen copy of a state. Taking it costs a pointer for each page
// of 1,024 orders; writing it may take long and goes on beside Apply.
type Snapshot struct {
	now       int64
	seq, hash uint64
	height    uint64
	sales     []sale
	orders    paged[order]
	texts     arena
	sessions  []session
	births    []Birth
	level     uint16
	holds     holdClock
	attempts  frozenAttempts
	bounces   bounces  // without its look-ups
	parts     parts    // the same
	disputes  disputes // likewise
	accounts  frozenAccounts
	tickets   tickets // without its look-ups

	birthsHash uint64

	references     paged[reference]
	referenceBytes uint64 // of the section
	referencesHash uint64
}

// Snapshot freezes the state. It must be called by the goroutine that calls
// Apply; the result may be used by any other one.
func (s *State) Snapshot() *Snapshot {
	frozen := &Snapshot{
		now: s.now, seq: s.seq, hash: s.Hash(), height: s.height,
		sales:  make([]sale, len(s.sales)),
		orders: s.orders.freeze(), texts: s.texts.freeze(),
		sessions: slices.Clone(s.sessions.list),
		births:   s.Births(), birthsHash: s.birthsHash, level: s.level, holds: s.holds, attempts: s.attempts.freeze(),
		bounces:    bounces{list: s.bounces.list.freeze(), hash: s.bounces.hash},
		parts:      parts{list: s.parts.list.freeze(), hash: s.parts.hash},
		disputes:   disputes{list: s.disputes.list.freeze(), hash: s.disputes.hash},
		accounts:   s.accounts.freeze(),
		tickets:    s.tickets.freeze(),
		references: s.references.freeze(), referenceBytes: s.referenceBytes, referencesHash: s.referencesHash,
	}
	for i, sale := range s.sales {
		frozen.sales[i] = *sale
	}
	return frozen
}

// WriteTo writes the snapshot. It returns the first error of w.
func (sn *Snapshot) WriteTo(w io.Writer) (int64, error) {
	checksum := crc32.New(castagnoli)
	counted := &countingWriter{w: w}
	out := bufio.NewWriterSize(io.MultiWriter(counted, checksum), snapshotBufferBytes)
	buffer := sn.appendHeader(make([]byte, 0, 1<<10))
	out.Write(buffer) // a bufio.Writer keeps its first error for Flush
	for i := range sn.sales {
		out.Write(appendSale(buffer[:0], &sn.sales[i]))
	}
	for number := range sn.orders.length {
		o := sn.orders.at(number)
		out.Write(appendOrder(buffer[:0], o, sn.texts.get(o.user)))
	}
	for i := range sn.sessions {
		out.Write(appendSession(buffer[:0], &sn.sessions[i]))
	}
	if len(sn.births) > 0 {
		out.Write(appendSection(buffer[:0], sectionBirths, uint64(birthBytes*len(sn.births)), sn.birthsHash))
		for i := range sn.births {
			out.Write(appendBirth(buffer[:0], &sn.births[i]))
		}
	}
	if sn.references.length > 0 {
		out.Write(appendSection(buffer[:0], sectionReferences, sn.referenceBytes, sn.referencesHash))
		for i := range sn.references.length {
			r := sn.references.at(i)
			seq := binary.LittleEndian.AppendUint64(buffer[:0], sn.orders.at(r.order).seq)
			out.Write(appendShort(seq, sn.texts.get(r.text)))
		}
	}
	if sn.level > LevelFirst {
		out.Write(appendSection(buffer[:0], sectionLevel, levelBytes, uint64(sn.level)))
		out.Write(binary.LittleEndian.AppendUint64(buffer[:0], uint64(sn.level)))
	}
	if hash := sn.holds.fingerprint(); hash != 0 {
		out.Write(appendSection(buffer[:0], sectionHoldClock, holdClockBytes, hash))
		out.Write(sn.holds.append(buffer[:0]))
	}
	records := &recordsWriter{out, buffer, &sn.orders}
	sn.writeAttempts(records)
	sn.writeAccounts(records)
	sn.writeTickets(records)
	if err := out.Flush(); err != nil {
		return counted.written, err
	}
	_, err := counted.Write(binary.LittleEndian.AppendUint32(nil, checksum.Sum32()))
	return counted.written, err
}

// recordsWriter writes sections of records that are each about an order.
type recordsWriter struct {
	out    *bufio.Writer
	buffer []byte
	orders *paged[order]
}

// writeRecords writes the section of a list, nothing of an empty one: bytes are the length of a
// record, hash is the section's, and encode appends a record, which is of the order that of says,
// with that order's seq.
func writeRecords[T any](w *recordsWriter, section byte, bytes uint64, hash uint64, list *paged[T], of func(*T) uint32, encode func([]byte, *T, uint64) []byte) {
	if list.length == 0 {
		return
	}
	w.out.Write(appendSection(w.buffer[:0], section, bytes*uint64(list.length), hash))
	for i := range list.length {
		record := list.at(i)
		w.out.Write(encode(w.buffer[:0], record, w.orders.at(of(record)).seq))
	}
}

// writeAttempts writes the sections of tries, decliners, failed refunds, parts and disputes.
func (sn *Snapshot) writeAttempts(w *recordsWriter) {
	a := &sn.attempts
	writeRecords(w, sectionTries, triesBytes, a.hash, &a.tries, func(t *tries) uint32 { return t.order }, appendTries)
	writeRecords(w, sectionDecliners, declinerBytes, a.usersHash, &a.decliners, func(d *decliner) uint32 { return d.order }, appendDecliner)
	writeRecords(w, sectionBounces, bounceBytes, sn.bounces.hash, &sn.bounces.list, func(b *bounce) uint32 { return b.order }, appendBounce)
	writeRecords(w, sectionParts, partBytes, sn.parts.hash, &sn.parts.list, func(p *part) uint32 { return p.order }, appendPart)
	writeRecords(w, sectionDisputes, disputeBytes, sn.disputes.hash, &sn.disputes.list, func(d *disputed) uint32 { return d.order }, appendDispute)
}

// writeAccounts writes the sections of accounts, and of moves to them.
func (sn *Snapshot) writeAccounts(w *recordsWriter) {
	a := &sn.accounts
	if len(a.texts) > 0 {
		w.out.Write(appendSection(w.buffer[:0], sectionAccounts, a.namesBytes(), a.namesHash))
		w.out.Write(a.appendNames(nil))
	}
	writeRecords(w, sectionAccountMoves, accountMoveBytes, a.hash, &a.moves, func(m *accountMove) uint32 { return m.order }, appendAccountMove)
}

type countingWriter struct {
	w       io.Writer
	written int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.written += int64(n)
	return n, err
}

func (sn *Snapshot) appendHeader(dst []byte) []byte {
	le := binary.LittleEndian
	dst = append(dst, snapshotMagic...)
	dst = append(dst, SnapshotVersion, sn.sections(), 0, 0, 0, 0)
	dst = le.AppendUint16(dst, uint16(len(sn.sessions)))
	for _, v := range [...]uint64{uint64(sn.now), sn.seq, sn.hash, sn.height} {
		dst = le.AppendUint64(dst, v)
	}
	for _, v := range [...]uint32{uint32(len(sn.sales)), sn.orders.length} {
		dst = le.AppendUint32(dst, v)
	}
	return dst
}

func appendSale(dst []byte, s *sale) []byte {
	le := binary.LittleEndian
	dst = append(dst, 0, 0)
	dst = AppendSaleSpec(dst, &s.spec)
	le.PutUint16(dst, uint16(len(dst)-2))
	dst = le.AppendUint64(dst, uint64(s.createdAt))
	dst = append(dst, byte(flagBits(s.paused, s.closed, s.cancelled)))
	for _, v := range [...]uint32{s.revision, s.sold, s.held, s.withheld, s.available} {
		dst = le.AppendUint32(dst, v)
	}
	dst = le.AppendUint64(dst, s.servedSeq)
	dst = le.AppendUint64(le.AppendUint64(dst, s.changed.seq), uint64(s.changed.at))
	for _, counter := range s.counters.list() {
		dst = le.AppendUint64(dst, *counter)
	}
	return append(append(dst, byte(len(s.changed.by))), s.changed.by...)
}

// list returns all counters in the order of the snapshot format.
func (c *Counters) list() []*uint64 {
	all := append(make([]*uint64, 0, saleCounters), &c.Replayed, &c.PromoteBlocked)
	for i := range c.Buys {
		all = append(all, &c.Buys[i])
	}
	for i := range c.Entered {
		all = append(all, &c.Entered[i], &c.Tickets[i])
	}
	return all
}

func appendOrder(dst []byte, o *order, user []byte) []byte {
	le := binary.LittleEndian
	for _, v := range [...]uint64{o.seq, uint64(o.createdAt), uint64(o.deadline)} {
		dst = le.AppendUint64(dst, v)
	}
	dst = append(dst, o.key[:]...)
	dst = le.AppendUint16(dst, o.sale)
	dst = append(dst, byte(o.state), o.quantity, o.requested, o.min, o.attempts, o.voidsDue, o.voided,
		byte(o.flags), byte(o.reason), byte(len(user)))
	return append(dst, user...)
}

func appendSession(dst []byte, s *session) []byte {
	le := binary.LittleEndian
	return le.AppendUint64(le.AppendUint64(le.AppendUint64(dst, s.id), s.number), s.first)
}

// The kinds of sections.
const (
	sectionBirths     = 1
	sectionReferences = 2
	sectionLevel      = 3
	sectionHoldClock  = 4
	sectionTries      = 5
	sectionDecliners  = 6
	sectionBounces    = 7
	sectionParts      = 8
	sectionDisputes   = 9

	sectionAccounts     = 10
	sectionAccountMoves = 11

	sectionTickets = 12
	sectionRevoked = 13
)

// sections returns how many sections have content.
func (sn *Snapshot) sections() (count byte) {
	if len(sn.births) > 0 {
		count++
	}
	if sn.references.length > 0 {
		count++
	}
	if sn.level > LevelFirst {
		count++
	}
	if sn.holds != (holdClock{}) {
		count++
	}
	if sn.attempts.tries.length > 0 {
		count++
	}
	if sn.attempts.decliners.length > 0 {
		count++
	}
	if sn.bounces.list.length > 0 {
		count++
	}
	if sn.parts.list.length > 0 {
		count++
	}
	if sn.disputes.list.length > 0 {
		count++
	}
	if len(sn.accounts.texts) > 0 {
		count++
	}
	if sn.accounts.moves.length > 0 {
		count++
	}
	if sn.tickets.minted.length > 0 {
		count++
	}
	if sn.tickets.revoked.length > 0 {
		count++
	}
	return count
}

func appendSection(dst []byte, kind byte, length, hash uint64) []byte {
	le := binary.LittleEndian
	dst = append(dst, kind, 0, 0, 0, 0, 0, 0, 0)
	return le.AppendUint64(le.AppendUint64(dst, length), hash)
}

func appendBirth(dst []byte, b *Birth) []byte {
	le := binary.LittleEndian
	dst = append(le.AppendUint64(dst, b.FirstSeq), b.Cluster[:]...)
	dst = append(le.AppendUint64(dst, uint64(b.Time)), byte(b.Cause), 0, 0, 0, 0, 0, 0, 0)
	return le.AppendUint64(dst, b.After)
}
