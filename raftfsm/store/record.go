package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// ErrRecord is returned when a record of the raft log cannot be read although
// its checksum and its version are right: no program of ours wrote it.
var ErrRecord = errors.New("raft log record is malformed")

const recordVersion = 1

// recordBytes is the length of a record before extensions and data. The index
// is the record's in the wal.
//
//	offset  bytes  raft log record, little-endian
//	0       1      version (1)
//	1       1      raft.LogType
//	2       2      zero
//	4       4      length of the extensions
//	8       8      term
//	16      8      appended at, nanoseconds since the Unix epoch; 0 when not set
//	24             extensions, then data
const recordBytes = 24

func appendRecord(dst []byte, l *raft.Log) []byte {
	le := binary.LittleEndian
	appended := int64(0)
	if !l.AppendedAt.IsZero() {
		appended = l.AppendedAt.UnixNano()
	}
	dst = append(dst, recordVersion, byte(l.Type), 0, 0)
	dst = le.AppendUint32(dst, uint32(len(l.Extensions)))
	dst = le.AppendUint64(dst, l.Term)
	dst = le.AppendUint64(dst, uint64(appended))
	dst = append(dst, l.Extensions...)
	return append(dst, l.Data...)
}

// decodeRecord fills l; its data refers to record. ErrRecord or ErrVersion.
func decodeRecord(index uint64, record []byte, l *raft.Log) error {
	if len(record) > 0 && record[0] != recordVersion {
		return fmt.Errorf("%w: raft log record %d has version %d, this program knows %d", ErrVersion, index, record[0], recordVersion)
	}
	if len(record) < recordBytes || record[2]|record[3] != 0 {
		return fmt.Errorf("%w: record %d of %d bytes has no whole header", ErrRecord, index, len(record))
	}
	le, rest := binary.LittleEndian, record[recordBytes:]
	extensions := le.Uint32(record[4:])
	if uint64(extensions) > uint64(len(rest)) {
		return fmt.Errorf("%w: record %d has %d bytes of extensions in %d", ErrRecord, index, extensions, len(rest))
	}
	*l = raft.Log{Index: index, Term: le.Uint64(record[8:]), Type: raft.LogType(record[1])}
	if appended := int64(le.Uint64(record[16:])); appended != 0 {
		l.AppendedAt = time.Unix(0, appended)
	}
	if extensions > 0 {
		l.Extensions = rest[:extensions:extensions]
	}
	if len(rest) > int(extensions) {
		l.Data = rest[extensions:]
	}
	return nil
}
