package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/proof/golden"
)

// The bytes on disk must not change without a new version.
func TestGoldenFormats(t *testing.T) {
	golden.Format(t, "frame", appendFrame(nil, 0x030405060708, 0x0102, []byte("record")))
	golden.Format(t, "manifest", manifest{oldest: 3, newest: 5, resetting: 9}.encode())
}

// A whole frame of another version is refused by name and stays where it is: it is not
// cut off as a torn append.
func TestOtherFrameVersion(t *testing.T) {
	im, tail := makeImage(t, 3, smallSegments())
	for _, version := range []byte{1, frameVersion + 1} {
		frame := appendFrame(nil, 4, 0, []byte("record"))
		frame[0] = version
		binary.LittleEndian.PutUint32(frame[13:], crc32.Update(crc32.Checksum(frame[:13], castagnoli), castagnoli, frame[frameHeaderBytes:]))
		data := append(append(bytes.Clone(im[tail]), byte(len(frame))), frame...)
		dir := im.lay(t, tail, data)

		says := fmt.Sprintf("frame version %d, this program knows %d", version, frameVersion)
		_, opened := Open(dir, smallSegments())
		_, scanned := ScanDir(dir, func(uint64, []byte) error { return nil })
		_, read := scanFile(filepath.Join(dir, tail), 1, 1, 5, func(uint64, []byte) error { return nil })
		older := (&segment{first: 1}).load(dir, 5)
		_, viewed := OpenView(dir)
		for _, err := range []error{opened, scanned, read, older, viewed} {
			if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), says) {
				t.Errorf("a frame of version %d: %v", version, err)
			}
		}
		if left, err := os.ReadFile(filepath.Join(dir, tail)); err != nil || !bytes.Equal(left, data) {
			t.Errorf("the segment has %d bytes, it had %d: %v", len(left), len(data), err)
		}
	}
}

// A manifest of another version is refused by name, whatever its length; one with a version
// byte that was damaged has no valid checksum.
func TestOtherManifestVersion(t *testing.T) {
	for _, length := range []int{manifestBytes, manifestBytes + 8, 12} {
		data := make([]byte, length-crc32.Size)
		copy(data, manifestMagic)
		data[7] = manifestVersion + 1
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
		says := fmt.Sprintf("manifest version %d, this program knows %d", manifestVersion+1, manifestVersion)
		if _, err := decodeManifest(data); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), says) {
			t.Errorf("%d bytes: %v", length, err)
		}
		data[7]++
		if _, err := decodeManifest(data); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes, damaged: %v", length, err)
		}
	}
	long := binary.LittleEndian.AppendUint64(manifest{oldest: 1, newest: 1}.encode()[:manifestBytes-crc32.Size], 0)
	long = binary.LittleEndian.AppendUint32(long, crc32.Checksum(long, castagnoli))
	if _, err := decodeManifest(long); !errors.Is(err, ErrCorrupt) {
		t.Errorf("of this version and %d bytes: %v", len(long), err)
	}
}
