package forward

import (
	"onsale/cluster/codes"
	"onsale/internal/failpoint"
	"onsale/sequencer"
)

// batchAnswerer answers the batches of one connection, with scratch of its own.
type batchAnswerer struct {
	caller  *caller
	results []sequencer.Result
	out     []byte
}

func (b *batchAnswerer) answer(f *frame) error {
	counters := &b.caller.server.counters
	if cap(b.out) < frameHeaderBytes {
		b.out = make([]byte, frameHeaderBytes, 64<<10)
	}
	out, code := b.out[:frameHeaderBytes], codes.OK
	failpoint.Hit(failpoint.ForwardReceive)
	out, err := execute(b.caller.server.node, f.body, &b.results, out)
	if err != nil {
		counters.Refused.Add(1)
		out, code = codes.Append(out[:frameHeaderBytes], err)
	} else {
		counters.Batches.Add(1)
		_, _, count, _ := sequencer.ParseForward(f.body)
		counters.Requests.Add(uint64(count))
	}
	b.out = out
	failpoint.Hit(failpoint.ForwardAnswer)
	return b.caller.write(out, code, f.id)
}
