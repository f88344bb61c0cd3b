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
//	24      24     as of
//	48      4      position in the waitlist
//	52      2      sale's number
//	54      1      state
//	55      1      quantity
//	56      1      requested
//	57      1      min
//	58      1      attempts
//	59      1      flags: bit 0 overdue, 1 capture due, 2 captured, 3 in the line
//	60      1      length of the sale's id
//	61      1      length of the user id
//	62      1      reason of the last rejected payment
//	63      1      length of the reference
//	64      4      voids due
//	68      4      voided
//	72      16     id of the birth in which the seq lies, zero for none
//	88      4      bounced
//	92      4      failed
//	96      1      why the newest refund failed
//	97      4      acknowledged
//	101     1      number of parts
//	102     1      status of the dispute, 0 for none
//	103     8      its amount
//	111     8      evidence by, nanoseconds
//	119     8      decision that it was paid by, 0 for none
//	127     16     id of the birth in which that lies, zero for none
//	143     4      first number of its tickets, 0 for none
//	147     1      number of tickets
//	148            sale's id, user id, reference, parts, tickets
//
//	offset  bytes  part
//	0       1      tickets
//	1       1      state
//	2       1      attempts that had begun
//	3       1      refunds that failed
//	4       1      why the newest of them did
//
//	offset  bytes  ticket; their numbers follow each other
//	0       1      255 while it is valid, else the part with which it was revoked, 0 for the whole
//
// As of, of a view and at the beginning of an answer about orders:
//
//	offset  bytes  as of
//	0       8      seq of the last decision
//	8       8      beginning of the birth's id
//	16      8      height of the journal
const (
	orderViewBytes = 148
	partViewBytes  = 5
	ticketIsValid  = 0xff
	asOfBytes      = 24
)

const (
	viewOverdue    = 1
	viewCaptureDue = 2
	viewCaptured   = 4
	viewLined      = 8
)

func appendOrderView(dst []byte, v *sequencer.OrderView) []byte {
	le := binary.LittleEndian
	for _, number := range [...]uint64{v.Seq, uint64(v.CreatedAt), uint64(v.Deadline)} {
		dst = le.AppendUint64(dst, number)
	}
	dst = appendAsOf(dst, sequencer.AsOf{Seq: v.AsOfSeq, Position: v.AsOf})
	dst = le.AppendUint16(le.AppendUint32(dst, v.Position), v.Sale)
	flags := byte(0)
	if v.Overdue {
		flags |= viewOverdue
	}
	if v.CaptureDue {
		flags |= viewCaptureDue
	}
	if v.Captured {
		flags |= viewCaptured
	}
	if v.Lined {
		flags |= viewLined
	}
	dst = append(dst, byte(v.State), v.Quantity, v.Requested, v.Min, v.Attempts, flags, byte(len(v.SaleID)), byte(len(v.User)), byte(v.Reason), byte(len(v.Reference)))
	dst = le.AppendUint32(le.AppendUint32(dst, v.VoidsDue), v.Voided)
	dst = append(dst, v.Birth[:]...)
	dst = append(le.AppendUint32(le.AppendUint32(dst, v.Bounced), v.Failed), byte(v.RefundReason))
	dst = append(le.AppendUint32(dst, v.Acknowledged), byte(len(v.Parts)), byte(v.Dispute.Status))
	dst = le.AppendUint64(le.AppendUint64(dst, uint64(v.Dispute.Amount)), uint64(v.Dispute.EvidenceBy))
	dst = append(le.AppendUint64(dst, v.PaidSeq), v.PaidBirth[:]...)
	first := uint32(0)
	if len(v.Tickets) > 0 {
		first = v.Tickets[0].Number
	}
	dst = append(le.AppendUint32(dst, first), byte(len(v.Tickets)))
	dst = append(append(append(dst, v.SaleID...), v.User...), v.Reference...)
	for _, part := range v.Parts {
		dst = append(dst, part.Quantity, byte(part.State), part.Attempts, part.Fails, byte(part.Reason))
	}
	for _, ticket := range v.Tickets {
		if ticket.Revoked {
			dst = append(dst, ticket.Part)
		} else {
			dst = append(dst, ticketIsValid)
		}
	}
	return dst
}

// decodeOrderView reads one view and returns what follows it.
func decodeOrderView(data []byte) (v sequencer.OrderView, rest []byte, err error) {
	if len(data) < orderViewBytes || len(data) < orderViewBytes+int(data[60])+int(data[61])+int(data[63])+partViewBytes*int(data[101])+int(data[147]) || data[59] > viewOverdue|viewCaptureDue|viewCaptured|viewLined ||
		sequencer.OrderState(data[54]) > sequencer.StateRefunded || sequencer.PayReason(data[62]) > sequencer.PayReasonMax || sequencer.PayReason(data[96]) > sequencer.PayReasonMax ||
		sequencer.DisputeStatus(data[102]) > sequencer.DisputeStatusMax {
		return v, nil, fmt.Errorf("%w: order view in %d bytes", ErrFrame, len(data))
	}
	le, asOf := binary.LittleEndian, parseAsOf(data[24:])
	v = sequencer.OrderView{
		Seq: le.Uint64(data), CreatedAt: int64(le.Uint64(data[8:])), Deadline: int64(le.Uint64(data[16:])), AsOfSeq: asOf.Seq, AsOf: asOf.Position,
		Position: le.Uint32(data[48:]), Sale: le.Uint16(data[52:]), State: sequencer.OrderState(data[54]), Quantity: data[55],
		Requested: data[56], Min: data[57], Attempts: data[58], VoidsDue: le.Uint32(data[64:]), Overdue: data[59]&viewOverdue != 0,
		CaptureDue: data[59]&viewCaptureDue != 0, Captured: data[59]&viewCaptured != 0, Lined: data[59]&viewLined != 0, Voided: le.Uint32(data[68:]), Reason: sequencer.PayReason(data[62]),
		Birth: sequencer.ClusterID(data[72:88]), Bounced: le.Uint32(data[88:]), Failed: le.Uint32(data[92:]), RefundReason: sequencer.PayReason(data[96]), Acknowledged: le.Uint32(data[97:]),
		Dispute: sequencer.Dispute{Status: sequencer.DisputeStatus(data[102]), Amount: int64(le.Uint64(data[103:])), EvidenceBy: int64(le.Uint64(data[111:]))},
		PaidSeq: le.Uint64(data[119:]), PaidBirth: sequencer.ClusterID(data[127:143]),
	}
	texts, sale, user, reference := data[orderViewBytes:], int(data[60]), int(data[61]), int(data[63])
	v.SaleID, texts = string(texts[:sale]), texts[sale:]
	v.User, texts = string(texts[:user]), texts[user:]
	v.Reference, texts = string(texts[:reference]), texts[reference:]
	for range data[101] {
		part := sequencer.Part{Quantity: texts[0], State: sequencer.PartState(texts[1]), Attempts: texts[2], Fails: texts[3], Reason: sequencer.PayReason(texts[4])}
		if part.State < sequencer.PartUnpaid || part.State > sequencer.PartStateMax || part.Reason > sequencer.PayReasonMax {
			return v, nil, fmt.Errorf("%w: part %+v of an order view", ErrFrame, part)
		}
		v.Parts, texts = append(v.Parts, part), texts[partViewBytes:]
	}
	if data[147] > sequencer.CapMax {
		return v, nil, fmt.Errorf("%w: an order view of %d tickets", ErrFrame, data[147])
	}
	for i, part := range texts[:data[147]] {
		ticket := sequencer.Ticket{Number: le.Uint32(data[143:]) + uint32(i)}
		if part != ticketIsValid {
			ticket.Revoked, ticket.Part = true, part
		}
		v.Tickets = append(v.Tickets, ticket)
	}
	return v, texts[data[147]:], nil
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

func appendAsOf(dst []byte, asOf sequencer.AsOf) []byte {
	le := binary.LittleEndian
	return le.AppendUint64(le.AppendUint64(le.AppendUint64(dst, asOf.Seq), asOf.Birth), asOf.Height)
}

// parseAsOf reads asOfBytes of data.
func parseAsOf(data []byte) sequencer.AsOf {
	le := binary.LittleEndian
	return sequencer.AsOf{Seq: le.Uint64(data), Position: sequencer.Position{Birth: le.Uint64(data[8:]), Height: le.Uint64(data[16:])}}
}

// parseOrderViews reads as of and all views.
func parseOrderViews(body []byte) (views []sequencer.OrderView, asOf sequencer.AsOf, err error) {
	if len(body) < asOfBytes {
		return nil, asOf, fmt.Errorf("%w: answer about orders in %d bytes", ErrFrame, len(body))
	}
	asOf, body = parseAsOf(body), body[asOfBytes:]
	for len(body) > 0 {
		var v sequencer.OrderView
		if v, body, err = decodeOrderView(body); err != nil {
			return nil, sequencer.AsOf{}, err
		}
		views = append(views, v)
	}
	return views, asOf, nil
}
