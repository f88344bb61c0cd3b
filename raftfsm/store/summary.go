package store

import (
	"encoding/binary"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
)

// EntrySummary is what a raft log record holds, for tools.
type EntrySummary struct {
	Index    uint64 `json:"index"`
	Term     uint64 `json:"term"`
	Type     string `json:"type"`
	Bytes    int    `json:"bytes"`
	Commands uint32 `json:"commands"` // of a batch
}

// SummarizeEntry reads a record of the raft log. It returns ErrRecord.
func SummarizeEntry(index uint64, record []byte) (EntrySummary, error) {
	var l raft.Log
	if err := decodeRecord(index, record, &l); err != nil {
		return EntrySummary{}, err
	}
	s := EntrySummary{Index: index, Term: l.Term, Type: l.Type.String(), Bytes: len(record)}
	if l.Type == raft.LogCommand && len(l.Data) >= sequencer.BatchHeaderBytes {
		s.Commands = binary.LittleEndian.Uint32(l.Data[4:])
	}
	return s, nil
}
