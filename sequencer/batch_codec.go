package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrBatchCorrupt is returned when bytes are not a batch. A replica that meets
// it in its committed log must stop: skipping would make it diverge.
var ErrBatchCorrupt = errors.New("batch is corrupt")

// ErrVersion is returned when bytes were written in a version of their format that this
// program does not know.
var ErrVersion = errors.New("unknown format version")

// BatchVersion is the version byte of a batch at the first level.
const BatchVersion = 5

// BatchHeaderBytes is the length of a batch's header. Whoever gathers commands
// leaves this much room in front and fills it with PutBatchHeader.
//
// All numbers are little-endian.
//
//	offset  bytes  batch header
//	0       1      version (5)
//	1       3      zero
//	4       4      number of commands
//	8       8      log time, nanoseconds since the Unix epoch
//	16             commands, one after the other, to the end
//
//	offset  bytes  command
//	0       2      length of what follows (kind, fields)
//	2       1      kind
//	3              fields by kind:
//
//	buy            flags 1, sale 2, quantity 1, min 1, [key 16 if flags bit 0],
//	               [length 1 and reference if flags bit 1], user to the end
//	cancel         order 8, quantity 1, [key 16 if quantity is not 0], user to the end
//	pay_begin      order 8, amount 8, seconds in the line 4, length 1 and account, user to the end
//	pay_called     order 8, attempt 1
//	pay_result     order 8, attempt 1, outcome 1, reason 1
//	pay_voided     order 8, attempt 1, outcome 1, part 1
//	pay_captured   order 8, attempt 1, amount 8
//	pay_bounced    order 8, attempt 1, reason 1, count 4, part 1
//	acknowledge    order 8, attempt 1, part 1, length 1 and actor, note to the end
//	pay_disputed   order 8, attempt 1, status 1, amount 8, evidence by 4
//	accept_account length 1 and actor, length 1 and account, note to the end
//	settle         order 8, attempt 1, outcome 1, part 1, amount 8, length 1 and actor, note to
//	               the end
//	refund         order 8, quantity 1, [key 16, tickets that are named 1, each 4, ascending, if
//	               quantity is not 0], actor to the end
//	withdraw       order 8, quantity 1, [key 16 if quantity is not 0], actor to the end
//	sale_create    length 1 and actor, sale spec to the end
//	sale_update    sale 2, revision 4, length 1 and actor, sale spec to the end
//	sale_pause, sale_resume    [zero 2, revision 4, for that alone], sale 2, actor to the end
//	sale_close, sale_cancel    sale 2, actor to the end
//	sale_quantity, sale_release, sale_extend    sale 2, amount 8, revision 4, actor to the end
//	session_open   nothing
//	forward        session 8, number 8, count 4
//	birth          cluster id 16, time 8, cause 1
//	level          level 8, actor to the end
//	outage         from 8, to 8, seconds 4
//	hold_stop      seconds 4
//	hold_go        nothing
//
// A command of an unknown kind or with fields that do not fit its length is
// decoded with Kind 0, and the state answers it with CodeBadRequest: one bad
// command cannot stop a replica.
const BatchHeaderBytes = 16

// Flags of a buy.
const (
	buyHasKey       = 1
	buyHasReference = 2
)

// PutBatchHeader fills the first BatchHeaderBytes of an encoded batch, as every program
// reads it.
func PutBatchHeader(batch []byte, time int64, commands int) {
	PutBatchHeaderAt(batch, LevelFirst, time, commands)
}

// PutBatchHeaderAt is PutBatchHeader for a batch that is written into the log of a cluster
// at a level.
func PutBatchHeaderAt(batch []byte, level uint16, time int64, commands int) {
	batch[0] = batchVersionAt(level)
	binary.LittleEndian.PutUint32(batch[4:], uint32(commands))
	binary.LittleEndian.PutUint64(batch[8:], uint64(time))
	seal := batchSeal(batch)
	copy(batch[1:], seal[:])
}

// AppendBatch appends an encoded batch; its length is bounded by the caller.
func AppendBatch(dst []byte, b *Batch) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, BatchHeaderBytes)...)
	for i := range b.Commands {
		dst = AppendCommand(dst, &b.Commands[i])
	}
	PutBatchHeader(dst[start:], b.Time, len(b.Commands))
	return dst
}

// AppendCommand appends one encoded command. Fields that do not belong to its
// kind are not written. It panics when a part is longer than CommandBytesMax
// allows: doors check lengths before.
func AppendCommand(dst []byte, c *Command) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, byte(c.Kind))
	dst = appendFields(dst, c)
	length := len(dst) - start - 2
	if length > CommandBytesMax {
		panic(fmt.Sprintf("sequencer: command of %d bytes, at most %d are allowed", length, CommandBytesMax))
	}
	binary.LittleEndian.PutUint16(dst[start:], uint16(length))
	return dst
}

func appendFields(dst []byte, c *Command) []byte {
	le := binary.LittleEndian
	switch c.Kind {
	case KindBuy:
		return appendBuy(dst, c)
	case KindCancel:
		return append(appendShare(dst, c), c.User...)
	case KindPayBegin:
		dst = le.AppendUint32(le.AppendUint64(le.AppendUint64(dst, c.Order), uint64(c.Amount)), c.Count)
		return append(appendShort(dst, c.Reference), c.User...)
	case KindPayCalled:
		return append(le.AppendUint64(dst, c.Order), c.Attempt)
	case KindPayResult:
		return append(le.AppendUint64(dst, c.Order), c.Attempt, byte(c.Outcome), byte(c.Reason))
	case KindPayVoided:
		return append(le.AppendUint64(dst, c.Order), c.Attempt, byte(c.Outcome), c.Part)
	case KindPayCaptured:
		return le.AppendUint64(append(le.AppendUint64(dst, c.Order), c.Attempt), uint64(c.Amount))
	case KindPayBounced:
		return append(le.AppendUint32(append(le.AppendUint64(dst, c.Order), c.Attempt, byte(c.Reason)), c.Count), c.Part)
	case KindAcknowledge:
		return append(appendShort(append(le.AppendUint64(dst, c.Order), c.Attempt, c.Part), c.Actor), c.Body...)
	case KindPayDisputed:
		return le.AppendUint32(le.AppendUint64(append(le.AppendUint64(dst, c.Order), c.Attempt, byte(c.Dispute)), uint64(c.Amount)), c.Count)
	case KindAccept:
		return append(appendShort(appendShort(dst, c.Actor), c.Reference), c.Body...)
	case KindSettle:
		dst = append(le.AppendUint64(dst, c.Order), c.Attempt, byte(c.Outcome), c.Part)
		return append(appendShort(le.AppendUint64(dst, uint64(c.Amount)), c.Actor), c.Body...)
	case KindRefund:
		return append(appendNamed(appendShare(dst, c), c), c.Actor...)
	case KindWithdraw:
		return append(appendShare(dst, c), c.Actor...)
	case KindSaleCreate:
		return append(appendShort(dst, c.Actor), c.Body...)
	case KindSaleUpdate:
		return append(appendShort(le.AppendUint32(le.AppendUint16(dst, c.Sale), c.Revision), c.Actor), c.Body...)
	case KindSalePause, KindSaleResume:
		return append(appendSeen(dst, c), c.Actor...)
	case KindSaleClose, KindSaleCancel:
		return append(le.AppendUint16(dst, c.Sale), c.Actor...)
	case KindSaleQuantity, KindSaleRelease, KindSaleExtend:
		return append(le.AppendUint32(le.AppendUint64(le.AppendUint16(dst, c.Sale), uint64(c.Amount)), c.Revision), c.Actor...)
	case KindLevel:
		return append(le.AppendUint64(dst, uint64(c.Amount)), c.Actor...)
	case KindForward, KindOutage:
		return le.AppendUint32(le.AppendUint64(le.AppendUint64(dst, c.Order), uint64(c.Amount)), c.Count)
	case KindHoldStop:
		return le.AppendUint32(dst, c.Count)
	case KindBirth:
		return append(le.AppendUint64(append(dst, c.Key[:]...), uint64(c.Amount)), byte(c.Count))
	}
	return dst
}

// appendShare appends of which order a cancel, withdraw or refund is, how much of it, and the key of a
// part.
func appendShare(dst []byte, c *Command) []byte {
	dst = append(binary.LittleEndian.AppendUint64(dst, c.Order), c.Quantity)
	if c.Quantity == 0 {
		return dst
	}
	return append(dst, c.Key[:]...)
}

// cutShare reads what appendShare wrote; false when f, which has nine bytes, ends before.
func cutShare(f []byte, c *Command) (rest []byte, ok bool) {
	c.Order, c.Quantity = binary.LittleEndian.Uint64(f), f[8]
	if f = f[9:]; c.Quantity == 0 {
		return f, true
	}
	if len(f) < len(c.Key) {
		return nil, false
	}
	c.Key = KeyDigest(f)
	return f[len(c.Key):], true
}

// appendNamed appends which tickets the refund of a part names.
func appendNamed(dst []byte, c *Command) []byte {
	if c.Quantity == 0 {
		return dst
	}
	names := len(c.Body) / ticketBytes
	if names > CapMax {
		panic(fmt.Sprintf("sequencer: a refund of %d tickets, at most %d are allowed", names, CapMax))
	}
	return append(append(dst, byte(names)), c.Body[:names*ticketBytes]...)
}

// cutNamed reads what appendNamed wrote; false when f ends before.
func cutNamed(f []byte, c *Command) (rest []byte, ok bool) {
	if len(f) < 1 || len(f) < 1+ticketBytes*int(f[0]) {
		return nil, false
	}
	end := 1 + ticketBytes*int(f[0])
	c.Body = perhaps(f[1:end:end])
	return f[end:], true
}

// AppendTicketNames appends the body of a refund that names tickets: ascending, each once.
func AppendTicketNames(dst []byte, numbers []uint32) []byte {
	for _, number := range numbers {
		dst = binary.LittleEndian.AppendUint32(dst, number)
	}
	return dst
}

func appendBuy(dst []byte, c *Command) []byte {
	flags := len(dst)
	dst = append(dst, 0, byte(c.Sale), byte(c.Sale>>8), c.Quantity, c.Min)
	if c.Key != (KeyDigest{}) {
		dst[flags] |= buyHasKey
		dst = append(dst, c.Key[:]...)
	}
	if len(c.Reference) > 0 {
		dst[flags] |= buyHasReference
		dst = appendShort(dst, c.Reference)
	}
	return append(dst, c.User...)
}

// appendShort appends a text of at most 255 bytes with its length before it. It panics
// when the text is longer: listeners check lengths before.
func appendShort(dst, text []byte) []byte {
	if len(text) > 255 {
		panic(fmt.Sprintf("sequencer: a text of %d bytes, at most 255 are allowed", len(text)))
	}
	return append(append(dst, byte(len(text))), text...)
}

// appendSeen appends a sale's number, behind its revision where the command is for that alone. No sale
// has the number 0, which says that a revision comes.
func appendSeen(dst []byte, c *Command) []byte {
	le := binary.LittleEndian
	if c.Revision != 0 || c.Sale == 0 {
		dst = le.AppendUint32(le.AppendUint16(dst, 0), c.Revision)
	}
	return le.AppendUint16(dst, c.Sale)
}

// cutSeen reads what appendSeen wrote; false for what it does not write.
func cutSeen(f []byte, c *Command) (rest []byte, ok bool) {
	le := binary.LittleEndian
	if c.Sale = le.Uint16(f); c.Sale != 0 {
		return f[2:], true
	}
	if len(f) < 8 {
		return nil, false
	}
	c.Revision, c.Sale = le.Uint32(f[2:]), le.Uint16(f[6:])
	return f[8:], c.Revision != 0 || c.Sale == 0
}

// perhaps returns a text, nil when it is empty: what is not there has one form.
func perhaps(text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	return text
}

// cutShort reads what appendShort wrote; false when f ends before.
func cutShort(f []byte) (text, rest []byte, ok bool) {
	if len(f) < 1 || len(f) < 1+int(f[0]) {
		return nil, nil, false
	}
	end := 1 + int(f[0])
	return perhaps(f[1:end:end]), f[end:], true
}

// DecodeBatch reads an encoded batch into b, reusing b.Commands. Users and
// bodies refer to data. It returns ErrVersion or ErrBatchCorrupt, and then b is
// not to be used.
func DecodeBatch(data []byte, b *Batch) error {
	if len(data) < BatchHeaderBytes {
		return fmt.Errorf("%w: %d bytes, a header has %d", ErrBatchCorrupt, len(data), BatchHeaderBytes)
	}
	if newest := batchVersionAt(LevelMax); data[0] != BatchVersion && data[0] != newest {
		return fmt.Errorf("%w: batch version %d, this program knows %d", ErrVersion, data[0], newest)
	}
	if seal := batchSeal(data); [3]byte(data[1:]) != seal {
		return fmt.Errorf("%w: behind the version stands %x, expected is %x", ErrBatchCorrupt, data[1:4], seal)
	}
	count := binary.LittleEndian.Uint32(data[4:])
	if count > BatchCommandsMax {
		return fmt.Errorf("%w: %d commands, at most %d are allowed", ErrBatchCorrupt, count, BatchCommandsMax)
	}
	time := binary.LittleEndian.Uint64(data[8:])
	if time > TimeMax {
		return fmt.Errorf("%w: its time is beyond %s", ErrBatchCorrupt, spellTime(TimeMax))
	}
	b.Time = int64(time)
	return decodeCommands(data[BatchHeaderBytes:], int(count), b)
}

func decodeCommands(data []byte, count int, b *Batch) error {
	if cap(b.Commands) < count {
		b.Commands = make([]Command, count)
	}
	b.Commands = b.Commands[:count]
	for i := range b.Commands {
		if len(data) < 2 {
			return fmt.Errorf("%w: ends before command %d of %d", ErrBatchCorrupt, i, count)
		}
		length := int(binary.LittleEndian.Uint16(data))
		if length < 1 || length > CommandBytesMax || len(data) < 2+length {
			return fmt.Errorf("%w: command %d of %d has length %d, %d bytes are left", ErrBatchCorrupt, i, count, length, len(data)-2)
		}
		decodeCommand(data[2:2+length:2+length], &b.Commands[i])
		data = data[2+length:]
	}
	if len(data) != 0 {
		return fmt.Errorf("%w: %d bytes after the last of %d commands", ErrBatchCorrupt, len(data), count)
	}
	return nil
}

// decodeCommand fills c from one command's kind and fields; c.Kind is 0 when
// they are malformed. Only framing is checked here, values by the state.
func decodeCommand(data []byte, c *Command) {
	*c = Command{Kind: Kind(data[0])}
	if !decodeFields(data[1:], c) {
		*c = Command{}
	}
}

func decodeFields(f []byte, c *Command) bool {
	le := binary.LittleEndian
	least, exact := fieldBytes(c.Kind)
	if least < 0 || len(f) < least || exact && len(f) != least {
		return false
	}
	switch c.Kind {
	case KindBuy:
		return decodeBuy(f, c)
	case KindCancel:
		var ok bool
		c.User, ok = cutShare(f, c)
		return ok
	case KindPayBegin:
		var ok bool
		c.Order, c.Amount, c.Count = le.Uint64(f), int64(le.Uint64(f[8:])), le.Uint32(f[16:])
		c.Reference, c.User, ok = cutShort(f[20:])
		return ok
	case KindPayCalled:
		c.Order, c.Attempt = le.Uint64(f), f[8]
	case KindPayResult:
		c.Order, c.Attempt, c.Outcome, c.Reason = le.Uint64(f), f[8], PayOutcome(f[9]), PayReason(f[10])
	case KindPayVoided:
		c.Order, c.Attempt, c.Outcome, c.Part = le.Uint64(f), f[8], PayOutcome(f[9]), f[10]
	case KindPayCaptured:
		c.Order, c.Attempt, c.Amount = le.Uint64(f), f[8], int64(le.Uint64(f[9:]))
	case KindPayBounced:
		c.Order, c.Attempt, c.Reason, c.Count, c.Part = le.Uint64(f), f[8], PayReason(f[9]), le.Uint32(f[10:]), f[14]
	case KindAcknowledge:
		var ok bool
		c.Order, c.Attempt, c.Part = le.Uint64(f), f[8], f[9]
		c.Actor, c.Body, ok = cutShort(f[10:])
		return ok
	case KindPayDisputed:
		c.Order, c.Attempt, c.Dispute, c.Amount, c.Count = le.Uint64(f), f[8], DisputeStatus(f[9]), int64(le.Uint64(f[10:])), le.Uint32(f[18:])
	case KindAccept:
		var ok bool
		if c.Actor, f, ok = cutShort(f); !ok {
			return false
		}
		c.Reference, c.Body, ok = cutShort(f)
		return ok
	case KindSettle:
		var ok bool
		c.Order, c.Attempt, c.Outcome, c.Part, c.Amount = le.Uint64(f), f[8], PayOutcome(f[9]), f[10], int64(le.Uint64(f[11:]))
		c.Actor, c.Body, ok = cutShort(f[19:])
		return ok
	case KindRefund:
		rest, ok := cutShare(f, c)
		if ok && c.Quantity != 0 {
			rest, ok = cutNamed(rest, c)
		}
		c.Actor = perhaps(rest)
		return ok
	case KindWithdraw:
		actor, ok := cutShare(f, c)
		c.Actor = perhaps(actor)
		return ok
	case KindSaleCreate:
		var ok bool
		c.Actor, c.Body, ok = cutShort(f)
		return ok
	case KindSaleUpdate:
		var ok bool
		c.Sale, c.Revision = le.Uint16(f), le.Uint32(f[2:])
		c.Actor, c.Body, ok = cutShort(f[6:])
		return ok
	case KindSalePause, KindSaleResume:
		actor, ok := cutSeen(f, c)
		c.Actor = perhaps(actor)
		return ok
	case KindSaleClose, KindSaleCancel:
		c.Sale, c.Actor = le.Uint16(f), perhaps(f[2:])
	case KindSaleQuantity, KindSaleRelease, KindSaleExtend:
		c.Sale, c.Amount, c.Revision, c.Actor = le.Uint16(f), int64(le.Uint64(f[2:])), le.Uint32(f[10:]), perhaps(f[14:])
	case KindLevel:
		c.Amount, c.Actor = int64(le.Uint64(f)), perhaps(f[8:])
	case KindForward, KindOutage:
		c.Order, c.Amount, c.Count = le.Uint64(f), int64(le.Uint64(f[8:])), le.Uint32(f[16:])
	case KindHoldStop:
		c.Count = le.Uint32(f)
	case KindBirth:
		c.Key, c.Amount, c.Count = KeyDigest(f), int64(le.Uint64(f[16:])), uint32(f[24])
	}
	return true
}

// fieldBytes returns how many bytes the fields of a kind have at least, and
// whether that is also the most; -1 for an unknown kind.
func fieldBytes(k Kind) (least int, exact bool) {
	switch k {
	case KindBuy:
		return 5, false
	case KindCancel, KindRefund, KindWithdraw:
		return 9, false
	case KindPayBegin:
		return 21, false
	case KindPayCalled:
		return 9, true
	case KindAccept:
		return 2, false
	case KindSettle:
		return 20, false
	case KindPayResult:
		return 11, true
	case KindPayVoided:
		return 11, true
	case KindPayCaptured:
		return 17, true
	case KindAcknowledge:
		return 11, false
	case KindPayDisputed:
		return 22, true
	case KindPayBounced:
		return 15, true
	case KindLevel:
		return 8, false
	case KindSaleCreate:
		return 1, false
	case KindSaleUpdate:
		return 7, false
	case KindSalePause, KindSaleResume, KindSaleClose, KindSaleCancel:
		return 2, false
	case KindSaleQuantity, KindSaleRelease, KindSaleExtend:
		return 14, false
	case KindSessionOpen, KindHoldGo:
		return 0, true
	case KindHoldStop:
		return 4, true
	case KindForward, KindOutage:
		return 20, true
	case KindBirth:
		return 25, true
	}
	return -1, false
}

func decodeBuy(f []byte, c *Command) bool {
	flags := f[0]
	c.Sale = binary.LittleEndian.Uint16(f[1:])
	c.Quantity, c.Min = f[3], f[4]
	f = f[5:]
	if flags&^(buyHasKey|buyHasReference) != 0 {
		return false
	}
	if flags&buyHasKey != 0 {
		if len(f) < len(c.Key) {
			return false
		}
		c.Key = KeyDigest(f)
		if c.Key == (KeyDigest{}) {
			return false // zero means "no key" and has one encoding only
		}
		f = f[len(c.Key):]
	}
	if flags&buyHasReference != 0 {
		var ok bool
		if c.Reference, f, ok = cutShort(f); !ok || len(c.Reference) == 0 {
			return false // empty means "none" and has one encoding only
		}
	}
	c.User = f
	return true
}
