package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"onsale/api"
	"onsale/audit/archive"
	"onsale/audit/archive/blob"
	"onsale/raftfsm"
	"onsale/raftfsm/folder"
)

// archiving is what `onsale archive` is told.
type archiving struct {
	config              archive.Config
	from                journalFrom
	to, private         string
	logFormat, logLevel string
	snapshots           archive.SnapshotConfig
}

func newArchive(p *program) *cobra.Command {
	a := archiving{config: archive.Config{SegmentBytes: archive.SegmentBytesDefault, SegmentAge: archive.SegmentAgeDefault}}
	c := &cobra.Command{Use: "archive", Args: arguments(cobra.NoArgs), Short: "Copy the journal to a folder or a bucket, segment by segment",
		Long: `Reads the journal of a node, or of a running cluster, and puts what is decided into an archive: in a folder (a disk of
another machine), or in a bucket of S3 or of what speaks its protocol. From the archive alone the
cluster is audited, and restored as of any moment (docs/archive.md).

It never slows a node, and goes on until it is stopped; with --once
it ends when all blocks are archived. It may be killed at any time, and started again. Two at once, from
two nodes, do no harm: what is archived is never changed nor overwritten.

Where a bucket is and who asks come from the environment: AWS_ENDPOINT_URL, AWS_REGION,
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or AWS_PROFILE.

It ends with 3 when the journal is of another history than the archive: another cluster's, or that of
nodes that a restore has superseded. After a restore the archive goes on under the new birth.`,
		Example: "  onsale archive --journal data/journal --to file:///mnt/archive/arena --once\n  onsale archive --journal data/journal --to s3://arena-archive/2026\n  onsale archive --cluster 10.0.0.1:7101,10.0.0.2:7101 --peer-secret-file peer-secret --to s3://arena-archive/2026",
		RunE:    func(c *cobra.Command, _ []string) error { return p.archive(c.Context(), &a) }}
	f := c.Flags()
	a.from.flags(f)
	f.StringVar(&a.to, "to", "", "file:///PATH or s3://BUCKET/PREFIX")
	f.BoolVar(&a.config.Once, "once", false, "end when there are no more blocks")
	f.Uint64Var(&a.config.SegmentBytes, "segment-bytes", a.config.SegmentBytes, "bytes of a segment before compression")
	f.DurationVar(&a.config.SegmentAge, "segment-age", a.config.SegmentAge, "how long what is decided may wait for its segment: it is what is lost when all nodes are")
	f.DurationVar(&a.snapshots.Every, "snapshot-every", 0, "how much of the log's time may lie between two snapshots, 0 for none: it bounds what a restore decides again; the archiver then keeps the state in memory")
	f.IntVar(&a.snapshots.Keep, "snapshot-keep", snapshotKeepDefault, "snapshots that stay, the newest; 0 keeps all, and asks for no right to remove")
	f.StringVar(&a.private, "private", "", "where /metrics, /livez and /readyz are served, such as 127.0.0.1:8602; nowhere by default")
	f.StringVar(&a.logFormat, "log-format", "", "text or json; by default text on a terminal")
	f.StringVar(&a.logLevel, "log-level", "info", "debug, info, warn or error")
	requireFlags(c, "to")
	c.AddCommand(newArchiveStatus(p))
	return c
}

// snapshotKeepDefault are those of a day at one every quarter of an hour.
const snapshotKeepDefault = 96

// openArchive opens the store of an archive.
func openArchive(flag, place string) (blob.Store, error) {
	store, err := blob.Open(place)
	if errors.Is(err, blob.ErrURL) {
		err = usage(fmt.Errorf("%s: %w", flag, err))
	}
	return store, err
}

func (p *program) archive(ctx context.Context, a *archiving) error {
	log, err := newLogger(p.err, a.logFormat, a.logLevel, new(slog.LevelVar))
	if err != nil {
		return usage(err)
	}
	from, closeIt, err := a.from.openJournal(ctx, p.err)
	if err != nil {
		return err
	}
	defer closeIt()
	store, err := openArchive("--to", a.to)
	if err != nil {
		return err
	}
	a.config.Log, a.config.ClusterNumber = log, a.from.cluster.number
	if a.config.ClusterNumber == 0 {
		a.config.ClusterNumber = numberBeside(a.from.journal)
	}
	archiver, err := archive.New(a.config, store, from)
	if err != nil {
		return usage(err)
	}
	if a.snapshots.Every < 0 || a.snapshots.Keep < 0 {
		return fmt.Errorf("%w: --snapshot-every and --snapshot-keep are 0 or more", errUsage)
	}
	a.snapshots.Read, a.snapshots.Write, a.snapshots.Log = readState, writeState, log
	if err := a.run(ctx, archiver, archive.NewSnapshotter(a.snapshots, store)); err != nil {
		return err
	}
	s := archiver.Status()
	fmt.Fprintf(p.err, "%s has blocks up to %d (seq %d, %s); %d segments are new\n", store, s.Height, s.Seq, s.At.Format(time.RFC3339Nano), s.Segments)
	return nil
}

// run archives, and puts snapshots beside it: a large one must not hold up what is decided.
func (a *archiving) run(ctx context.Context, archiver *archive.Archiver, snapshots *archive.Snapshotter) error {
	unwatch, at, err := monitor(a.private, func() []api.Check { return []api.Check{archiveCheck(archiver.Status(), time.Now())} },
		archiver.Collector(), snapshots.Collector())
	if err != nil {
		return err
	}
	defer unwatch()
	if at != "" {
		a.config.Log.Info("listening", "private", "http://"+at)
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if a.snapshots.Every > 0 && !a.config.Once {
		beside.Go(func() { snapshots.Run(ctx) })
	}
	err = archiver.Run(ctx)
	if err == nil && a.snapshots.Every > 0 && a.config.Once {
		_, err = snapshots.Due(ctx)
		if errors.Is(err, archive.ErrNone) { // nothing was decided yet
			err = nil
		}
	}
	return err
}

// archiveWaitingMax is how long what is decided may wait to be archived before the archiver says that
// it is behind.
const archiveWaitingMax = 5 * time.Minute

var errArchiveBehind = errors.New("what was decided is not archived")

func archiveCheck(s archive.Status, now time.Time) api.Check {
	check := api.Check{Name: "archive", Err: s.LastErr, Warning: true}
	if waiting := s.Waiting(now); waiting > archiveWaitingMax {
		check.Warning = false
		check.Err = errors.Join(fmt.Errorf("%w for %s", errArchiveBehind, waiting.Round(time.Second)), s.LastErr)
	}
	return check
}

// numberBeside returns the number of the cluster whose node has a journal.
func numberBeside(journal string) uint8 {
	if is, err := folder.ReadIdentity(filepath.Dir(filepath.Clean(journal))); err == nil {
		return is.ClusterNumber
	}
	return raftfsm.DefaultConfig().ClusterNumber
}

// archiveSummary is what an archive holds.
type archiveSummary struct {
	archive.About
	Segments int              `json:"segments"`
	Bytes    int64            `json:"bytes"`
	Height   uint64           `json:"height"`
	Head     string           `json:"head"`
	LastSeq  uint64           `json:"last_seq"`
	LastTime time.Time        `json:"last_time"`
	Births   []archive.Begin  `json:"births"`
	CutOff   []archive.CutOff `json:"cut_off"`
}

func newArchiveStatus(p *program) *cobra.Command {
	return &cobra.Command{Use: "status ARCHIVE", Short: "Say what is in an archive, by its manifest", Args: arguments(cobra.ExactArgs(1)),
		Example: "  onsale archive status s3://arena-archive/2026",
		RunE: func(c *cobra.Command, args []string) error {
			catalog, err := openCatalog(c.Context(), "ARCHIVE", args[0])
			if err != nil {
				return err
			}
			return p.showArchive(catalog)
		}}
}

func (p *program) showArchive(c *archive.Catalog) error {
	s := archiveSummary{About: c.About(), Segments: len(c.Rows())}
	for _, r := range c.Rows() {
		s.Bytes += r.Bytes
		s.Height, s.Head, s.LastSeq, s.LastTime = r.Last, fmt.Sprintf("%x", r.Head), r.LastSeq, r.LastTime
	}
	var err error
	if s.Births, err = c.Births(); err != nil {
		return err
	}
	if s.CutOff, err = c.CutOff(); err != nil {
		return err
	}
	rows := [][]string{{"cluster", s.Cluster.String()}, {"cluster_number", cell(s.Number)}, {"segments", cell(s.Segments)}, {"bytes", cell(s.Bytes)},
		{"height", cell(s.Height)}, {"head", s.Head}, {"last_seq", cell(s.LastSeq)}, {"last_time", cell(s.LastTime)}}
	for _, b := range s.Births {
		rows = append(rows, []string{"birth", fmt.Sprintf("%s %s, from block %d on", b.Cause, b.Birth, b.First)})
	}
	for _, off := range s.CutOff {
		rows = append(rows, []string{"cut_off", fmt.Sprintf("blocks %v of birth %s: history went on without them, with birth %s", off.Span, off.Birth, off.Since)})
	}
	return p.show(s, []string{"field", "value"}, rows)
}
