package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
)

// ReadSnapshot builds the state that a snapshot describes. It reads to the
// snapshot's end and no further than its own buffer. It returns ErrVersion or
// ErrSnapshotCorrupt; then nothing of the snapshot is to be used.
func ReadSnapshot(r io.Reader) (*State, error) {
	in := &snapshotReader{in: r, buffer: make([]byte, snapshotBufferBytes)}
	s, hash := in.state()
	expected := in.sum()
	if trailer := in.bytes(4); in.err == nil && binary.LittleEndian.Uint32(trailer) != expected {
		in.fail("checksum is %08x, its content has %08x", binary.LittleEndian.Uint32(trailer), expected)
	}
	if in.err != nil {
		return nil, in.err
	}
	if s.Hash() != hash {
		return nil, fmt.Errorf("%w: hash of the state is %016x, the snapshot says %016x", ErrSnapshotCorrupt, s.Hash(), hash)
	}
	if err := s.verifyCounts(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshotCorrupt, err)
	}
	return s, nil
}

// snapshotReader reads parts and keeps the first error; after one, every part
// reads as zero.
type snapshotReader struct {
	in       io.Reader
	buffer   []byte
	from, to int    // of buffer: what was read and not taken yet
	summed   int    // of buffer: up to where checksum goes
	checksum uint32 // of everything that was taken, as of summed
	err      error
}

func (r *snapshotReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrSnapshotCorrupt, fmt.Sprintf(format, args...))
	}
}

// bytes returns the next n bytes (at most a command's length), valid until the
// next call.
func (r *snapshotReader) bytes(n int) []byte {
	if r.to-r.from < n && r.err == nil {
		r.refill(n)
	}
	if r.err != nil {
		return make([]byte, n)
	}
	r.from += n
	return r.buffer[r.from-n : r.from]
}

// refill makes at least n bytes available.
func (r *snapshotReader) refill(n int) {
	r.sum()
	r.to = copy(r.buffer, r.buffer[r.from:r.to])
	r.from, r.summed = 0, 0
	more, err := io.ReadAtLeast(r.in, r.buffer[r.to:], n-r.to)
	r.to += more
	if err != nil {
		r.err = fmt.Errorf("%w: %w", ErrSnapshotCorrupt, err)
	}
}

// sum returns the checksum of everything that was taken.
func (r *snapshotReader) sum() uint32 {
	r.checksum = crc32.Update(r.checksum, castagnoli, r.buffer[r.summed:r.from])
	r.summed = r.from
	return r.checksum
}

func (r *snapshotReader) state() (*State, uint64) {
	le, s := binary.LittleEndian, New()
	header := r.bytes(snapshotHeaderBytes)
	if r.err == nil && string(header[:8]) != snapshotMagic {
		r.fail("begins with %q, not %q", header[:8], snapshotMagic)
	}
	if r.err == nil && header[8] != SnapshotVersion {
		r.err = fmt.Errorf("%w: snapshot version %d, this program knows %d", ErrVersion, header[8], SnapshotVersion)
	}
	s.now, s.seq = int64(le.Uint64(header[16:])), le.Uint64(header[24:])
	hash := le.Uint64(header[32:])
	s.height = le.Uint64(header[40:])
	sales, orders := le.Uint32(header[48:]), le.Uint32(header[52:])
	sections, sessions := header[9], le.Uint16(header[14:])
	if reserved := le.Uint32(header[10:]); reserved != 0 {
		r.fail("reserved bytes of the header are %08x, not zero", reserved)
	}
	if s.now < 0 || s.now > TimeMax || sales > SalesMax || sessions > SessionsMax {
		r.fail("header is out of bounds")
	}
	for i := uint32(0); i < sales && r.err == nil; i++ {
		r.sale(s)
	}
	r.orders(s, orders)
	r.sessions(s, int(sessions))
	r.sections(s, int(sections))
	for _, sale := range s.sales {
		sale.hash = sale.fingerprint(sale.knownSpecFingerprint())
		s.salesHash += sale.hash
	}
	s.findNextStart()
	s.dropStale() // the hard limits of orders that turned out to stand in the line
	return s, hash
}

func (r *snapshotReader) sale(s *State) {
	le := binary.LittleEndian
	specBytes := int(le.Uint16(r.bytes(2)))
	if specBytes > specFixedBytes+SaleIDBytesMax+ItemBytesMax+ZoneBytesMax {
		r.fail("sale spec of %d bytes", specBytes)
		return
	}
	spec, err := DecodeSaleSpec(r.bytes(specBytes))
	if errors.Is(err, ErrVersion) && r.err == nil {
		r.err = fmt.Errorf("sale %d: %w", len(s.sales)+1, err)
	}
	if err != nil {
		r.fail("sale %d: %v", len(s.sales)+1, err)
		return
	}
	sale := &sale{spec: spec, number: uint16(len(s.sales) + 1)}
	f := r.bytes(saleFixedBytes)
	if f[8] > 7 {
		r.fail("sale %d has unknown flags %08b", sale.number, f[8])
		return
	}
	sale.createdAt = int64(le.Uint64(f))
	sale.paused, sale.closed, sale.cancelled = f[8]&1 != 0, f[8]&2 != 0, f[8]&4 != 0
	sale.revision, sale.sold, sale.held = le.Uint32(f[9:]), le.Uint32(f[13:]), le.Uint32(f[17:])
	sale.withheld, sale.available = le.Uint32(f[21:]), le.Uint32(f[25:])
	sale.servedSeq = le.Uint64(f[29:])
	for i, counter := range sale.counters.list() {
		*counter = le.Uint64(f[53+8*i:])
	}
	sale.changed.seq, sale.changed.at = le.Uint64(f[37:]), int64(le.Uint64(f[45:]))
	sale.changed.by = string(r.bytes(int(r.bytes(1)[0])))
	if r.err == nil && !validActor([]byte(sale.changed.by)) {
		r.fail("sale %d was changed by %q, which names nobody", sale.number, sale.changed.by)
		return
	}
	if s.saleNumber[spec.ID] != 0 {
		r.fail("sale %q is there twice", spec.ID)
		return
	}
	s.addSale(sale)
}

// orders reads the orders, lookAhead of them at a time: their users are looked for at
// once, as Apply does.
func (r *snapshotReader) orders(s *State, count uint32) {
	var chunk [lookAhead]order
	var users [lookAhead][]byte
	for last := uint64(0); count > 0 && r.err == nil; {
		n := min(count, lookAhead)
		for i := range n {
			users[i] = r.order(s, &chunk[i], users[i][:0])
			if r.err == nil && chunk[i].seq <= last {
				r.fail("order of seq %d follows seq %d", chunk[i].seq, last)
			}
			if r.err != nil {
				return
			}
			last = chunk[i].seq
			s.ahead[i] = maphash.Bytes(s.hashSeed, users[i])
		}
		s.touchSlots(int(n))
		for i := range n {
			s.restoreOrder(&chunk[i], users[i], s.ahead[i])
		}
		count -= n
	}
}

// order reads one order and returns its user, appended to user.
func (r *snapshotReader) order(s *State, o *order, user []byte) []byte {
	le, f := binary.LittleEndian, r.bytes(orderFixedBytes)
	*o = order{
		seq: le.Uint64(f), createdAt: int64(le.Uint64(f[8:])), deadline: int64(le.Uint64(f[16:])),
		key: KeyDigest(f[24:]), sale: le.Uint16(f[40:]), state: OrderState(f[42]), quantity: f[43],
		requested: f[44], min: f[45], attempts: f[46], voidsDue: f[47], voided: f[48],
		flags: orderFlags(f[49]), reason: PayReason(f[50]),
	}
	user = append(user, r.bytes(int(f[51]))...)
	switch {
	case r.err != nil:
	case o.sale == 0 || int(o.sale) > len(s.sales) || o.state == StateNone || o.state > StateRefunded || o.seq > s.seq,
		!validUser(user), o.attempts > AttemptsMax, o.flags > orderFlagsMax, o.reason > PayReasonMax:
		r.fail("order of seq %d is out of bounds", o.seq)
	}
	return user
}

// restoreOrder appends an order and everything that follows from it. hash is the
// user's.
func (s *State) restoreOrder(o *order, user []byte, hash uint64) {
	number := s.orders.length
	s.addOrder(*o, user, s.ownedBy(user, hash, o.sale))
	s.ordersHash += o.fixedFingerprint(user) + o.movingFingerprint()
	s.startTimer(number, o)
	s.track(number, o)
	if sale := s.sales[o.sale-1]; s.effective(o) == StateWaitlisted {
		sale.wait.push(number)
		sale.waiting++
		sale.waitingTickets += uint64(o.quantity)
	}
}

func (r *snapshotReader) sessions(s *State, count int) {
	le, last := binary.LittleEndian, uint64(0)
	for i := 0; i < count && r.err == nil; i++ {
		f := r.bytes(sessionBytes)
		one := session{id: le.Uint64(f), number: le.Uint64(f[8:]), first: le.Uint64(f[16:])}
		if one.id <= last || one.id > s.seq || one.first > s.seq {
			r.fail("session %d (first seq %d) is out of bounds", one.id, one.first)
			return
		}
		last = one.id
		s.sessions.add(one)
	}
}

// sections reads what few clusters or orders have.
func (r *snapshotReader) sections(s *State, count int) {
	le, last := binary.LittleEndian, byte(0)
	for i := 0; i < count && r.err == nil; i++ {
		header := r.bytes(sectionHeaderBytes)
		kind, length, hash := header[0], le.Uint64(header[8:]), le.Uint64(header[16:])
		if le.Uint64(header)>>8 != 0 || kind <= last || length == 0 {
			r.fail("section %d of kind %d, after kind %d, with %d bytes, is malformed", i, kind, last, length)
			return
		}
		last = kind

		var is uint64
		switch kind {
		case sectionBirths:
			is = r.births(s, length)
		case sectionReferences:
			is = r.references(s, length)
		case sectionLevel:
			is = r.level(s, length)
		case sectionHoldClock:
			is = r.holdClock(s, length)
		case sectionTries:
			is = r.tries(s, length)
		case sectionBounces:
			is = r.bounces(s, length)
		case sectionParts:
			is = r.parts(s, length)
		case sectionDisputes:
			is = r.disputes(s, length)
		case sectionAccounts:
			is = r.accounts(s, length)
		case sectionAccountMoves:
			is = r.accountMoves(s, length)
		case sectionTickets:
			is = r.tickets(s, length)
		case sectionRevoked:
			is = r.revoked(s, length)
		case sectionDecliners:
			is = r.decliners(s, length)
		default:
			r.err = fmt.Errorf("%w: a snapshot's section of kind %d", ErrVersion, kind)
			return
		}
		if r.err == nil && is != hash {
			r.fail("hash of section %d is %016x, the snapshot says %016x", kind, is, hash)
		}
	}
}

func (r *snapshotReader) births(s *State, length uint64) uint64 {
	le := binary.LittleEndian
	if length%birthBytes != 0 || length/birthBytes > BirthsMax {
		r.fail("births of %d bytes", length)
		return 0
	}
	for last := uint64(0); length > 0 && r.err == nil; length -= birthBytes {
		f := r.bytes(birthBytes)
		b := Birth{FirstSeq: le.Uint64(f), Cluster: ClusterID(f[8:]), Time: int64(le.Uint64(f[24:])), Cause: BirthCause(f[32]), After: le.Uint64(f[40:])}
		if b.FirstSeq <= last || b.FirstSeq > s.seq || le.Uint64(f[32:])>>8 != 0 || b.Cause < BirthNew || b.Cause > BirthCopy || b.Cluster == (ClusterID{}) || b.After >= b.FirstSeq {
			r.fail("birth %+v, after one of seq %d, is out of bounds", b, last)
			return 0
		}
		last = b.FirstSeq
		s.addBirth(b)
	}
	return s.birthsHash
}

func (r *snapshotReader) references(s *State, length uint64) uint64 {
	for last := uint64(0); s.referenceBytes < length && r.err == nil; {
		seq := binary.LittleEndian.Uint64(r.bytes(8))
		text := r.bytes(int(r.bytes(1)[0]))
		number, known := s.orderNumber(seq)
		if !known || seq <= last || len(text) == 0 || !validReference(text) {
			r.fail("reference %q of order %d, after one of order %d, is out of bounds", text, seq, last)
			return 0
		}
		last = seq
		s.refer(number, text)
	}
	if s.referenceBytes != length {
		r.fail("references of %d bytes, the section says %d", s.referenceBytes, length)
	}
	return s.referencesHash
}

func (r *snapshotReader) level(s *State, length uint64) uint64 {
	if length != levelBytes {
		r.fail("level of %d bytes", length)
		return 0
	}
	level := binary.LittleEndian.Uint64(r.bytes(levelBytes))
	if level <= LevelFirst || level > LevelBound {
		r.fail("level %d is out of bounds", level)
		return 0
	}
	s.level = uint16(level)
	return level
}
