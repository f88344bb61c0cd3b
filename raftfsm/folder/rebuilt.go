package folder

import (
	"io"

	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// WriteState writes a backup of a state that no node holds: one that was made again from its
// blocks. head is the journal's behind its last one; Index and Members of info do not matter.
func WriteState(to io.Writer, info BackupInfo, head journal.Head, state *sequencer.State) error {
	info.Index = head.RaftIndex
	header := store.AppendHeader(nil, head, state.Seq())
	frozen := state.Snapshot()
	size, err := frozen.WriteTo(io.Discard) // a backup says its length first
	if err != nil {
		return err
	}
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := write.Write(header)
		if err == nil {
			_, err = frozen.WriteTo(write)
		}
		done <- write.CloseWithError(err)
	}()
	err = WriteBackup(to, &info, int64(len(header))+size, read)
	_ = read.Close() // the writer must end, also when nobody reads to the end
	if written := <-done; err == nil {
		err = written
	}
	return err
}
