package audit

import (
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// Whatever single field of whatever decision or event is changed, the audit
// finds it in the block where it was changed, though the chain is whole.
func TestEveryFieldIsChecked(t *testing.T) {
	batches := story(11, 120)
	random := rand.New(rand.NewPCG(11, 1))
	changed := map[string]int{}
	for round := 0; round < 250; round++ {
		entries := decided(batches, honest)
		name, at := changeField(random, entries)
		if name == "" {
			continue
		}
		changed[name]++
		r := audited(entries, Options{SkipStateHash: true})
		if r.Verdict != VerdictFindings {
			t.Fatalf("round %d: another %s in block %d is not found:\n%s", round, name, at+1, r)
		}
		if first := r.Findings[0]; first.Block != uint64(at)+1 {
			t.Fatalf("round %d: another %s in block %d is found as %s", round, name, at+1, first.String())
		}
	}
	for _, kind := range []reflect.Type{reflect.TypeFor[sequencer.Result](), reflect.TypeFor[sequencer.Event]()} {
		for i := range kind.NumField() {
			// A result's kind is not written: it is its command's.
			if name := kind.Name() + "." + kind.Field(i).Name; changed[name] == 0 && name != "Result.Kind" {
				t.Errorf("%s was never changed", name)
			}
		}
	}
}

// changeField gives a random field of a random decision or event another value
// that can be written. It returns "" when it picked what has none.
func changeField(random *rand.Rand, entries []entry) (name string, at int) {
	at = random.IntN(len(entries))
	d := &entries[at].decisions
	var target reflect.Value
	switch n := random.IntN(2); {
	case n == 0 && len(d.Results) > 0:
		target = reflect.ValueOf(&d.Results[random.IntN(len(d.Results))]).Elem()
	case n == 1 && len(d.Events) > 0:
		target = reflect.ValueOf(&d.Events[random.IntN(len(d.Events))]).Elem()
	default:
		return "", at
	}
	i := random.IntN(target.NumField())
	name = target.Type().Name() + "." + target.Type().Field(i).Name
	if name == "Result.Kind" {
		return "", at
	}
	switch field := target.Field(i); {
	case field.CanInt():
		field.SetInt(field.Int() + 1)
	case field.Kind() == reflect.Bool:
		field.SetBool(!field.Bool())
	case name == "Result.State":
		field.SetUint((field.Uint() + 1) % uint64(sequencer.StateRefunded+1))
	case name == "Result.Code":
		field.SetUint((field.Uint() + 1) % uint64(sequencer.CodeCount))
	default:
		field.SetUint(field.Uint() ^ 1)
	}
	return name, at
}

// A refusal that is written at length reads as the same refusal, and is found
// all the same: no node writes it so.
func TestOtherEncodingIsFound(t *testing.T) {
	entries := decided(rush(100, 10, false), honest)
	dir := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir, journal.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	put(t, j, entries[:5])
	last := &entries[5]
	encoded := sequencer.AppendDecisions(nil, &last.decisions)
	result := &last.decisions.Results[len(last.decisions.Results)-1]
	if encoded[len(encoded)-1] != byte(sequencer.CodeSoldOut) || result.Order != 0 {
		t.Fatalf("the last decision is no refusal: %+v", result)
	}
	long := make([]byte, 34) // code with bit 7, …, seq at offset 10
	long[0] = 0x80 | byte(sequencer.CodeSoldOut)
	binary.LittleEndian.PutUint64(long[10:], result.Seq)
	block := journal.Block{
		RaftIndex: j.Position().RaftIndex + 2, Term: 1, StateHash: last.stateHash,
		Batch: sequencer.AppendBatch(nil, &last.batch), Decisions: append(encoded[:len(encoded)-1], long...),
	}
	if err := j.Put(&block); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := mustRun(t, dir, Options{})
	if r.FindingCount != 1 || r.FindingKinds[KindEncoding] != 1 || r.Findings[0].Block != 6 {
		t.Fatal(r)
	}
}
