package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"onsale/internal/tuning"
	"onsale/raftfsm"
)

func newServe(p *program) *cobra.Command {
	s := newSettings()
	c := &cobra.Command{Use: "serve", Short: "Run a node", Args: arguments(cobra.NoArgs),
		Long: `Runs one node. Without --join it is a cluster of one, which others can join. With
--join it joins the cluster that a node there belongs to; with --bootstrap-expect
as well, the nodes that --join names make one together when there is none. The same
command line starts a node the first time and every later time.`,
		Example: "  onsale serve --dev\n  onsale serve --data-dir /var/lib/onsale\n  onsale serve --node-id n4 --join 10.0.0.1:7101,10.0.0.2:7101 --secret-file token-secret --peer-secret-file peer-secret",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.load(); err != nil {
				return err
			}
			tuning.Apply()
			return p.serve(c.Context(), s)
		}}
	c.Flags().AddFlagSet(s.Flags)
	return c
}

// serve runs a node until ctx ends or the node cannot go on.
func (p *program) serve(ctx context.Context, s *settings) error {
	hangUp := hangUps()
	log, err := s.openLog(p.err)
	if err != nil {
		return err
	}
	if s.Dev {
		return p.serveDev(ctx, s, log, hangUp)
	}
	return runServer(ctx, s, log, hangUp, nil)
}

// runServer runs a node until ctx ends or the node cannot go on; while there is no room on
// its disk, one that only shows what it has. ready is called once; it may be nil.
func runServer(ctx context.Context, s *settings, log *slog.Logger, hangUp <-chan os.Signal, ready func(*server) error) error {
	once := func(v *server) error {
		tell := ready
		ready = nil
		if tell == nil {
			return nil
		}
		return tell(v)
	}
	for readTime := time.Duration(0); ; {
		began := time.Now()
		err := runNode(ctx, s, log, hangUp, once)
		if !raftfsm.IsNoRoom(err) || ctx.Err() != nil {
			return err
		}
		readTime = nextReadTime(readTime, time.Since(began))
		if err := readUntilRoom(ctx, s, log, hangUp, err, readTime); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// runNode starts, tells when it is ready, and stops.
func runNode(ctx context.Context, s *settings, log *slog.Logger, hangUp <-chan os.Signal, ready func(*server) error) error {
	v, err := startServer(s, log)
	if err != nil {
		return err
	}
	v.announce()
	reloading, stopReloading := context.WithCancel(ctx)
	defer stopReloading()
	go v.reloadAt(reloading, hangUp)
	joining, stopJoining := context.WithCancel(ctx)
	defer stopJoining()
	go v.joinCluster(joining)
	if err := v.waitReady(ctx); err != nil {
		if ctx.Err() != nil { // told to stop before there was a leader
			return v.close()
		}
		return ended(err, v.closeAfter(err))
	}
	log.Info("ready")
	if err = ready(v); err == nil {
		err = v.run(ctx)
	}
	return ended(err, v.closeAfter(err))
}

// ended joins why a server ended with what closing it came to, unless both say that there is
// no room on the disk.
func ended(err, closing error) error {
	if raftfsm.IsNoRoom(err) && raftfsm.IsNoRoom(closing) {
		return err
	}
	return errors.Join(err, closing)
}

// announce says what was started, where.
func (v *server) announce() {
	folder := "existing"
	if v.node.IsNew() {
		folder = "new"
	}
	v.log.Info("starting", "version", version(), "data", v.settings.Node.DataDir, "folder", folder, "node", v.settings.Node.NodeID,
		"durability", "fsync on a majority before every answer")
	v.log.Info("listening", "buyers", "http://"+v.publicListener.Addr().String(), "private", "http://"+v.privateListener.Addr().String(),
		"peers", v.node.Address(), "tls", v.credentials != nil)
}

// setLevel takes a level by its name; one that is none changes nothing.
func setLevel(threshold *slog.LevelVar, level string) error {
	if err := threshold.UnmarshalText([]byte(level)); err != nil {
		return fmt.Errorf("log level %q, allowed are debug, info, warn and error", level)
	}
	return nil
}

// newLogger logs text on a terminal and JSON elsewhere, unless told otherwise; threshold
// becomes the level, and may be changed later.
func newLogger(to io.Writer, format, level string, threshold *slog.LevelVar) (*slog.Logger, error) {
	if err := setLevel(threshold, level); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "text", "json"}, format) {
		return nil, fmt.Errorf("log format %q, allowed are text and json", format)
	}
	options := &slog.HandlerOptions{Level: threshold}
	if format == "text" || format == "" && isTerminal(to) {
		return slog.New(slog.NewTextHandler(to, options)), nil
	}
	return slog.New(slog.NewJSONHandler(to, options)), nil
}
