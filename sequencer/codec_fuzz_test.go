package sequencer_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"onsale/audit/naive"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// addCuts seeds a fuzzer with an encoding, with parts of it, and with nothing.
func addCuts(f *testing.F, data []byte) {
	for _, n := range []int{0, 1, len(data) / 3, len(data) / 2, len(data) - 1, len(data)} {
		f.Add(bytes.Clone(data[:n]))
	}
	changed := bytes.Clone(data)
	changed[0]++
	f.Add(changed)
	f.Add(append(bytes.Clone(data), 0))
}

// What decodes as a batch is written again as the same bytes, but for commands
// that cannot be read; and it is decided, whatever it says, alike by the naive
// model.
func FuzzDecodeBatch(f *testing.F) {
	addCuts(f, golden(f, "batch"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b sequencer.Batch
		if err := sequencer.DecodeBatch(data, &b); err != nil {
			if !errors.Is(err, sequencer.ErrBatchCorrupt) && !errors.Is(err, sequencer.ErrVersion) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		readable := true
		for i := range b.Commands {
			readable = readable && b.Commands[i].Kind != 0
		}
		again := sequencer.AppendBatch(nil, &b)
		if readable && !bytes.Equal(again, data) {
			t.Fatalf("%x is written again as %x", data, again)
		}
		var second sequencer.Batch
		if err := sequencer.DecodeBatch(again, &second); err != nil || !reflect.DeepEqual(normalized(b), normalized(second)) {
			t.Fatalf("%+v is read again as %+v, %v", b, second, err)
		}
		decideBoth(t, &b)
	})
}

// normalized forgets where users and bodies lie, and empty ones.
func normalized(b sequencer.Batch) sequencer.Batch {
	n := sequencer.Batch{Time: b.Time}
	for _, c := range b.Commands {
		c.User, c.Body = append([]byte(nil), c.User...), append([]byte(nil), c.Body...)
		n.Commands = append(n.Commands, c)
	}
	return n
}

// decideBoth decides a batch after one that created a sale and sold from it.
func decideBoth(t *testing.T, b *sequencer.Batch) {
	first := goldenBatch()
	first.Commands = append(first.Commands[:1:1], first.Commands[2], first.Commands[5])
	state, model := sequencer.New(), naive.New()
	var d sequencer.Decisions
	for _, batch := range []*sequencer.Batch{&first, b} {
		state.Apply(batch, &d)
		if err := scenario.Compare(&d, model.Apply(batch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := state.Verify(); err != nil {
		t.Fatal(err)
	}
}

func FuzzDecodeSaleSpec(f *testing.F) {
	addCuts(f, golden(f, "sale_spec"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := sequencer.DecodeSaleSpec(data)
		if err != nil {
			if !errors.Is(err, sequencer.ErrBadSpec) && !errors.Is(err, sequencer.ErrVersion) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if err := s.Validate(); err != nil {
			t.Fatalf("read, and not valid: %v", err)
		}
		if again := sequencer.AppendSaleSpec(nil, &s); !bytes.Equal(again, data) {
			t.Fatalf("%x is written again as %x", data, again)
		}
	})
}

// What decodes as decisions says the same when it is written and read again. It
// is written as short as can be, so the bytes need not be the same.
func FuzzDecodeDecisions(f *testing.F) {
	commands, _ := goldenDecisions()
	addCuts(f, golden(f, "decisions"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d, again sequencer.Decisions
		if err := sequencer.DecodeDecisions(data, commands, &d); err != nil {
			if !errors.Is(err, sequencer.ErrDecisionsCorrupt) && !errors.Is(err, sequencer.ErrVersion) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		encoded := sequencer.AppendDecisions(nil, &d)
		if err := sequencer.DecodeDecisions(encoded, commands, &again); err != nil {
			t.Fatal(err)
		}
		if err := scenario.Compare(&again, &d); err != nil {
			t.Fatal(err)
		}
		if third := sequencer.AppendDecisions(nil, &again); !bytes.Equal(third, encoded) || len(encoded) > len(data) {
			t.Fatalf("%x is written as %x and %x", data, encoded, third)
		}
	})
}

// A uid that is read is the only spelling of its order.
func FuzzParseUID(f *testing.F) {
	addCuts(f, golden(f, "uid"))
	f.Add([]byte("ZZZZZZZZZZZZZZZZ"))
	f.Add([]byte("000g000000000002"))
	f.Fuzz(func(t *testing.T, uid []byte) {
		sale, seq, err := sequencer.ParseUID(uid)
		if err != nil {
			if !errors.Is(err, sequencer.ErrBadUID) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if again := sequencer.AppendUID(nil, sale, seq); !bytes.Equal(again, uid) {
			t.Fatalf("%s is written again as %s", uid, again)
		}
	})
}

// The same holds for the names of payments.
func FuzzParsePaymentRef(f *testing.F) {
	const birth = "00112233445566778899aabbccddeeff-"
	for _, rest := range []string{"000G000000000002-01", "000G000000000002-08", "000G000000000002-09", "000G000000000002-00", "000G000000000002-1", "000G000000000002-0:"} {
		f.Add([]byte(birth + rest))
	}
	f.Add([]byte(strings.ToUpper(birth) + "000G000000000002-01"))
	f.Fuzz(func(t *testing.T, ref []byte) {
		p, err := sequencer.ParsePaymentRef(ref)
		if err != nil {
			if !errors.Is(err, sequencer.ErrBadPaymentRef) || p != (sequencer.Payment{}) {
				t.Fatalf("error of no kind: %+v, %v", p, err)
			}
			return
		}
		if again := sequencer.PaymentRef(p.Birth, sequencer.FormatUID(p.Sale, p.Seq), p.Attempt); again != string(ref) {
			t.Fatalf("%s is written again as %s", ref, again)
		}
	})
}
