package orderindex

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sort"

	"onsale/wal/journal"
)

// ErrCorrupt is returned when a file is no run, or is damaged.
var ErrCorrupt = errors.New("index of orders is damaged")

// A run is a file of pairs, little-endian:
//
//	offset  bytes  what
//	0       4      "OIDX"
//	4       1      version (1)
//	5       3      zero
//	8       8      first height whose block is in it
//	16      8      last height
//	24      8      pairs
//	32      32     hash of the block at the last height
//	64      4      CRC-32C of everything before
//	68      16 n   pairs by key, then height: key 8, height 8
//	...     12 c   for each chunk of 4,096 pairs: its first key 8, CRC-32C of the chunk 4
//	end-4   4      CRC-32C of that
const (
	runMagic       = "OIDX"
	runVersion     = 1
	runHeaderBytes = 68
	pairBytes      = 16
	fenceBytes     = 12
	chunkPairs     = 4096
)

// pair says that something of a key is in the block at a height.
type pair struct{ key, height uint64 }

func (p pair) before(q pair) bool {
	return p.key < q.key || p.key == q.key && p.height < q.height
}

func comparePairs(a, b pair) int {
	switch {
	case a.before(b):
		return -1
	case b.before(a):
		return 1
	}
	return 0
}

// run is an open run. Its fences are in memory: 12 bytes for 64 KiB of pairs.
type run struct {
	span   journal.Span
	head   journal.Hash // of the block at span.Last
	pairs  uint64
	fences []fence
	file   *os.File
}

type fence struct {
	key uint64
	crc uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

func runPath(dir string, s journal.Span) string {
	return filepath.Join(dir, fmt.Sprintf("%020d-%020d.run", s.First, s.Last))
}

// openRun opens a run and checks all of it but its pairs.
func openRun(path string) (*run, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &run{file: file}
	if err := r.readEnds(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return r, nil
}

func (r *run) readEnds() error {
	var header [runHeaderBytes]byte
	if _, err := io.ReadFull(r.file, header[:]); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	le := binary.LittleEndian
	body := header[:runHeaderBytes-4]
	if string(header[:4]) != runMagic || header[4] != runVersion || le.Uint32(header[64:]) != checksum(body) {
		return fmt.Errorf("%w: it is no run of version %d", ErrCorrupt, runVersion)
	}
	r.span = journal.Span{First: le.Uint64(header[8:]), Last: le.Uint64(header[16:])}
	r.pairs, r.head = le.Uint64(header[24:]), journal.Hash(header[32:64])
	is, err := r.file.Stat()
	if err != nil {
		return err
	}
	chunks := (r.pairs + chunkPairs - 1) / chunkPairs
	if r.pairs > 1<<40 || uint64(is.Size()) != runHeaderBytes+r.pairs*pairBytes+chunks*fenceBytes+4 {
		return fmt.Errorf("%w: %d bytes for %d pairs", ErrCorrupt, is.Size(), r.pairs)
	}
	return r.readFences(int(chunks))
}

func (r *run) readFences(chunks int) error {
	data := make([]byte, chunks*fenceBytes+4)
	if _, err := r.file.ReadAt(data, runHeaderBytes+int64(r.pairs)*pairBytes); err != nil {
		return err
	}
	le, body := binary.LittleEndian, data[:len(data)-4]
	if le.Uint32(data[len(body):]) != checksum(body) {
		return fmt.Errorf("%w: its fences have another checksum", ErrCorrupt)
	}
	r.fences = make([]fence, chunks)
	for i := range r.fences {
		r.fences[i] = fence{le.Uint64(body[i*fenceBytes:]), le.Uint32(body[i*fenceBytes+8:])}
	}
	return nil
}

// appendHeights appends the heights of a key, lowest first. It reads into a room of its caller's.
func (r *run) appendHeights(dst []uint64, key uint64, room *chunkRoom) ([]uint64, error) {
	first := sort.Search(len(r.fences), func(i int) bool { return r.fences[i].key >= key })
	for chunk := max(0, first-1); chunk < len(r.fences) && r.fences[chunk].key <= key; chunk++ {
		pairs, err := r.chunk(chunk, room)
		if err != nil {
			return dst, err
		}
		at := sort.Search(pairs.count(), func(i int) bool { return pairs.at(i).key >= key })
		for ; at < pairs.count() && pairs.at(at).key == key; at++ {
			dst = append(dst, pairs.at(at).height)
		}
	}
	return dst, nil
}

// chunk is the pairs of a chunk as they are in the file: a search looks at a dozen of 4,096.
type chunk []byte

// chunkRoom is where a chunk is read into.
type chunkRoom [chunkPairs * pairBytes]byte

func (c chunk) count() int { return len(c) / pairBytes }

func (c chunk) at(i int) pair {
	is := c[i*pairBytes:]
	return pair{binary.LittleEndian.Uint64(is), binary.LittleEndian.Uint64(is[8:])}
}

// chunk reads the pairs of a chunk into a room, in which they are until the next one.
func (r *run) chunk(i int, room *chunkRoom) (chunk, error) {
	data := room[:min(chunkPairs, r.pairs-uint64(i)*chunkPairs)*pairBytes]
	if _, err := r.file.ReadAt(data, runHeaderBytes+int64(i)*chunkPairs*pairBytes); err != nil {
		return nil, err
	}
	if checksum(data) != r.fences[i].crc {
		return nil, fmt.Errorf("%w: chunk %d of %s has another checksum", ErrCorrupt, i, r.file.Name())
	}
	return data, nil
}
