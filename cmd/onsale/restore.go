package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"onsale/audit/archive"
	"onsale/raftfsm"
	"onsale/raftfsm/folder"
	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// restoring is what `onsale restore` is told.
type restoring struct {
	from, until string
	becomes     becoming
}

func newRestore(p *program) *cobra.Command {
	var r restoring
	c := &cobra.Command{Use: "restore", Short: "Make the data folder of a new cluster of one out of an archive, as of any moment", Args: arguments(cobra.NoArgs),
		Long: `Takes the newest snapshot of the archive that is not behind the moment, decides the archived
blocks behind it again, and compares what comes out with what they say. The journal is laid beside it, so
that the new node's is whole. Without --until everything that was archived is in it.

A moment is a time of the log, such as 2026-12-01T10:00:05Z, or a seq: what was decided then or
before is in it. A batch of requests was decided at one time, and is in it as a whole or not at all.

` + becomesHelp,
		Example: "  onsale restore --from s3://arena-archive/2026 --successor --data data --node-id n1\n  onsale restore --from file:///mnt/archive/arena --until 2026-12-01T10:00:05Z --copy --data exercise",
		RunE:    func(c *cobra.Command, _ []string) error { return p.restore(c.Context(), &r) }}
	c.Flags().StringVar(&r.from, "from", "", "the archive: file:///PATH or s3://BUCKET/PREFIX")
	c.Flags().StringVar(&r.until, "until", "", "the moment: a time of RFC 3339, or a seq; by default the archive's end")
	requireFlags(c, "from")
	r.becomes.flags(c, "data")
	return c
}

// parseMoment reads --until.
func parseMoment(text string) (m archive.Moment, err error) {
	if text == "" {
		return m, nil
	}
	if m.Seq, err = strconv.ParseUint(text, 10, 64); err == nil && m.Seq > 0 {
		return m, nil
	}
	if m.Time, err = time.Parse(time.RFC3339Nano, text); err == nil {
		return m, nil
	}
	return m, fmt.Errorf("%w: --until is %q, expected is a time such as 2026-12-01T10:00:05Z, or a seq", errUsage, text)
}

func (p *program) restore(ctx context.Context, r *restoring) error {
	moment, err := parseMoment(r.until)
	if err != nil {
		return err
	}
	catalog, err := openCatalog(ctx, "--from", r.from)
	if err != nil {
		return err
	}
	state, err := catalog.StateAt(ctx, moment, readState)
	if err != nil {
		return err
	}
	if err := r.becomes.restore(catalog.About(), state); err != nil {
		return err
	}
	if err := layJournal(ctx, catalog, filepath.Join(r.becomes.dir, "journal"), state.Head); err != nil {
		return fmt.Errorf("the state is restored, its journal is not whole: %w", err)
	}
	fmt.Fprintf(p.err, "as of seq %d, block %d, decided at %s", state.State.Seq(), state.Head.Height, time.Unix(0, state.State.Now()).UTC().Format(time.RFC3339Nano))
	fmt.Fprintf(p.err, " (%d blocks decided again behind %s)\n", state.Blocks, orBeginning(state.Snapshot))
	p.sayRestored(&r.becomes, state.Head.RaftIndex)
	return p.sayCutOff(catalog)
}

func orBeginning(snapshot string) string {
	if snapshot == "" {
		return "the beginning"
	}
	return snapshot
}

// sayCutOff names what is in the archive and in no restore.
func (p *program) sayCutOff(c *archive.Catalog) error {
	off, err := c.CutOff()
	for _, o := range off {
		fmt.Fprintf(p.err, "not in it: blocks %v of birth %s, from in front of which history went on with birth %s\n", o.Span, o.Birth, o.Since)
	}
	return err
}

// readState reads a snapshot of an archive, which is a backup.
func readState(in io.Reader) (journal.Head, *sequencer.State, error) {
	_, head, state, err := folder.ReadBackup(in)
	return head, state, err
}

// writeState writes a snapshot of an archive.
func writeState(w io.Writer, about archive.About, r *archive.Rebuilt) error {
	info := folder.BackupInfo{ClusterNumber: about.Number, NodeID: "archive", CreatedAt: time.Unix(0, r.State.Now()).UTC(), Term: r.Term}
	if births := r.State.Births(); len(births) > 0 {
		info.ClusterID = births[len(births)-1].Cluster.String()
	}
	return folder.WriteState(w, info, r.Head, r.State)
}

// restore makes the data folder.
func (b *becoming) restore(about archive.About, r *archive.Rebuilt) error {
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- write.CloseWithError(writeState(write, about, r)) }()
	_, err := folder.RestoreBackup(read, b.how())
	_ = read.Close() // the writer must end, also when nobody reads to the end
	if written := <-done; err == nil {
		err = written
	}
	return err
}

// layJournal lays the archived blocks up to a head beside a journal, as a part of it.
//
// What if we die here? The part gets its name when it is whole. Without it the node runs all the same, and
// its journal says which blocks it does not have.
func layJournal(ctx context.Context, c *archive.Catalog, dir string, head journal.Head) error {
	unfinished := dir + ".archived"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	j, err := journal.Open(unfinished, journal.DefaultOptions())
	if err != nil {
		return err
	}
	enough := errors.New("the head is reached")
	err = c.NewReader().ReadBlocks(ctx, func(b *journal.Block) error {
		if b.Height > head.Height {
			return enough
		}
		return j.Put(b)
	})
	if errors.Is(err, enough) {
		err = nil
	}
	if err == nil && j.Position() != head {
		err = fmt.Errorf("%w: it ends with block %d, expected is %d", archive.ErrDamaged, j.Position().Height, head.Height)
	}
	if err := errors.Join(err, j.Close()); err != nil {
		return err
	}
	if err := os.Rename(unfinished, journal.PartDir(dir, journal.Span{First: 1, Last: head.Height})); err != nil {
		return err
	}
	return wal.OS{}.SyncDir(filepath.Dir(dir))
}

// becomesHelp says what the two kinds of restored clusters are.
const becomesHelp = `With --successor the new cluster takes the place of the one that made the backup: it goes
on behind every number that one can have given out, and whoever has met the new one refuses the
old one. With --copy it is an unrelated cluster, for an exercise or staging: the old one goes on
undisturbed, and the payment provider is never asked about orders that are older than the copy.`

// becoming says what is made of a backup or an archive.
type becoming struct {
	dir, node, address string
	successor, isCopy  bool
}

// flags declares them; the folder's flag differs.
func (b *becoming) flags(c *cobra.Command, dirFlag string) {
	f := c.Flags()
	f.BoolVar(&b.successor, "successor", false, "the new cluster takes the place of the one that made the backup")
	f.BoolVar(&b.isCopy, "copy", false, "the new cluster has nothing to do with the one that made the backup")
	c.MarkFlagsOneRequired("successor", "copy")
	c.MarkFlagsMutuallyExclusive("successor", "copy")
	f.StringVar(&b.dir, dirFlag, "data", "the new data folder; empty or not there")
	f.StringVar(&b.node, "node-id", "n1", "whose it will be")
	f.StringVar(&b.address, "peer", raftfsm.DefaultConfig().RaftAddress, "where other nodes will reach it")
}

func (b *becoming) how() folder.Restore {
	cause := sequencer.BirthRestore
	if b.isCopy {
		cause = sequencer.BirthCopy
	}
	return folder.Restore{Dir: b.dir, NodeID: b.node, Address: b.address, Cause: cause, Clock: raftfsm.SystemClock()}
}

// sayRestored tells the next step.
func (p *program) sayRestored(b *becoming, index uint64) {
	fmt.Fprintf(p.out, "%s holds everything up to log entry %d; start it with: onsale serve --data-dir %s --node-id %s --peer %s\n", b.dir, index, b.dir, b.node, b.address)
}
