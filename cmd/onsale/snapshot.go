package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"onsale/raftfsm"
	"onsale/raftfsm/folder"
)

// snapshotStreams are the private listener's routes that hand out whole states. taken is told when one
// was.
func snapshotStreams(n *raftfsm.Node, taken func()) map[string]func(http.ResponseWriter, *http.Request) error {
	return map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /v1/snapshot": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "application/octet-stream")
			out := &begunWriter{w: w}
			err := n.Backup(out)
			if err != nil && out.begun {
				panic(http.ErrAbortHandler) // a half backup must not look whole; its checksum is missing too
			}
			if err == nil {
				taken()
			}
			return err
		},
	}
}

// begunWriter notes whether something was written.
type begunWriter struct {
	w     io.Writer
	begun bool
}

func (b *begunWriter) Write(p []byte) (int, error) {
	b.begun = true
	return b.w.Write(p)
}

func newSnapshot(p *program) *cobra.Command {
	return group("snapshot", "Back up a cluster, and make one of a backup", newSnapshotSave(p), newSnapshotInspect(p), newSnapshotRestore(p))
}

func newSnapshotSave(p *program) *cobra.Command {
	var d desk
	stale := false
	c := &cobra.Command{Use: "save FILE", Short: "Back up a running node", Args: arguments(cobra.ExactArgs(1)),
		Long: `Writes a backup of the whole state as of now, and checks it before the file gets its name.
A node that hears no leader may not know what was decided last: its backup is refused,
unless --stale says that it is wanted all the same, and says of itself that it is stale.`,
		Example: "  onsale snapshot save arena.backup --private 127.0.0.1:8202",
		RunE: func(c *cobra.Command, args []string) error {
			operator, err := d.open()
			if err != nil {
				return err
			}
			f, err := os.OpenFile(args[0]+".new", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
			if err != nil {
				return err
			}
			defer func() { _ = os.Remove(args[0] + ".new") }() // renamed when all went well
			err = operator.Snapshot(c.Context(), f)
			if err == nil {
				_, err = f.Seek(0, io.SeekStart)
			}
			if err == nil {
				err = p.inspectBackup(f, stale)
			}
			if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
				return err
			}
			return os.Rename(args[0]+".new", args[0])
		}}
	d.flags(c.Flags())
	c.Flags().BoolVar(&stale, "stale", false, "although the node hears no leader")
	return c
}

// errStale is returned for a backup of a node that may have missed decisions.
var errStale = errors.New("the node hears no leader, so that the backup may lack what was decided last; ask another node, or say --stale")

func newSnapshotInspect(p *program) *cobra.Command {
	return &cobra.Command{Use: "inspect FILE", Short: "Check a backup and say what is in it", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			return p.inspectBackup(f, true)
		}}
}

// backupSummary is what a backup holds.
type backupSummary struct {
	folder.BackupInfo
	Seq           uint64          `json:"seq"`
	StateHash     string          `json:"state_hash"`
	Sales         int             `json:"sales"`
	Orders        int             `json:"orders"`
	JournalHeight uint64          `json:"journal_height"`
	JournalHash   string          `json:"journal_hash"`
	Births        []raftfsm.Birth `json:"births"`
	Level         uint16          `json:"level"` // of the cluster's formats
}

// inspectBackup checks a backup and prints what is in it; unless stale is allowed, a stale
// one is refused.
func (p *program) inspectBackup(in io.Reader, stale bool) error {
	info, head, state, err := folder.ReadBackup(in)
	if err == nil && info.Stale && !stale {
		err = errStale
	}
	if err != nil {
		return err
	}
	s := backupSummary{*info, state.Seq(), fmt.Sprintf("%016x", state.Hash()), state.SaleCount(), state.OrderCount(), head.Height, fmt.Sprintf("%x", head.Hash), raftfsm.BirthsOf(state), state.Level()}
	rows := [][]string{{"cluster_id", s.ClusterID}, {"node_id", s.NodeID}, {"created_at", cell(s.CreatedAt)}, {"index", cell(s.Index)}, {"term", cell(s.Term)},
		{"seq", cell(s.Seq)}, {"state_hash", s.StateHash}, {"sales", cell(s.Sales)}, {"orders", cell(s.Orders)},
		{"journal_height", cell(s.JournalHeight)}, {"journal_hash", s.JournalHash}, {"level", cell(s.Level)}}
	if s.Stale {
		rows = append(rows, []string{"stale", "the node heard no leader: what was decided last may be missing"})
	}
	for _, b := range s.Births {
		rows = append(rows, []string{"birth", fmt.Sprintf("%s %s at %s, from seq %d on", b.Cause, b.ClusterID, cell(b.Time), b.FirstSeq)})
	}
	return p.show(s, []string{"field", "value"}, rows)
}

func newSnapshotRestore(p *program) *cobra.Command {
	var b becoming
	c := &cobra.Command{Use: "restore FILE", Short: "Make the data folder of a new cluster of one out of a backup", Args: arguments(cobra.ExactArgs(1)),
		Long:    becomesHelp,
		Example: "  onsale snapshot restore arena.backup --successor --data-dir data --node-id n1\n  onsale serve --data-dir data --node-id n1",
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			info, err := folder.RestoreBackup(f, b.how())
			if err != nil {
				return err
			}
			p.sayRestored(&b, info.Index)
			return nil
		}}
	b.flags(c, "data-dir")
	return c
}
