package sequencer

import (
	"crypto/sha256"
	"testing"
)

// BenchmarkCodec measures reading a batch and writing its decisions, one operation
// a command, beside what every byte of it costs anyway: the SHA-256 of the
// journal's chain over the same bytes.
func BenchmarkCodec(b *testing.B) {
	s, r := newSale(b, 1, 0), &rush{}
	var d Decisions
	s.Apply(r.next(b, 1), &d)
	s.Apply(r.next(b, 1), &d)
	encodedBatch := append([]byte(nil), r.encoded...)
	encodedDecisions := AppendDecisions(nil, &d)
	each := func(name string, do func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for done := 0; done < b.N; done += benchBatch {
				do()
			}
		})
	}
	var batch Batch
	each("decode batch", func() {
		if err := DecodeBatch(encodedBatch, &batch); err != nil {
			b.Fatal(err)
		}
	})
	each("encode batch", func() { encodedBatch = AppendBatch(encodedBatch[:0], &batch) })
	each("encode decisions", func() { encodedDecisions = AppendDecisions(encodedDecisions[:0], &d) })
	var decoded Decisions
	each("decode decisions", func() {
		if err := DecodeDecisions(encodedDecisions, batch.Commands, &decoded); err != nil {
			b.Fatal(err)
		}
	})
	hash := sha256.New()
	each("sha-256 of both", func() {
		hash.Reset()
		hash.Write(encodedBatch)
		hash.Write(encodedDecisions)
		hash.Sum(nil)
	})
}
