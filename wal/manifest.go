package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

const (
	manifestName    = "MANIFEST"
	manifestVersion = 1
	// manifestBytes is the length of the manifest.
	//
	//	offset  bytes  manifest, little-endian
	//	0       8      "ONSLWAL" and the version byte (1)
	//	8       8      first index of the oldest segment
	//	16      8      first index of the newest segment
	//	24      8      index that a reset leads to; 0 when none is under way
	//	32      4      CRC-32C of everything before
	//
	// Every version begins with these 8 bytes and ends with that checksum.
	manifestBytes = 36
)

const manifestMagic = "ONSLWAL"

// manifest says which segments must be there, so that a missing one is noticed.
type manifest struct {
	oldest, newest uint64
	resetting      uint64
}

func (m manifest) encode() []byte {
	data := append([]byte(manifestMagic), manifestVersion)
	for _, v := range [...]uint64{m.oldest, m.newest, m.resetting} {
		data = binary.LittleEndian.AppendUint64(data, v)
	}
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

func decodeManifest(data []byte) (manifest, error) {
	le, sum := binary.LittleEndian, len(data)-crc32.Size
	if sum < len(manifestMagic)+1 || string(data[:7]) != manifestMagic || crc32.Checksum(data[:sum], castagnoli) != le.Uint32(data[sum:]) {
		return manifest{}, fmt.Errorf("%w: manifest of %d bytes has no valid checksum", ErrCorrupt, len(data))
	}
	if data[7] != manifestVersion {
		return manifest{}, fmt.Errorf("%w: manifest version %d, this program knows %d", ErrVersion, data[7], manifestVersion)
	}
	if len(data) != manifestBytes {
		return manifest{}, fmt.Errorf("%w: manifest of %d bytes, expected are %d", ErrCorrupt, len(data), manifestBytes)
	}
	m := manifest{oldest: le.Uint64(data[8:]), newest: le.Uint64(data[16:]), resetting: le.Uint64(data[24:])}
	if m.oldest == 0 || m.oldest > m.newest {
		return manifest{}, fmt.Errorf("%w: manifest names segments %d to %d", ErrCorrupt, m.oldest, m.newest)
	}
	return m, nil
}

// readManifest returns false when there is none, as in a new directory.
func readManifest(dir string) (manifest, bool, error) {
	path := filepath.Join(dir, manifestName)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return manifest{}, false, nil
	}
	if err != nil {
		return manifest{}, false, fmt.Errorf("wal: %w", err)
	}
	m, err := decodeManifest(data)
	if err != nil {
		return manifest{}, false, fmt.Errorf("%s: %w", path, err)
	}
	return m, true, nil
}

// mustReadManifest returns ErrNotFound when there is none.
func mustReadManifest(dir string) (manifest, error) {
	m, found, err := readManifest(dir)
	if err == nil && !found {
		err = fmt.Errorf("%w: %s holds no log (no %s)", ErrNotFound, dir, manifestName)
	}
	return m, err
}

// write replaces the manifest atomically and durably.
func (m manifest) write(files Files, dir string) error {
	return ReplaceFile(files, filepath.Join(dir, manifestName), m.encode())
}
