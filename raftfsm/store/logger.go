package store

import (
	"context"
	"io"
	"log"
	"log/slog"
	"slices"

	"github.com/hashicorp/go-hclog"
)

// RaftLogger lets raft log through slog. Raft's info is debug here: it says much
// more than an operator wants to hear; role changes are told by the node. A warning or an
// error that repeats, of a member that is down for one, is told once in repeatInterval,
// with how many were left out.
func RaftLogger(to *slog.Logger) hclog.Logger { return raftLogger{to, new(repeats)} }

type raftLogger struct {
	to      *slog.Logger
	repeats *repeats
}

var _ hclog.Logger = raftLogger{}

func (l raftLogger) Log(level hclog.Level, message string, args ...any) {
	to := slog.LevelDebug
	switch {
	case level >= hclog.Error:
		to = slog.LevelError
	case level == hclog.Warn:
		to = slog.LevelWarn
	}
	if to >= slog.LevelWarn && l.enabled(to) {
		leftOut, tell := l.repeats.tell(keyOf(message, args))
		if !tell {
			return
		}
		if leftOut > 0 {
			args = append(slices.Clone(args), "left_out", leftOut)
		}
	}
	l.to.Log(context.Background(), to, message, args...)
}

func (l raftLogger) Trace(message string, args ...any) { l.Log(hclog.Trace, message, args...) }
func (l raftLogger) Debug(message string, args ...any) { l.Log(hclog.Debug, message, args...) }
func (l raftLogger) Info(message string, args ...any)  { l.Log(hclog.Info, message, args...) }
func (l raftLogger) Warn(message string, args ...any)  { l.Log(hclog.Warn, message, args...) }
func (l raftLogger) Error(message string, args ...any) { l.Log(hclog.Error, message, args...) }

func (l raftLogger) enabled(level slog.Level) bool {
	return l.to.Enabled(context.Background(), level)
}

func (l raftLogger) IsTrace() bool                                         { return l.enabled(slog.LevelDebug) }
func (l raftLogger) IsDebug() bool                                         { return l.enabled(slog.LevelDebug) }
func (l raftLogger) IsInfo() bool                                          { return l.enabled(slog.LevelDebug) }
func (l raftLogger) IsWarn() bool                                          { return l.enabled(slog.LevelWarn) }
func (l raftLogger) IsError() bool                                         { return l.enabled(slog.LevelError) }
func (l raftLogger) ImpliedArgs() []any                                    { return nil }
func (l raftLogger) With(args ...any) hclog.Logger                         { return raftLogger{l.to.With(args...), l.repeats} }
func (l raftLogger) Name() string                                          { return "" }
func (l raftLogger) Named(name string) hclog.Logger                        { return l.With("component", name) }
func (l raftLogger) ResetNamed(string) hclog.Logger                        { return l }
func (l raftLogger) SetLevel(hclog.Level)                                  {}
func (l raftLogger) GetLevel() hclog.Level                                 { return hclog.Debug }
func (l raftLogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return slogWriter(l) }

func (l raftLogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(slogWriter(l), "", 0)
}

// slogWriter is an io.Writer whose lines are debug messages.
type slogWriter raftLogger

func (w slogWriter) Write(line []byte) (int, error) {
	w.to.Debug(string(line))
	return len(line), nil
}
