package sequencer_test

import (
	"bytes"
	"reflect"
	"testing"

	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// goldenStory leaves an order in every state, attempts of every fate, a refusal
// that is remembered, and a sale under each flag.
const goldenStory = `
at 09:00:00
birth aa new 09:00:00
at 10:00:00
create spring quantity=9 waitlist=2
create autumn quantity=1 waitlist=1 hold=10m grace=1m skip-unfit=yes
create winter quantity=1 hold=1m
buy alice 2 key=a
buy bob 2
buy carol 1
buy dora 2
buy erin 1
buy günther 1 min=1
buy hugo 2 min=1 key=h
buy ivan 1 sale=autumn reference=I-1
buy judy 1 sale=autumn key=j
buy karl 1 sale=autumn key=k
buy lena 1 sale=winter reference="L 2"
pay bob #6 2000
pay carol #7 1000
provider #7 1 rejected
pay carol #7 1000
provider #7 2 accepted
provider #7 1 accepted
pay dora #8 2000
provider #8 1 cancelled
pay dora #8 2000
provider #8 2 accepted
provider #8 1 accepted
voided #8 1 cancelled
refund #8
cancel erin #9
buy mona 2
pay ivan #12 1000

# lena's hold is over, and ivan's payment outlasts its limit.
at 10:11:00
release spring 1
pause autumn by=sella
cancel-sale winter
level 2 by=otto
at 10:12:00
birth bb restore 10:12:00
at 10:12:30
buy nora 1 sale=autumn key=n
captured #7 2 1000
buy olga 2
pay olga #38 2000
provider #38 1 accepted
refund #38 quantity=1 key=p by=sue
captured #38 1 2000
bounced #38 1 1 part=1 reason=refund_lost
cancel bob #6 quantity=1
bounced #8 1 1 reason=method_gone
bounced #8 1 2 reason=disputed
acknowledge #8 1 "in cash" by=sella
disputed #7 2 needs_response 1000 1780272000
accept sandbox/test/b "sold to B" by=otto
pay alice #5 2000 account=sandbox/test/b
accept sandbox/test/c "and to C" by=otto
settle #5 1 accepted 2000 "on their statement" by=otto
pay günther #10 1000 account=sandbox/test/c line=600
`

// goldenState is the state at the story's end.
func goldenState(t testing.TB) *sequencer.State {
	t.Helper()
	p := newStatePlayer()
	if _, err := p.play(goldenStory); err != nil {
		t.Fatal(err)
	}
	return p.machine.(*sequencer.State)
}

// A snapshot is what a node starts from after an upgrade, and what it is sent by
// a peer of another version.
func TestGoldenSnapshot(t *testing.T) {
	state := goldenState(t)
	var written bytes.Buffer
	if _, err := state.Snapshot().WriteTo(&written); err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "snapshot", written.Bytes())
	restored, err := reread(state.Snapshot(), state.Hash(), state.Seq())
	if err != nil {
		t.Fatal(err)
	}
	states := map[sequencer.OrderState]bool{sequencer.StateNone: true}
	for seq := range uint64(1000) {
		want, known := state.Order(seq)
		if got, _ := restored.Order(seq); !reflect.DeepEqual(got, want) {
			t.Errorf("order %d:\n  got  %+v\n  want %+v", seq, got, want)
		}
		states[want.State] = states[want.State] || known
	}
	if len(states) != int(sequencer.StateRefunded)+1 {
		t.Errorf("the story leaves orders in the states %v only", states)
	}
}

// The golden snapshot goes on as the state went on that it was taken of.
func TestGoldenSnapshotGoesOn(t *testing.T) {
	state := goldenState(t)
	restored, err := sequencer.ReadSnapshot(bytes.NewReader(golden(t, "snapshot")))
	if err != nil {
		t.Fatal(err)
	}
	next := goldenBatch()
	next.Time = state.Now() + 3_600_000_000_000
	var got, want sequencer.Decisions
	for range 3 {
		state.Apply(&next, &want)
		restored.Apply(&next, &got)
		if err := scenario.Compare(&got, &want); err != nil {
			t.Fatal(err)
		}
		if state.Hash() != restored.Hash() {
			t.Fatalf("hashes %x and %x", restored.Hash(), state.Hash())
		}
		next.Time += 3_600_000_000_000
	}
}
