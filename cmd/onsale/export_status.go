package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"onsale/audit/export/sqldb"
)

// exportStatus is where a database is, as it is shown.
type exportStatus struct {
	Cluster   string            `json:"cluster,omitempty"`
	Birth     string            `json:"birth,omitempty"`
	Height    uint64            `json:"height,omitempty"`
	Seq       uint64            `json:"seq,omitempty"`
	At        time.Time         `json:"at,omitzero"`           // log time of the block
	WrittenAt time.Time         `json:"written_at,omitzero"`   // by the exporter's clock
	Age       int64             `json:"age_seconds,omitempty"` // since then
	Exporter  string            `json:"exporter,omitempty"`
	Users     string            `json:"users,omitempty"`
	Migration int64             `json:"migration"`
	Pending   uint64            `json:"pending_migrations,omitempty"`
	Rows      map[string]uint64 `json:"rows,omitempty"`
}

func newExportStatus(p *program) *cobra.Command {
	var e exportTo
	c := &cobra.Command{Use: "status", Args: arguments(cobra.NoArgs), Short: "Tell up to where a database is written, by whom, and how many rows it has",
		Long: `Tells up to which block of whose journal a database is written, when and by which exporter,
and how many rows its tables have. It changes nothing and may run beside the exporter.`,
		Example: "  onsale export status --to sqlite:finance.db\n  onsale export status --to postgres://export@db/shop -o json",
		RunE:    func(c *cobra.Command, _ []string) error { return p.exportStatus(c.Context(), &e) }}
	e.flags(c)
	return c
}

func (p *program) exportStatus(ctx context.Context, e *exportTo) error {
	s, err := sqldb.Inspect(ctx, e.to, e.schema)
	if err != nil {
		return e.told(err)
	}
	shown := exportStatus{Migration: s.Migration, Pending: uint64(len(s.Pending)), Rows: s.Rows}
	if w := s.Written; w != nil {
		shown.Cluster, shown.Birth, shown.Height, shown.Seq = w.Cluster, w.Birth, w.Head.Height, w.Seq
		shown.At, shown.WrittenAt, shown.Exporter, shown.Users = w.At, s.WrittenAt, w.Exporter, w.Users
		shown.Age = int64(time.Since(s.WrittenAt) / time.Second)
	}
	return p.showFields(&shown)
}

func newExportMigrate(p *program) *cobra.Command {
	var e exportTo
	var dry bool
	c := &cobra.Command{Use: "migrate", Args: arguments(cobra.NoArgs), Short: "Bring a database's tables to this release's",
		Long: `Makes the tables, or brings them from an older release's to this one's, and names what it does.
` + "`onsale export sql`" + ` does that itself at its start: this is for databases whose tables somebody else
may change than who writes rows. No exporter may run meanwhile. With --dry-run nothing is done.`,
		Example: "  onsale export migrate --to postgres://owner@db/shop --dry-run",
		RunE:    func(c *cobra.Command, _ []string) error { return p.exportMigrate(c.Context(), &e, dry) }}
	e.flags(c)
	c.Flags().BoolVar(&dry, "dry-run", false, "only name what would be done")
	return c
}

func (p *program) exportMigrate(ctx context.Context, e *exportTo, dry bool) error {
	steps, err := sqldb.Migrate(ctx, e.to, e.schema, dry)
	if err != nil {
		return e.told(err)
	}
	rows := make([][]string, len(steps))
	for i, one := range steps {
		rows[i] = []string{cell(one.Version), one.Name}
	}
	return p.show(steps, []string{"version", "name"}, rows)
}
