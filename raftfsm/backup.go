package raftfsm

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// ErrBackup is returned when a file is no whole backup.
var ErrBackup = errors.New("backup is damaged")

// The layout of a backup, little-endian.
//
//	offset  bytes  backup
//	0       8      "ONSLBKUP"
//	8       1      version (1)
//	9       3      zero
//	12      4      length of the description
//	16             description (BackupInfo, JSON)
//	+0      8      length of the snapshot
//	+8             snapshot (see snapshotHeaderBytes)
//	end-32  32     SHA-256 of everything before
const (
	backupMagic       = "ONSLBKUP"
	backupVersion     = 1
	backupHeaderBytes = 16
	// backupInfoBytesMax bounds the description.
	backupInfoBytesMax = 1 << 20
)

// BackupInfo describes a backup.
type BackupInfo struct {
	ClusterID     string    `json:"cluster_id"`
	ClusterNumber uint8     `json:"cluster_number"`
	NodeID        string    `json:"node_id"` // that made it
	CreatedAt     time.Time `json:"created_at"`
	Index         uint64    `json:"index"` // of the last entry in it
	Term          uint64    `json:"term"`
	Members       []Member  `json:"members"`
}

// Backup writes a backup of the state as of now. Decisions go on meanwhile.
func (n *Node) Backup(w io.Writer) error {
	meta, content, err := n.takeSnapshot()
	if err != nil {
		return err
	}
	defer content.Close()
	is := n.folder.identity()
	info, err := json.Marshal(BackupInfo{ClusterID: is.ClusterID, ClusterNumber: is.ClusterNumber, NodeID: is.NodeID,
		CreatedAt: time.Now().UTC(), Index: meta.Index, Term: meta.Term, Members: n.Members()})
	if err != nil {
		return err
	}
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	le := binary.LittleEndian
	header := append([]byte(backupMagic), backupVersion, 0, 0, 0)
	header = append(le.AppendUint32(header, uint32(len(info))), info...)
	header = le.AppendUint64(header, uint64(meta.Size))
	if _, err := out.Write(header); err != nil {
		return err
	}
	if _, err := io.CopyN(out, content, meta.Size); err != nil {
		return err
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// takeSnapshot takes a snapshot, or the newest one when nothing happened since.
func (n *Node) takeSnapshot() (*raft.SnapshotMeta, io.ReadCloser, error) {
	future := n.raft.Snapshot()
	err := future.Error()
	if err == nil {
		return future.Open()
	}
	if !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil, nil, err
	}
	list, err := n.snapshots.List()
	if err != nil || len(list) == 0 {
		return nil, nil, errors.Join(fmt.Errorf("%w: nothing was decided yet", ErrSnapshot), err)
	}
	return n.snapshots.Open(list[0].ID)
}

// ReadBackup reads a whole backup: its description, the journal's head and the
// state, all verified. ErrBackup.
func ReadBackup(in io.Reader) (*BackupInfo, journal.Head, *sequencer.State, error) {
	var head journal.Head
	var state *sequencer.State
	info, err := readBackup(in, func(_ *BackupInfo, size int64, content io.Reader) (err error) {
		head, state, err = ReadSnapshot(content)
		return err
	})
	return info, head, state, err
}

// readBackup hands the snapshot in a backup to use and verifies the whole.
func readBackup(in io.Reader, use func(info *BackupInfo, size int64, content io.Reader) error) (*BackupInfo, error) {
	sum := sha256.New()
	both := io.TeeReader(in, sum)
	var header [backupHeaderBytes]byte
	if _, err := io.ReadFull(both, header[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	le := binary.LittleEndian
	length := le.Uint32(header[12:])
	if string(header[:8]) != backupMagic || header[8] != backupVersion || header[9]|header[10]|header[11] != 0 || length > backupInfoBytesMax {
		return nil, fmt.Errorf("%w: it begins with %x", ErrBackup, header)
	}
	rest := make([]byte, length+8)
	if _, err := io.ReadFull(both, rest); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	info := new(BackupInfo)
	if err := json.Unmarshal(rest[:length], info); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	size := int64(le.Uint64(rest[length:]))
	content := &io.LimitedReader{R: both, N: size}
	if err := use(info, size, content); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if _, err := io.Copy(io.Discard, content); err != nil || content.N != 0 {
		return nil, fmt.Errorf("%w: %d bytes of the snapshot are missing", ErrBackup, content.N)
	}
	var trailer [sha256.Size]byte
	if _, err := io.ReadFull(in, trailer[:]); err != nil || [sha256.Size]byte(sum.Sum(nil)) != trailer {
		return nil, fmt.Errorf("%w: its checksum does not fit", ErrBackup)
	}
	return info, nil
}

// RestoreBackup makes a data folder out of a backup: of a new cluster, with one
// node, in which everything goes on from where the backup was taken. The folder must
// be empty or not exist.
//
// What if we die here? NODE.json comes last: without it the folder is nobody's, and
// what is in it is in the way of the next try, which says so.
func RestoreBackup(in io.Reader, dir, nodeID, address string) (*BackupInfo, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%w: %s is not empty", ErrIdentity, dir)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	info, err := readBackup(in, func(info *BackupInfo, size int64, content io.Reader) error {
		return restoreSnapshot(info, content, dir, nodeID, address)
	})
	if err != nil {
		return nil, errors.Join(err, emptyFolder(dir))
	}
	f := &folder{dir: dir, files: wal.OS{}}
	return info, f.change(func(i *Identity) {
		*i = newIdentity(nodeID)
		i.ClusterID, i.ClusterNumber, i.Started = newClusterID().String(), info.ClusterNumber, true
	})
}

// restoreSnapshot puts a snapshot into a folder as raft keeps them, with a
// membership of one, and the term that it was taken in.
func restoreSnapshot(info *BackupInfo, content io.Reader, dir, nodeID, address string) error {
	store, err := openSnapshotStore(wal.OS{}, dir, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, trans := raft.NewInmemTransport(raft.ServerAddress(address))
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(nodeID), Address: raft.ServerAddress(address)}}}
	sink, err := store.Create(raft.SnapshotVersionMax, info.Index, info.Term, alone, info.Index, trans)
	if err != nil {
		return err
	}
	if _, err := io.Copy(sink, content); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	if err := sink.Close(); err != nil {
		return err
	}
	_, saved, err := store.Open(sink.ID())
	if err != nil {
		return err
	}
	defer saved.Close()
	if _, _, err := ReadSnapshot(saved); err != nil {
		return err
	}
	votes, err := openVotes(wal.OS{}, dir, false, func(error) {})
	if err != nil {
		return err
	}
	return errors.Join(votes.SetUint64([]byte("CurrentTerm"), info.Term), votes.Close())
}

// emptyFolder removes what a restore that failed has left.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
	}
	return err
}

// Recover makes a cluster of one out of the data folder of a node that is stopped,
// after a majority of its cluster is lost for good. Everything that this node has is
// kept, whether it was committed or not; what only the lost ones had is gone. The
// cluster gets a new id, so that a lost node that comes back is refused.
func Recover(config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	if _, err := ReadIdentity(config.DataDir); err != nil {
		return err
	}
	n := &Node{config: config, stop: make(chan struct{}), clock: &logClock{clock: config.Clock}}
	return errors.Join(n.recover(), n.closeStores())
}

func (n *Node) recover() error {
	if err := n.openStores(); err != nil {
		return err
	}
	n.machine = newMachine(n.journal, n.config.CheckBatches, n.fatal, n.config.Logger)
	_, trans := raft.NewInmemTransport(raft.ServerAddress(n.config.RaftAddress))
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(n.config.NodeID), Address: raft.ServerAddress(n.recoveredAddress())}}}
	if err := raft.RecoverCluster(n.config.raftConfig(), n.machine, n.logs, n.stable, n.snapshots, trans, alone); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return n.folder.change(func(i *Identity) {
		i.ClusterID, i.Bootstrap, i.Started = newClusterID().String(), nil, true
	})
}

func (n *Node) recoveredAddress() string {
	if n.config.AdvertiseAddress != "" {
		return n.config.AdvertiseAddress
	}
	return n.config.RaftAddress
}

func newClusterID() (id peer.ClusterID) {
	rand.Read(id[:]) // never fails
	return id
}

func newIdentity(nodeID string) Identity {
	fresh := make([]byte, 16)
	rand.Read(fresh) // never fails
	return Identity{Version: identityVersion, NodeID: nodeID, Folder: hex.EncodeToString(fresh)}
}
