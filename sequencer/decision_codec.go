package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrDecisionsCorrupt is returned when bytes are not encoded decisions.
var ErrDecisionsCorrupt = errors.New("decisions are corrupt")

// DecisionsVersion is the version byte of encoded decisions.
const DecisionsVersion = 2

// decisionsHeaderBytes is the length of the header of encoded decisions. The
// kinds of results are not written: they are those of the batch beside it. What most
// of a sale consists of takes one byte: a refusal, a reservation after another one of
// the same sale, and who comes next in a waitlist.
//
// All numbers are little-endian.
//
//	offset  bytes  decisions header
//	0       1      version (2)
//	1       3      zero
//	4       4      number of results
//	8       4      number of events
//	12      8      log time, nanoseconds since the Unix epoch
//	20      8      seq of the first command
//	28             results, then events, to the end
//
//	offset  bytes  result
//	0       1      form:
//	               0 to 31     the code; everything else is what a plain refusal has
//	               32 + n      CodeNotEnough with n tickets left (at most 31)
//	               64 + n      a new reservation of n tickets (at most 31): sale and
//	                           deadline are those of the last result that was reserved
//	               96 + n      a new place in the waitlist for n tickets (at most 31),
//	                           behind the last result that was waitlisted, in its sale
//	               128 + code  the rest follows
//	1       1      state; bit 7 is set when replayed
//	2       2      sale
//	4       1      quantity
//	5       1      attempt
//	6       4      position in the waitlist
//	10      8      seq (the first decision's when replayed)
//	18      8      seq of the order
//	26      8      deadline, nanoseconds
//	34      4      first number of its tickets, 0 for none
//
//	offset  bytes  event
//	0       1      kind
//	1       1      quantity
//	2       2      sale
//	4       4      before which command
//	8       8      seq of the order
//	16      8      deadline, nanoseconds
const decisionsHeaderBytes = 28

const (
	resultBytes      = 38
	eventBytes       = 24
	resultIsLong     = 0x80
	resultIsTooFew   = 0x20
	resultIsReserved = 0x40
	resultIsWaiting  = 0x60
	replayedFlag     = 0x80

	shortQuantityMax = 0x1f
	_                = uint(0x80 - CodeCount) // codes leave bit 7 free; those from 32 on have no short form of their own
)

// lastOrders is what the short forms refer to: the last results in the two states.
type lastOrders struct {
	reservedSale, waitingSale uint16
	position                  uint32
	deadline                  int64
}

// short returns the one-byte form of a new order; false when it has none.
func (l *lastOrders) short(r *Result, seq uint64) (form byte, ok bool) {
	if r.Order != seq || r.Seq != seq || r.Sale == 0 || r.Code != CodeOK || r.Replayed || r.Attempt != 0 || r.Ticket != 0 || r.Quantity > shortQuantityMax {
		return 0, false
	}
	switch r.State {
	case StateReserved:
		return resultIsReserved | r.Quantity, r.Sale == l.reservedSale && r.Deadline == l.deadline && r.Position == 0
	case StateWaitlisted:
		return resultIsWaiting | r.Quantity, r.Sale == l.waitingSale && r.Position == l.position+1 && r.Deadline == 0
	}
	return 0, false
}

// long fills what the short form of a new order leaves out. It returns false when the
// form refers to nothing.
func (l *lastOrders) long(form byte, r *Result) bool {
	r.Order, r.Quantity = r.Seq, form&shortQuantityMax
	if form&resultIsWaiting == resultIsWaiting {
		r.State, r.Sale, r.Position = StateWaitlisted, l.waitingSale, l.position+1
	} else {
		r.State, r.Sale, r.Deadline = StateReserved, l.reservedSale, l.deadline
	}
	return r.Sale != 0
}

// note remembers a result.
func (l *lastOrders) note(r *Result) {
	switch r.State {
	case StateReserved:
		l.reservedSale, l.deadline = r.Sale, r.Deadline
	case StateWaitlisted:
		l.waitingSale, l.position = r.Sale, r.Position
	}
}

// AppendDecisions appends the encoding of d. The same decisions have the same
// bytes on every replica.
func AppendDecisions(dst []byte, d *Decisions) []byte {
	le := binary.LittleEndian
	dst = append(dst, DecisionsVersion, 0, 0, 0)
	dst = le.AppendUint32(dst, uint32(len(d.Results)))
	dst = le.AppendUint32(dst, uint32(len(d.Events)))
	dst = le.AppendUint64(dst, uint64(d.Time))
	dst = le.AppendUint64(dst, d.FirstSeq)
	var last lastOrders
	for i := range d.Results {
		r, seq := &d.Results[i], d.FirstSeq+uint64(i)
		if form, ok := last.short(r, seq); ok {
			dst = append(dst, form)
		} else {
			dst = appendResult(dst, r, seq)
		}
		last.note(r)
	}
	for i := range d.Events {
		dst = appendEvent(dst, &d.Events[i])
	}
	return dst
}

// appendResult writes the one-byte form when everything but the code, what is left, the
// sale and the kind (both known from the command) is what a plain refusal has.
func appendResult(dst []byte, r *Result, seq uint64) []byte {
	plain := r.Order == 0 && r.Seq == seq && r.State == StateNone && r.Deadline == 0 && r.Position == 0 &&
		r.Attempt == 0 && r.Ticket == 0 && r.Sale == 0 && !r.Replayed
	switch {
	case plain && r.Quantity == 0 && r.Code < resultIsTooFew:
		return append(dst, byte(r.Code))
	case plain && r.Code == CodeNotEnough && r.Quantity <= shortQuantityMax:
		return append(dst, resultIsTooFew|r.Quantity)
	}

	le := binary.LittleEndian
	state := byte(r.State)
	if r.Replayed {
		state |= replayedFlag
	}
	dst = append(dst, byte(r.Code)|resultIsLong, state, byte(r.Sale), byte(r.Sale>>8), r.Quantity, r.Attempt)
	dst = le.AppendUint32(dst, r.Position)
	dst = le.AppendUint64(dst, r.Seq)
	dst = le.AppendUint64(dst, r.Order)
	return le.AppendUint32(le.AppendUint64(dst, uint64(r.Deadline)), r.Ticket)
}

func appendEvent(dst []byte, e *Event) []byte {
	le := binary.LittleEndian
	dst = append(dst, byte(e.Kind), e.Quantity, byte(e.Sale), byte(e.Sale>>8))
	dst = le.AppendUint32(dst, e.Before)
	dst = le.AppendUint64(dst, e.Order)
	return le.AppendUint64(dst, uint64(e.Deadline))
}

// DecodeDecisions reads encoded decisions into d, reusing its slices. commands
// is the batch that they answer; it gives the results their kinds. It returns
// ErrVersion or ErrDecisionsCorrupt, and then d is not to be used.
func DecodeDecisions(data []byte, commands []Command, d *Decisions) error {
	if len(data) < decisionsHeaderBytes {
		return fmt.Errorf("%w: %d bytes, a header has %d", ErrDecisionsCorrupt, len(data), decisionsHeaderBytes)
	}
	if data[0] != DecisionsVersion {
		return fmt.Errorf("%w: decisions version %d, this program knows %d", ErrVersion, data[0], DecisionsVersion)
	}
	le := binary.LittleEndian
	results, events := le.Uint32(data[4:]), le.Uint32(data[8:])
	time := le.Uint64(data[12:])
	if data[1]|data[2]|data[3] != 0 || time > TimeMax {
		return fmt.Errorf("%w: malformed header", ErrDecisionsCorrupt)
	}
	if int(results) != len(commands) || uint64(events)*eventBytes > uint64(len(data)) {
		return fmt.Errorf("%w: %d results for %d commands, %d events in %d bytes", ErrDecisionsCorrupt, results, len(commands), events, len(data))
	}
	d.Time, d.FirstSeq = int64(time), le.Uint64(data[20:])
	rest, err := decodeResults(data[decisionsHeaderBytes:], commands, d)
	if err != nil {
		return err
	}
	return decodeEvents(rest, int(events), d)
}

func decodeResults(data []byte, commands []Command, d *Decisions) ([]byte, error) {
	d.Results = d.Results[:0]
	var last lastOrders
	for i := range commands {
		r := Result{Seq: d.FirstSeq + uint64(i), Kind: commands[i].Kind}
		n := 0
		if len(data) > 0 && data[0] >= resultIsReserved && data[0] < resultIsLong {
			if last.long(data[0], &r) {
				n = 1
			}
		} else {
			n = decodeResult(data, &r)
		}
		if n == 0 {
			return nil, fmt.Errorf("%w: result %d of %d", ErrDecisionsCorrupt, i, len(commands))
		}
		last.note(&r)
		data = data[n:]
		d.Results = append(d.Results, r)
	}
	return data, nil
}

// decodeResult returns how many bytes it read, 0 when they are malformed.
func decodeResult(data []byte, r *Result) int {
	switch {
	case len(data) < 1:
		return 0
	case data[0]&^shortQuantityMax == resultIsTooFew:
		r.Code, r.Quantity = CodeNotEnough, data[0]&shortQuantityMax
		return 1
	case data[0]&^resultIsLong >= byte(CodeCount):
		return 0
	}

	r.Code = Code(data[0] &^ resultIsLong)
	if data[0]&resultIsLong == 0 {
		return 1
	}
	if len(data) < resultBytes || data[1]&^replayedFlag > byte(StateRefunded) {
		return 0
	}
	le := binary.LittleEndian
	r.State, r.Replayed = OrderState(data[1]&^replayedFlag), data[1]&replayedFlag != 0
	r.Sale, r.Quantity, r.Attempt = le.Uint16(data[2:]), data[4], data[5]
	r.Position, r.Seq, r.Order = le.Uint32(data[6:]), le.Uint64(data[10:]), le.Uint64(data[18:])
	r.Deadline, r.Ticket = int64(le.Uint64(data[26:])), le.Uint32(data[34:])
	return resultBytes
}

func decodeEvents(data []byte, count int, d *Decisions) error {
	if len(data) != count*eventBytes {
		return fmt.Errorf("%w: %d bytes for %d events", ErrDecisionsCorrupt, len(data), count)
	}
	le := binary.LittleEndian
	d.Events = d.Events[:0]
	for ; len(data) > 0; data = data[eventBytes:] {
		d.Events = append(d.Events, Event{
			Kind: EventKind(data[0]), Quantity: data[1], Sale: le.Uint16(data[2:]), Before: le.Uint32(data[4:]),
			Order: le.Uint64(data[8:]), Deadline: int64(le.Uint64(data[16:])),
		})
	}
	return nil
}
