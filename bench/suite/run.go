package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"onsale/bench/result"
)

// ErrOptions is returned when an option breaks its bound.
var ErrOptions = errors.New("bad suite options")

// ErrFailed is returned when a step failed or took too long; the document says which.
var ErrFailed = errors.New("steps failed")

// Options says what to run.
type Options struct {
	Root     string // of the source tree
	Profile  Profile
	Only     []string         // steps or targets; none for all
	Into     *result.Document // whose other steps are kept; nil to begin anew
	Folder   string           // that results are written to
	Progress io.Writer
}

// Run runs the steps one after the other and writes the document after each, so that a
// run that is broken off leaves what it has. It returns the document's file too.
func Run(ctx context.Context, o *Options) (*result.Document, string, error) {
	source, err := sourceOf(ctx, o.Root)
	if err != nil {
		return nil, "", err
	}
	s := &suite{Options: o, source: source, document: newDocument(o, source), stopMax: stopMax}
	return s.run(ctx, steps(o.Profile))
}

// durability is what every step has that says nothing else.
const durability = "fsync on a majority's disks before every answer"

func newDocument(o *Options, source result.Source) *result.Document {
	d := &result.Document{Version: result.Version, Profile: o.Profile.Name}
	if o.Into != nil {
		d = o.Into
	}
	d.Source, d.Durability, d.Started = source, durability, time.Now().UTC().Truncate(time.Second)
	d.Machine, d.LoadBefore = machineFacts(os.TempDir()), loadAverages()
	return d
}

type suite struct {
	*Options
	source   result.Source
	document *result.Document
	path     string
	stopMax  time.Duration // how long a command may take to clean up
}

func (s *suite) run(ctx context.Context, all []step) (*result.Document, string, error) {
	chosen, err := choose(all, s.Only)
	if err != nil {
		return nil, "", err
	}
	scratch, err := os.MkdirTemp("", "onsale-suite-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(scratch)
	if err := os.Chmod(scratch, 0o711); err != nil { //nolint:gosec // PostgreSQL's user passes through it
		return nil, "", err
	}
	s.path = filepath.Join(s.Folder, s.fileName())
	builds := s.build(ctx, chosen, scratch)
	var failed []string
	for i := range chosen {
		if ctx.Err() != nil {
			break
		}
		if done := s.measure(ctx, &chosen[i], i, len(chosen), scratch, builds); done.Status != result.StatusDone {
			failed = append(failed, done.ID)
		}
		if err := s.write(); err != nil {
			return s.document, s.path, err
		}
	}
	if len(failed) > 0 {
		err = fmt.Errorf("%w: %s", ErrFailed, strings.Join(failed, ", "))
	}
	return s.document, s.path, errors.Join(err, ctx.Err())
}

// fileName is the date and what was measured.
func (s *suite) fileName() string {
	name := s.document.Started.Format("2006-01-02") + "-" + s.source.Commit
	if s.source.Dirty {
		name += "-dirty"
	}
	if s.document.Profile != Full().Name {
		name += "-" + s.document.Profile
	}
	return name + ".json"
}

func (s *suite) write() error {
	s.document.Finished, s.document.LoadAfter = time.Now().UTC().Truncate(time.Second), loadAverages()
	return s.document.WriteFile(s.path)
}

// build compiles what the steps run, each once, and returns why what does not compile
// does not.
func (s *suite) build(ctx context.Context, chosen []step, scratch string) map[string]error {
	failed := map[string]error{}
	for i := range chosen {
		for _, command := range chosen[i].builds {
			key := strings.Join(command, " ")
			if _, done := failed[key]; done {
				continue
			}
			fmt.Fprintf(s.Progress, "build: in %s, %s\n", command[0], strings.Join(command[1:], " "))
			x := s.executor(scratch)
			_, failed[key] = x.run(ctx, command[0], command[1], command[2:]...)
		}
	}
	return failed
}

func (s *suite) executor(scratch string) *executor {
	return &executor{root: s.Root, scratch: scratch, progress: s.Progress, stopMax: s.stopMax}
}

// measure runs one step and puts it into the document.
func (s *suite) measure(ctx context.Context, p *step, index, of int, scratch string, builds map[string]error) *result.Step {
	fmt.Fprintf(s.Progress, "\n[%d/%d] %s: %s; at most %v\n", index+1, of, strings.Join(append([]string{p.id}, p.targets...), " "), p.what, p.limit)
	x := s.executor(scratch)
	done := &result.Step{ID: p.id, What: p.what, Targets: p.targets, Source: s.source, Started: time.Now().UTC().Truncate(time.Second),
		LimitSeconds: p.limit.Seconds(), Status: result.StatusDone, LoadBefore: loadAverages()}
	started := time.Now()
	var err error
	for _, command := range p.builds {
		err = errors.Join(err, builds[strings.Join(command, " ")])
	}
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, p.limit)
		done.Outcome, err = p.run(limited, x)
		cancel()
	}
	done.Commands, done.Repeated, done.Seconds, done.LoadAfter = x.commands, x.repeated, time.Since(started).Seconds(), loadAverages()
	conclude(done, p, err)
	s.document.Put(done)
	s.tell(done)
	return done
}

// conclude says of a step that failed, and of every figure that it owes, why.
func conclude(done *result.Step, p *step, err error) {
	if err != nil {
		done.Status, done.Error = result.StatusFailed, oneLine(err.Error())
		if errors.Is(err, context.DeadlineExceeded) {
			done.Status = result.StatusTimeout
		}
	}
	reason := done.Error
	for i := range done.Figures {
		done.Figures[i].Error = reason
	}
	if reason == "" {
		reason = "its step did not measure it"
	}
	for _, id := range p.figures() {
		if !slices.ContainsFunc(done.Figures, func(f result.Figure) bool { return f.ID == id }) {
			done.Figures = append(done.Figures, result.Figure{ID: id, Error: reason})
			if err == nil {
				done.Status, done.Error = result.StatusFailed, reason+": "+id
			}
		}
	}
}

// errorBytesMax bounds what a document keeps of an error.
const errorBytesMax = 1500

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), errorBytesMax)]
}

// tell says at once what a step came to.
func (s *suite) tell(done *result.Step) {
	fmt.Fprintf(s.Progress, "  %s after %.0f s; load average %.1f before, %.1f after\n", done.Status, done.Seconds, done.LoadBefore[0], done.LoadAfter[0])
	if done.Error != "" {
		fmt.Fprintln(s.Progress, "  "+done.Error)
	}
	for i := range done.Figures {
		fmt.Fprintln(s.Progress, "  "+result.Line(&done.Figures[i]))
	}
}
