package transport

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/store"
	"onsale/wal"
)

// newInstaller has a log of ten entries of term 1.
func newInstaller(t *testing.T, fatal func(error)) Installer {
	dir := t.TempDir()
	logs, err := store.OpenLog(dir+"/log", wal.DefaultOptions(), nil, fatal)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logs.Close() })
	for i := range uint64(10) {
		if err := logs.StoreLog(&raft.Log{Index: i + 1, Term: 1, Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	snapshots, err := store.OpenSnapshots(wal.OS{}, dir, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return Installer{Logs: logs, Snapshots: snapshots, Fatal: fatal, LastIndex: func() uint64 { return 10 }}
}

// A snapshot that comes twice, or late, must not take away the entries behind it: the
// leader counts on them.
func TestSnapshotOfWhatIsThereIsNotInstalled(t *testing.T) {
	i := newInstaller(t, func(err error) { t.Error(err) })
	answer, content := make(chan raft.RPCResponse, 1), strings.NewReader("snapshot")
	rpc := raft.RPC{Command: &raft.InstallSnapshotRequest{LastLogIndex: 5, LastLogTerm: 1, Term: 3}, Reader: content, RespChan: answer}
	if i.receive(&rpc) {
		t.Fatal("raft was given a snapshot of what is in its log")
	}
	response := <-answer
	if r := response.Response.(*raft.InstallSnapshotResponse); response.Error != nil || !r.Success || r.Term != 3 {
		t.Errorf("%+v", response)
	}
	if rest, _ := io.ReadAll(content); len(rest) > 0 {
		t.Error("the snapshot is left on the connection")
	}
}

// A snapshot that replaces a longer log ends the process, because raft goes on with
// the old last index in mind.
func TestSnapshotOverAnotherLogEndsTheProcess(t *testing.T) {
	var ended error
	i := newInstaller(t, func(err error) { ended = err })
	answer := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{Command: &raft.InstallSnapshotRequest{LastLogIndex: 5, LastLogTerm: 2, Term: 3}, Reader: strings.NewReader(""), RespChan: answer}
	if !i.receive(&rpc) {
		t.Fatal("raft was not given a snapshot of another history")
	}
	if err := i.Logs.DeleteRange(1, 10); err != nil { // as raft does
		t.Fatal(err)
	}
	rpc.Respond(&raft.InstallSnapshotResponse{Success: true}, nil)
	if <-answer; !errors.Is(ended, ErrStaleTail) {
		t.Errorf("ended with %v", ended)
	}
}
