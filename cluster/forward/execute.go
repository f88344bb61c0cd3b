package forward

import (
	"encoding/binary"
	"fmt"

	"onsale/cluster/codes"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// execute decides one batch of a session on this node, which must lead, and
// appends its decisions. results is scratch. When the batch was executed before,
// its decisions of that time are appended.
func execute(node Decider, frames []byte, results *[]sequencer.Result, dst []byte) ([]byte, error) {
	_, _, count, err := sequencer.ForwardOf(frames)
	if err != nil {
		return dst, err
	}
	if count < 1 || count >= sequencer.BatchCommandsMax {
		return dst, fmt.Errorf("%w: %d commands in a forwarded batch", inbox.ErrFrames, count)
	}
	if cap(*results) < count+1 {
		*results = make([]sequencer.Result, count+1)
	}
	decided := (*results)[:count+1]
	if err := node.DecideMany(frames, count+1, decided); err != nil {
		return dst, err
	}
	first := decided[0].Seq + 1
	switch code := decided[0].Code; {
	case code == sequencer.CodeOK:
	case code == sequencer.CodeBatchRepeated && decided[0].Order != 0:
		first = decided[0].Order + 1
		if err := node.Past(first, decided[1:]); err != nil {
			return dst, fmt.Errorf("%w: %w", codes.ErrToldNoMore, err)
		}
	case code == sequencer.CodeBatchRepeated:
		return dst, codes.ErrToldNoMore
	case code == sequencer.CodeUnknownSession:
		return dst, codes.ErrSessionForgotten
	default:
		return dst, fmt.Errorf("%w: the forward command was answered %v", inbox.ErrFrames, code)
	}
	return sequencer.AppendDecisions(dst, &sequencer.Decisions{FirstSeq: first, Results: decided[1:]}), nil
}

// Limits bounds one batch as the leader takes it.
type Limits struct {
	RequestsMax int // the forward command included
	BytesMax    int // of the encoded commands, the forward command included
}

// allow reports whether a batch is within the limits.
func (l *Limits) allow(batch *inbox.Chunk) bool {
	return len(batch.Data)-frameHeaderBytes <= l.BytesMax && batch.Count+1 <= l.RequestsMax
}

// grant is the answer to who opens a session.
type grant struct {
	session uint64
	limits  Limits
}

const grantBytes = 16

func (g *grant) append(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(dst, g.session)
	dst = le.AppendUint32(dst, uint32(g.limits.RequestsMax))
	return le.AppendUint32(dst, uint32(g.limits.BytesMax))
}

func parseGrant(body []byte) (grant, error) {
	if len(body) != grantBytes {
		return grant{}, fmt.Errorf("%w: a session's grant of %d bytes", ErrFrame, len(body))
	}
	le := binary.LittleEndian
	g := grant{le.Uint64(body), Limits{int(le.Uint32(body[8:])), int(le.Uint32(body[12:]))}}
	if g.session == 0 || g.limits.RequestsMax < 2 || g.limits.BytesMax <= sequencer.CommandBytesMax+sequencer.ForwardBytes {
		return grant{}, fmt.Errorf("%w: a session's grant of %+v", ErrFrame, g)
	}
	return g, nil
}

// openSession opens a session on this node, which must lead.
func openSession(node Decider, limits Limits) (grant, error) {
	result, err := node.Decide(&sequencer.Command{Kind: sequencer.KindSessionOpen})
	if err == nil && result.Code != sequencer.CodeOK {
		err = fmt.Errorf("%w: opening a session was answered %v", codes.ErrRejected, result.Code)
	}
	return grant{result.Seq, limits}, err
}
