package forward

import (
	"encoding/binary"
	"fmt"

	"onsale/sequencer"
)

// orderViewBytes is the length of an order view without its texts. All numbers are
// little-endian.
//
//	offset  bytes  order view
//	0       8      seq
//	8       8      created at, nanoseconds
//	16      8      deadline, nanoseconds
//	24      8      as of seq
//	32      4      position
//	36      2      sale's number
//	38      1      state
//	39      1      quantity
//	40      1      requested
//	41      1      min
//	42      1      attempts
//	43      1      voids due
//	44      1      flags: bit 0 overdue, 1 capture due
//	45      1      length of the sale's id
//	46      1      length of the user id
//	47      1      voided
//	48      1      reason of the last rejected payment
//	49      1      length of the reference
//	50             sale's id, user id, reference
const orderViewBytes = 50

const (
	viewOverdue    = 1
	viewCaptureDue = 2
)

func appendOrderView(dst []byte, v *sequencer.OrderView) []byte {
	le := binary.LittleEndian
	for _, number := range [...]uint64{v.Seq, uint64(v.CreatedAt), uint64(v.Deadline), v.AsOfSeq} {
		dst = le.AppendUint64(dst, number)
	}
	dst = le.AppendUint16(le.AppendUint32(dst, v.Position), v.Sale)
	flags := byte(0)
	if v.Overdue {
		flags |= viewOverdue
	}
	if v.CaptureDue {
		flags |= viewCaptureDue
	}
	dst = append(dst, byte(v.State), v.Quantity, v.Requested, v.Min, v.Attempts, v.VoidsDue, flags, byte(len(v.SaleID)), byte(len(v.User)), v.Voided, byte(v.Reason), byte(len(v.Reference)))
	return append(append(append(dst, v.SaleID...), v.User...), v.Reference...)
}

// decodeOrderView reads one view and returns what follows it.
func decodeOrderView(data []byte) (v sequencer.OrderView, rest []byte, err error) {
	if len(data) < orderViewBytes || len(data) < orderViewBytes+int(data[45])+int(data[46])+int(data[49]) || data[44] > viewOverdue|viewCaptureDue ||
		sequencer.OrderState(data[38]) > sequencer.StateRefunded || sequencer.PayReason(data[48]) > sequencer.PayReasonMax {
		return v, nil, fmt.Errorf("%w: order view in %d bytes", ErrFrame, len(data))
	}
	le := binary.LittleEndian
	v = sequencer.OrderView{
		Seq: le.Uint64(data), CreatedAt: int64(le.Uint64(data[8:])), Deadline: int64(le.Uint64(data[16:])), AsOfSeq: le.Uint64(data[24:]),
		Position: le.Uint32(data[32:]), Sale: le.Uint16(data[36:]), State: sequencer.OrderState(data[38]), Quantity: data[39],
		Requested: data[40], Min: data[41], Attempts: data[42], VoidsDue: data[43], Overdue: data[44]&viewOverdue != 0,
		CaptureDue: data[44]&viewCaptureDue != 0, Voided: data[47], Reason: sequencer.PayReason(data[48]),
	}
	texts, sale, user, reference := data[orderViewBytes:], int(data[45]), int(data[46]), int(data[49])
	v.SaleID, texts = string(texts[:sale]), texts[sale:]
	v.User, texts = string(texts[:user]), texts[user:]
	v.Reference, texts = string(texts[:reference]), texts[reference:]
	return v, texts, nil
}

// orderQuestion asks for one order, or for a user's orders when user is set.
type orderQuestion struct {
	seq, reached uint64 // seq is "after" for a user's orders
	wait         uint32 // milliseconds
	limit        uint32
	user         []byte
}

func (q *orderQuestion) append(dst []byte, ofUser bool) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(le.AppendUint64(le.AppendUint64(dst, q.seq), q.reached), q.wait)
	if !ofUser {
		return dst
	}
	return append(le.AppendUint32(dst, q.limit), q.user...)
}

func parseOrderQuestion(body []byte, ofUser bool) (q orderQuestion, err error) {
	le := binary.LittleEndian
	if ofUser && (len(body) < 25 || len(body) > 24+sequencer.UserBytesMax) || !ofUser && len(body) != 20 {
		return q, fmt.Errorf("%w: question about orders in %d bytes", ErrFrame, len(body))
	}
	q = orderQuestion{seq: le.Uint64(body), reached: le.Uint64(body[8:]), wait: le.Uint32(body[16:])}
	if ofUser {
		q.limit, q.user = le.Uint32(body[20:]), body[24:]
	}
	return q, nil
}

// appendAsOf begins an answer about orders.
func appendAsOf(dst []byte, asOf uint64) []byte { return binary.LittleEndian.AppendUint64(dst, asOf) }

// parseOrderViews reads as of and all views.
func parseOrderViews(body []byte) (views []sequencer.OrderView, asOf uint64, err error) {
	if len(body) < 8 {
		return nil, 0, fmt.Errorf("%w: answer about orders in %d bytes", ErrFrame, len(body))
	}
	asOf, body = binary.LittleEndian.Uint64(body), body[8:]
	for len(body) > 0 {
		var v sequencer.OrderView
		if v, body, err = decodeOrderView(body); err != nil {
			return nil, 0, err
		}
		views = append(views, v)
	}
	return views, asOf, nil
}
