package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"onsale/api"
	rows "onsale/audit/export"
	"onsale/audit/export/sqldb"
	journals "onsale/audit/follow"
	"onsale/internal/pseudonym"
)

func newExport(p *program) *cobra.Command {
	return group("export", "Write what was sold to a SQL database, or to files of CSV", newExportSQL(p), newExportCSV(p), newExportVerify(p),
		newExportStatus(p), newExportMigrate(p))
}

// exportFrom is what all exports are told.
type exportFrom struct {
	journalFrom
	users, pseudonyms string
}

func (e *exportFrom) flags(c *cobra.Command) {
	e.journalFrom.flags(c.Flags())
	c.Flags().StringVar(&e.pseudonyms, "pseudonyms-file", envOr("ONSALE_PSEUDONYMS_FILE", ""), "file with the keys of --users pseudonym, as nodes have it")
}

func (e *exportFrom) usersFlag(c *cobra.Command) {
	c.Flags().StringVar(&e.users, "users", e.users, "what rows say of buyers: none, clear for their ids as the journal has them, or pseudonym for hashes of them")
}

// check returns what rows say of buyers.
func (e *exportFrom) check() (rows.Users, error) {
	keys, err := e.keys()
	if err != nil {
		return rows.Users{}, err
	}
	if e.users == "pseudonym" && keys == nil {
		return rows.Users{}, fmt.Errorf("%w: --users pseudonym needs --pseudonyms-file", errUsage)
	}
	users, err := rows.ParseUsers(e.users, keys)
	if err != nil {
		return rows.Users{}, fmt.Errorf("%w: --users: %w", errUsage, err)
	}
	return users, nil
}

// keys reads the keys of pseudonyms; nil without a file.
func (e *exportFrom) keys() (*pseudonym.Keys, error) {
	if e.pseudonyms == "" {
		return nil, nil
	}
	keys, err := pseudonym.Read(e.pseudonyms)
	if err != nil {
		return nil, fmt.Errorf("%w: --pseudonyms-file: %w", errUsage, err)
	}
	return keys, nil
}

func requireFlags(c *cobra.Command, names ...string) {
	for _, name := range names {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is there
		}
	}
}

// exportTo is a database.
type exportTo struct{ to, schema string }

func (e *exportTo) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&e.to, "to", "", "postgres://USER@HOST/DATABASE or sqlite:FILE")
	f.StringVar(&e.schema, "schema", "onsale", "schema in PostgreSQL, made when it is missing")
	requireFlags(c, "to")
}

// open opens the database.
func (e *exportTo) open(ctx context.Context) (sqldb.Target, error) {
	to, err := sqldb.Open(ctx, e.to, e.schema)
	return to, e.told(err)
}

// told is an error about a database, as the command line has it.
func (e *exportTo) told(err error) error {
	if errors.Is(err, sqldb.ErrTarget) {
		return usage(fmt.Errorf("--to: %w", err))
	}
	return err
}

// exporting is what an export to a database is told.
type exporting struct {
	exportFrom
	exportTo
	once, acceptCut bool
	private         string
}

func (e *exporting) flags(c *cobra.Command) {
	e.exportFrom.flags(c)
	e.exportTo.flags(c)
}

// openBoth opens the journal and the database; the caller calls closeIt.
func (e *exporting) openBoth(ctx context.Context, log io.Writer) (from journals.Source, to sqldb.Target, closeIt func() error, err error) {
	from, closeJournal, err := e.openJournal(ctx, log)
	if err != nil {
		return nil, nil, nil, err
	}
	if to, err = e.open(ctx); err != nil {
		closeJournal()
		return nil, nil, nil, err
	}
	return from, to, func() error {
		closeJournal()
		return to.Close()
	}, nil
}

func newExportSQL(p *program) *cobra.Command {
	e := exporting{exportFrom: exportFrom{users: "none"}}
	c := &cobra.Command{Use: "sql", Args: arguments(cobra.NoArgs), Short: "Write sales, orders, payments and the ledger of money to PostgreSQL or SQLite",
		Long: `Reads a journal from its first block on and writes rows: sales and who changed them,
orders, attempts to pay, and a ledger of the money that was captured and that went back, by the
day of the transaction where the sale is. Views add them up: revenue_by_day, revenue_by_sale,
refunds, unsettled, and reconciliation, which must be empty. Amounts are in minor units.

It may read beside a running node, never slows it, and goes on until it is stopped; with --once
it ends when all blocks are there. Rows and the position are written in one transaction: it may be
killed at any time, and started again. One exporter writes to a schema, or file, at a time.

When the journal is not the one that was exported before (a restore has cut it, or it is another
cluster's) nothing is written, the exit code is 3, and for a restore it names the last position that is
still true. With --accept-cut what is behind that is marked as lost, and the money that it moved is taken
back on the day of the restore: no day that was final changes.`,
		Example: "  onsale export sql --journal data/journal --to sqlite:finance.db --once\n  onsale export sql --journal data/journal --to postgres://export@db/shop\n  onsale export sql --cluster 10.0.0.1:7101,10.0.0.2:7101 --peer-secret-file peer-secret --to sqlite:finance.db",
		RunE:    func(c *cobra.Command, _ []string) error { return p.exportSQL(c.Context(), &e) }}
	e.flags(c)
	c.Flags().BoolVar(&e.acceptCut, "accept-cut", false, "mark rows that a restore made untrue as lost, take their money back on the day of the restore, and go on")
	c.Flags().BoolVar(&e.once, "once", false, "end when there are no more blocks")
	c.Flags().StringVar(&e.private, "private", "", "where /metrics, /livez and /readyz are served, such as 127.0.0.1:8603; nowhere by default")
	e.usersFlag(c)
	return c
}

// progressInterval is how often an export says where it is.
const progressInterval = 2 * time.Second

func (p *program) exportSQL(ctx context.Context, e *exporting) (err error) {
	users, err := e.check()
	if err != nil {
		return err
	}
	from, to, closeIt, err := e.openBoth(ctx, p.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIt()) }()
	var told time.Time
	var last string
	say := func(position rows.Position, count uint64) {
		last = exportedLine(count, position)
		if now := time.Now(); now.Sub(told) >= progressInterval {
			told = now
			fmt.Fprintln(p.err, last)
			last = ""
		}
	}
	watch := sqldb.NewWatch(time.Now())
	unwatch, _, err := monitor(e.private, func() []api.Check { return []api.Check{exportCheck(watch.Lag(time.Now()))} }, watch.Collector())
	if err != nil {
		return err
	}
	defer unwatch()
	err = sqldb.Run(ctx, from, to, sqldb.Options{Users: users, Once: e.once, AcceptCut: e.acceptCut, Watch: watch, Progress: say})
	if err == nil && last != "" {
		fmt.Fprintln(p.err, last)
	}
	return err
}

// exportLagMax is how old what is written may be, while there is more, before an exporter says that it is behind.
const exportLagMax = 5 * time.Minute

var errExportBehind = errors.New("what was sold is not in the database")

func exportCheck(lag time.Duration) api.Check {
	check := api.Check{Name: "export"}
	if lag > exportLagMax {
		check.Err = fmt.Errorf("%w for %s", errExportBehind, lag.Round(time.Second))
	}
	return check
}

func exportedLine(count uint64, position rows.Position) string {
	return fmt.Sprintf("%d rows, up to block %d (seq %d, %s)", count, position.Head.Height, position.Seq, position.At.Format(time.RFC3339))
}

func newExportVerify(p *program) *cobra.Command {
	var e exporting
	c := &cobra.Command{Use: "verify", Args: arguments(cobra.NoArgs), Short: "Compare every row of a database with the journal that it was written from",
		Long: `Makes every row again from the journal, up to where the database is, and compares.
It exits with 6 when a row differs, is missing or should not be there. No exporter may run
meanwhile. It keeps all rows in memory, about 1 KB an order. Rows with pseudonyms need their keys.`,
		Example: "  onsale export verify --journal data/journal --to sqlite:finance.db",
		RunE:    func(c *cobra.Command, _ []string) error { return p.exportVerify(c.Context(), &e) }}
	e.flags(c)
	return c
}

func (p *program) exportVerify(ctx context.Context, e *exporting) (err error) {
	keys, err := e.keys()
	if err != nil {
		return err
	}
	from, to, closeIt, err := e.openBoth(ctx, p.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIt()) }()
	v, err := sqldb.Verify(ctx, from, to, keys)
	if err != nil {
		return err
	}
	for _, example := range v.Examples {
		fmt.Fprintln(p.out, example)
	}
	fmt.Fprintf(p.out, "%d rows compared up to block %d, %d differ\n", v.Rows, v.Position.Head.Height, v.Differences)
	if v.Differences > 0 {
		return errRows
	}
	return nil
}
