package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// frameVersion is the version byte of a frame. It is not zero, so that zeros,
// which a file system may leave after a crash, are never a frame.
const frameVersion = 2

// appendRecordsMax bounds the records of one append, so that a position fits.
const appendRecordsMax = 1 << 16

// frameHeaderBytes is the length of a frame before its record.
//
// tidwall/wal writes each frame behind its length as an unsigned varint. That
// length is not covered by any checksum, but it must agree with ours.
//
//	offset  bytes  frame, little-endian
//	0       1      version (2)
//	1       4      length of the record, at least 1
//	5       6      index
//	11      2      position in its append: 0 is the first record of one
//	13      4      CRC-32C of bytes 0..12 and the record
//	17             record
const frameHeaderBytes = 17

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// indexBits is the length of an index: at a million appends a second it lasts for
// nine years, and raft counts batches.
const indexBits = 48

// appendFrame appends the frame of one record.
func appendFrame(dst []byte, index uint64, position int, record []byte) []byte {
	start := len(dst)
	dst = append(dst, frameVersion)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record)))
	dst = binary.LittleEndian.AppendUint64(dst, index|uint64(position)<<indexBits)
	sum := crc32.Update(crc32.Checksum(dst[start:], castagnoli), castagnoli, record)
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	return append(dst, record...)
}

// parseFrame reads the frame that fills data. ok is false when it is not a whole
// and valid frame.
func parseFrame(data []byte) (index uint64, record []byte, ok bool) {
	if len(data) <= frameHeaderBytes || data[0] != frameVersion || !isWhole(data) {
		return 0, nil, false
	}
	return frameIndex(data), data[frameHeaderBytes:], true
}

// isWhole reports whether the length and the checksum of a frame of any version fit
// the rest of it. data is longer than a header.
func isWhole(data []byte) bool {
	record := data[frameHeaderBytes:]
	if uint64(binary.LittleEndian.Uint32(data[1:])) != uint64(len(record)) {
		return false
	}
	sum := crc32.Update(crc32.Checksum(data[:13], castagnoli), castagnoli, record)
	return sum == binary.LittleEndian.Uint32(data[13:])
}

// checkVersion returns ErrVersion when the entry at the beginning of data, which is
// not valid, is a whole frame of another version: no crash leaves that, and what
// another program wrote must not be cut off as a torn append.
func checkVersion(data []byte) error {
	frame, _, ok := cutEntry(data)
	if !ok || len(frame) <= frameHeaderBytes || frame[0] == frameVersion || !isWhole(frame) {
		return nil
	}
	return fmt.Errorf("%w: frame version %d, this program knows %d", ErrVersion, frame[0], frameVersion)
}

// frameIndex and framePosition read a header, valid or not.
func frameIndex(data []byte) uint64 {
	return binary.LittleEndian.Uint64(data[5:]) & (1<<indexBits - 1)
}

func framePosition(data []byte) uint64 { return uint64(binary.LittleEndian.Uint16(data[11:])) }

// nextEntry reads the tidwall entry at the beginning of data: its length prefix
// and the frame in it. size is the whole entry's length; ok is false when it is
// not whole and valid.
func nextEntry(data []byte) (index uint64, record []byte, size int, ok bool) {
	frame, size, ok := cutEntry(data)
	if !ok {
		return 0, nil, 0, false
	}
	index, record, ok = parseFrame(frame)
	return index, record, size, ok
}

// cutEntry returns what the entry at the beginning of data holds, and the whole
// entry's length.
func cutEntry(data []byte) (frame []byte, size int, ok bool) {
	length, prefix := binary.Uvarint(data)
	if prefix <= 0 || prefix != prefixBytes(length) || length > uint64(len(data)-prefix) {
		return nil, 0, false
	}
	size = prefix + int(length)
	return data[prefix:size], size, true
}

// prefixBytes returns the length of the shortest varint: the only one written.
func prefixBytes(length uint64) int {
	n := 1
	for ; length >= 0x80; length >>= 7 {
		n++
	}
	return n
}

// withoutZeros cuts zeros off the end: a segment is preallocated with them, and no
// frame is made of them.
func withoutZeros(data []byte) []byte { return bytes.TrimRight(data, "\x00") }

// holdsLaterAppend reports whether a valid frame of an append that began above
// expected is anywhere in data. Then data is not the trace of one torn append. A
// later frame of the append that holds expected itself proves nothing: the disk
// takes the pages of one write in any order.
func holdsLaterAppend(data []byte, expected uint64) bool {
	for at := 0; at+frameHeaderBytes < len(data); at++ {
		if data[at] != frameVersion {
			continue
		}
		length := uint64(binary.LittleEndian.Uint32(data[at+1:]))
		if length == 0 || length > uint64(len(data)-at-frameHeaderBytes) {
			continue
		}
		// The index is compared first: a checksum of every byte's tail would
		// cost the square of the tail's length.
		index, position := frameIndex(data[at:]), framePosition(data[at:])
		if index <= expected+position || index-expected > 1<<32 {
			continue
		}
		if _, _, ok := parseFrame(data[at : at+frameHeaderBytes+int(length)]); ok {
			return true
		}
	}
	return false
}
