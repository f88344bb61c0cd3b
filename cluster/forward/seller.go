package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// A seller's command goes to the leader with the token of who gave it, and not in a batch:
// the leader trusts no other process with what changes a sale. The token is not written
// into the log; the actor is, as the leader read it from the token.

// tokenBytesMax bounds a token on its way to the leader.
const tokenBytesMax = 1<<16 - 1

// appendSeller appends the question of a seller's command.
func appendSeller(dst, token []byte, c *sequencer.Command) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(token)))
	return sequencer.AppendCommand(append(dst, token...), c)
}

// parseSeller reads what appendSeller wrote. The token and the command refer to body.
func parseSeller(body []byte) (token []byte, c sequencer.Command, err error) {
	if len(body) < 2 || len(body) < 2+int(binary.LittleEndian.Uint16(body)) {
		return nil, c, fmt.Errorf("%w: a seller's command in %d bytes", codes.ErrRejected, len(body))
	}
	end := 2 + int(binary.LittleEndian.Uint16(body))
	token = body[2:end]
	c, err = decodeOne(body[end:])
	if err == nil && !c.Kind.Sellers() {
		err = fmt.Errorf("a %s is no seller's command", c.Kind)
	}
	if err != nil {
		return nil, c, fmt.Errorf("%w: %w", codes.ErrRejected, err)
	}
	return token, c, nil
}

// decodeOne reads exactly one encoded command.
func decodeOne(frame []byte) (sequencer.Command, error) {
	var batch sequencer.Batch
	data := append(make([]byte, sequencer.BatchHeaderBytes), frame...)
	sequencer.PutBatchHeader(data, 0, 1)
	if err := sequencer.DecodeBatch(data, &batch); err != nil {
		return sequencer.Command{}, err
	}
	return batch.Commands[0], nil
}

// seller answers a seller's command that another node sent.
func (c *caller) seller(body, dst []byte) ([]byte, error) {
	if c.from.Role != peer.Node {
		return dst, fmt.Errorf("%w: sellers' commands come from nodes, %q is none", codes.ErrRejected, c.from.ID)
	}
	if c.server.config.Sellers == nil { // it led when the caller heard of it
		return dst, &sequencer.NotLeaderError{}
	}
	token, command, err := parseSeller(body)
	if err != nil {
		return dst, err
	}
	if err := c.server.node.Leader(); err != nil {
		return dst, err
	}
	result, err := c.server.config.Sellers.Seller(token, &command)
	if err != nil {
		return dst, err
	}
	return sequencer.AppendDecisions(dst, &sequencer.Decisions{FirstSeq: result.Seq, Results: []sequencer.Result{result}}), nil
}

// Seller sends a seller's command with the token of who gave it.
func (l *Link) Seller(ctx context.Context, token []byte, c *sequencer.Command) (sequencer.Result, error) {
	if len(token) > tokenBytesMax {
		return sequencer.Result{}, fmt.Errorf("%w: a token of %d bytes", codes.ErrToken, len(token))
	}
	body, err := l.ask(ctx, kindSeller, appendSeller(nil, token, c))
	if err != nil {
		return sequencer.Result{}, err
	}
	var d sequencer.Decisions
	if err := sequencer.DecodeDecisions(body, []sequencer.Command{*c}, &d); err != nil {
		return sequencer.Result{}, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return d.Results[0], nil
}

// DecideAs decides a seller's command: here while this node leads, else at the leader, which
// checks the token again. What may have been taken is not sent a second time:
// ErrOutcomeUnknown. codes.ErrToken when the leader does not take the token.
func (r *Replica) DecideAs(token []byte, c *sequencer.Command) (sequencer.Result, error) {
	result, err := r.Node.Decide(c)
	if !errors.Is(err, sequencer.ErrNoLeader) {
		return result, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.client.config.DecideTimeout)
	defer cancel()
	return TellLeader(ctx, r.links, func(l *Link) (sequencer.Result, error) { return l.Seller(ctx, token, c) })
}
