package orderindex

import (
	"bufio"
	"encoding/binary"
	"errors"
	"iter"
	"os"

	"onsale/internal/durable"
	"onsale/wal/journal"
)

// unfinished is how the names of runs begin that are being written.
const unfinished = "unfinished-"

// writeRun writes pairs, which are so many and in order, as a run in a folder, and opens it.
func writeRun(dir string, s journal.Span, head journal.Hash, count uint64, pairs iter.Seq2[pair, error]) (*run, error) {
	file, err := os.CreateTemp(dir, unfinished+"*") // 0600
	if err != nil {
		return nil, err
	}
	err = errors.Join(writePairs(file, s, head, count, pairs), file.Sync(), file.Close())
	path := runPath(dir, s)
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(file.Name()))
	}
	if err := durable.SyncFolder(dir); err != nil {
		return nil, err
	}
	return openRun(path)
}

func appendHeader(dst []byte, s journal.Span, head journal.Hash, count uint64) []byte {
	le, start := binary.LittleEndian, len(dst)
	dst = append(append(dst, runMagic...), runVersion, 0, 0, 0)
	for _, v := range [...]uint64{s.First, s.Last, count} {
		dst = le.AppendUint64(dst, v)
	}
	dst = append(dst, head[:]...)
	return le.AppendUint32(dst, checksum(dst[start:]))
}

// writePairs writes a whole run. Its memory is a chunk, and the fences.
func writePairs(file *os.File, s journal.Span, head journal.Hash, count uint64, pairs iter.Seq2[pair, error]) error {
	le, w := binary.LittleEndian, bufio.NewWriterSize(file, 1<<16)
	_, _ = w.Write(appendHeader(nil, s, head, count)) // a bufio.Writer keeps its first error for Flush
	var chunk, fences []byte
	put := func() {
		fences = le.AppendUint32(append(fences, chunk[:8]...), checksum(chunk))
		_, _ = w.Write(chunk)
		chunk = chunk[:0]
	}
	for p, err := range pairs {
		if err != nil {
			return err
		}
		chunk = le.AppendUint64(le.AppendUint64(chunk, p.key), p.height)
		if len(chunk) == chunkPairs*pairBytes {
			put()
		}
	}
	if len(chunk) > 0 {
		put()
	}
	_, _ = w.Write(le.AppendUint32(fences, checksum(fences)))
	return w.Flush()
}
