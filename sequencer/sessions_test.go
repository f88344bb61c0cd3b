package sequencer_test

import (
	"bytes"
	"testing"

	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// With SessionsMax sessions, the one that was used longest ago is forgotten, on
// every replica alike, one that was restored from a snapshot too; its batches are
// never executed again.
func TestForgottenSession(t *testing.T) {
	state := sequencer.New()
	var d sequencer.Decisions
	do := func(c ...sequencer.Command) []sequencer.Result {
		state.Apply(&sequencer.Batch{Time: scenario.DayStart, Commands: c}, &d)
		return d.Results
	}
	open := sequencer.Command{Kind: sequencer.KindSessionOpen}
	forward := func(session uint64, number int64) sequencer.Code {
		return do(sequencer.Command{Kind: sequencer.KindForward, Order: session, Amount: number, Count: 1}, sequencer.Command{Kind: sequencer.KindSaleExtend, Amount: 1})[0].Code
	}
	var ids []uint64
	for range sequencer.SessionsMax {
		ids = append(ids, do(open)[0].Seq)
	}
	if code := forward(ids[0], 1); code != sequencer.CodeOK { // used now: the second is the oldest
		t.Fatal(code)
	}
	restored := roundTrip(t, state)
	do(open)
	for i, want := range []sequencer.Code{sequencer.CodeOK, sequencer.CodeUnknownSession, sequencer.CodeOK} {
		if code := forward(ids[i], 2); code != want {
			t.Errorf("session %d: %v, want %v", i+1, code, want)
		}
	}
	if err := state.Verify(); err != nil {
		t.Fatal(err)
	}
	restored.Apply(&sequencer.Batch{Time: scenario.DayStart, Commands: []sequencer.Command{open}}, &d)
	for i := range 3 {
		restored.Apply(&sequencer.Batch{Time: scenario.DayStart, Commands: []sequencer.Command{
			{Kind: sequencer.KindForward, Order: ids[i], Amount: 2, Count: 1}, {Kind: sequencer.KindSaleExtend, Amount: 1}}}, &d)
	}
	if restored.Hash() != state.Hash() {
		t.Fatalf("restored %016x, went on %016x", restored.Hash(), state.Hash())
	}
}

func roundTrip(t *testing.T, state *sequencer.State) *sequencer.State {
	t.Helper()
	var file bytes.Buffer
	if _, err := state.Snapshot().WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	restored, err := sequencer.ReadSnapshot(&file)
	if err != nil {
		t.Fatal(err)
	}
	return restored
}

// PutForward and ParseForward are the codec's own bytes.
func TestForwardBytes(t *testing.T) {
	frames := make([]byte, sequencer.ForwardBytes)
	sequencer.PutForward(frames, 1<<40, 77, 6000)
	want := sequencer.AppendCommand(nil, &sequencer.Command{Kind: sequencer.KindForward, Order: 1 << 40, Amount: 77, Count: 6000})
	if !bytes.Equal(frames, want) {
		t.Fatalf("%x, want %x", frames, want)
	}
	if session, number, count, ok := sequencer.ParseForward(frames); !ok || session != 1<<40 || number != 77 || count != 6000 {
		t.Fatal(session, number, count, ok)
	}
	if _, _, _, ok := sequencer.ParseForward(sequencer.AppendCommand(nil, &sequencer.Command{Kind: sequencer.KindBuy, User: make([]byte, 40)})); ok {
		t.Fatal("a buy was taken for a forward")
	}
}
