package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newServe(p *program) *cobra.Command {
	s := newSettings()
	c := &cobra.Command{Use: "serve", Short: "Run a node", Args: arguments(cobra.NoArgs),
		Long: `Runs one node. Without --join it is a cluster of one, which others can join. With
--join it joins the cluster that a node there belongs to; with --bootstrap-expect
as well, the nodes that --join names make one together when there is none. The same
command line starts a node the first time and every later time.`,
		Example: "  onsale serve --dev\n  onsale serve --data-dir /var/lib/onsale\n  onsale serve --node-id n4 --join 10.0.0.1:7101,10.0.0.2:7101 --secret-file secret",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.load(); err != nil {
				return err
			}
			setProcessors()
			loadBallast()
			return p.serve(c.Context(), s)
		}}
	c.Flags().AddFlagSet(s.Flags)
	return c
}

// serve runs a node until ctx ends or the node cannot go on.
func (p *program) serve(ctx context.Context, s *settings) error {
	log, err := newLogger(p.err, s.LogFormat, s.LogLevel)
	if err != nil {
		return usage(err)
	}
	if s.Dev {
		return p.serveDev(ctx, s, log)
	}
	return runServer(ctx, s, log, nil)
}

// runServer starts, tells when it is ready, and stops. ready may be nil.
func runServer(ctx context.Context, s *settings, log *slog.Logger, ready func(*server) error) error {
	v, err := startServer(s, log)
	if err != nil {
		return err
	}
	v.announce()
	joining, stopJoining := context.WithCancel(ctx)
	defer stopJoining()
	go v.joinCluster(joining)
	if err := v.waitReady(ctx); err != nil {
		if ctx.Err() != nil { // told to stop before there was a leader
			return v.close()
		}
		return errors.Join(err, v.close())
	}
	log.Info("ready")
	if ready != nil {
		err = ready(v)
	}
	if err == nil {
		err = v.run(ctx)
	}
	return errors.Join(err, v.close())
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

// newLogger logs text on a terminal and JSON elsewhere, unless told otherwise.
func newLogger(to io.Writer, format, level string) (*slog.Logger, error) {
	var threshold slog.Level
	if err := threshold.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q, allowed are debug, info, warn and error", level)
	}
	if !slices.Contains([]string{"", "text", "json"}, format) {
		return nil, fmt.Errorf("log format %q, allowed are text and json", format)
	}
	options := &slog.HandlerOptions{Level: threshold}
	file, isFile := to.(*os.File)
	if format == "text" || format == "" && isFile && term.IsTerminal(int(file.Fd())) {
		return slog.New(slog.NewTextHandler(to, options)), nil
	}
	return slog.New(slog.NewJSONHandler(to, options)), nil
}
