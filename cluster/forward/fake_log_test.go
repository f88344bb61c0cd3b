package forward

import (
	"encoding/binary"
	"fmt"

	"onsale/sequencer"
)

// fakeLog executes a numbered batch of a session at most once, as the state does, and
// notes what it was sent.
type fakeLog struct {
	seq      uint64
	sessions map[uint64]*fakeSession
	sent     map[batchID]string            // commands, as they came first
	newest   map[uint64]uint64             // number that was sent, by session
	past     map[uint64][]sequencer.Result // by seq of the first
	orders   map[string][]uint64           // seqs at which each command was executed
	order    []string                      // of execution

	violations []string
}

type fakeSession struct{ number, first uint64 }

type batchID struct{ session, number uint64 }

func newFakeLog() *fakeLog {
	return &fakeLog{
		sessions: map[uint64]*fakeSession{}, sent: map[batchID]string{},
		newest: map[uint64]uint64{}, past: map[uint64][]sequencer.Result{}, orders: map[string][]uint64{},
	}
}

func (l *fakeLog) violated(format string, args ...any) {
	l.violations = append(l.violations, fmt.Sprintf(format, args...))
}

func (l *fakeLog) open() uint64 {
	l.seq++
	l.sessions[l.seq] = new(fakeSession)
	return l.seq
}

// received notes a batch that came to a node, and holds it against those before and the
// bounds that the sender was told.
func (l *fakeLog) received(frames []byte, limits Limits) {
	session, number, count, ok := sequencer.ParseForward(frames)
	commands, id := string(frames[sequencer.ForwardBytes:]), batchID{session, number}
	if !ok || len(split(commands)) != count {
		l.violated("%d commands were announced in %x", count, frames)
		return
	}
	if before, again := l.sent[id]; again && before != commands {
		l.violated("batch %d came with other commands", number)
	}
	if number < l.newest[session] {
		l.violated("batch %d came after %d", number, l.newest[session])
	}
	if count+1 > limits.RequestsMax || len(frames) > limits.BytesMax {
		l.violated("%d commands in %d bytes where %+v is allowed", count, len(frames), limits)
	}
	l.sent[id], l.newest[session] = commands, number
}

// execute decides a batch unless it was, or its session is forgotten.
func (l *fakeLog) execute(frames []byte, results []sequencer.Result) {
	id, number, _, _ := sequencer.ParseForward(frames)
	l.seq++
	results[0] = sequencer.Result{Seq: l.seq, Kind: sequencer.KindForward}
	switch session := l.sessions[id]; {
	case session == nil:
		results[0].Code = sequencer.CodeUnknownSession
	case number == session.number:
		results[0].Code, results[0].Order = sequencer.CodeBatchRepeated, session.first
	case number < session.number:
		results[0].Code = sequencer.CodeBatchRepeated
	default:
		session.number, session.first = number, l.seq
		l.decide(split(string(frames[sequencer.ForwardBytes:])), results[1:])
	}
}

func (l *fakeLog) decide(commands []string, results []sequencer.Result) {
	first := l.seq + 1
	for i, command := range commands {
		l.seq++
		l.orders[command] = append(l.orders[command], l.seq)
		l.order = append(l.order, command)
		results[i] = sequencer.Result{Seq: l.seq, Order: l.seq, Sale: 1, Quantity: 1, State: sequencer.StateReserved}
	}
	l.past[first] = append([]sequencer.Result(nil), results[:len(commands)]...)
}

// split returns encoded commands one by one.
func split(frames string) (commands []string) {
	for len(frames) >= 2 {
		length := 2 + int(binary.LittleEndian.Uint16([]byte(frames[:2])))
		if length > len(frames) {
			return nil
		}
		commands, frames = append(commands, frames[:length]), frames[length:]
	}
	return commands
}
