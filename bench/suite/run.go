package main

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
)

// errOptions is returned when an option breaks its bound.
var errOptions = errors.New("bad suite options")

// errFailed is returned when a step failed or took too long; the document says which.
var errFailed = errors.New("steps failed")

// suite is a run of the steps, one after the other.
type suite struct {
	root     string // of the source tree
	profile  *profile
	only     []string // steps or targets; none for all
	folder   string   // that the document is written to
	progress io.Writer
	stopMax  time.Duration // how long a command may take to clean up

	commit   string
	document *document
	path     string // of the document
}

// run writes the document after each step, so that a run that is broken off leaves what
// it has.
func (s *suite) run(ctx context.Context, all []step) (err error) {
	chosen, err := choose(all, s.only)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "onsale-suite-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	// PostgreSQL's user passes through it.
	if err := errors.Join(os.Chmod(scratch, 0o711), os.MkdirAll(s.folder, 0o755)); err != nil {
		return err
	}

	s.begin(ctx)
	begun := s.document.facts
	builds := s.build(ctx, chosen, scratch)
	for i := range chosen {
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintf(s.progress, "\n[%d/%d] ", i+1, len(chosen))
		s.measure(ctx, &chosen[i], scratch, builds)
		s.document.facts = append(begun[:len(begun):len(begun)], pair{finishedKey, now()}, pair{loadAfterKey, loadAverages()})
		if err := os.WriteFile(s.path, s.document.bytes(), 0o644); err != nil {
			return err
		}
	}
	if failed := s.document.failed(); len(failed) > 0 {
		err = fmt.Errorf("%w: %s", errFailed, strings.Join(failed, ", "))
	}
	return errors.Join(err, ctx.Err())
}

// now is UTC, as documents tell it; times in this form are in the order of their bytes.
func now() string { return time.Now().UTC().Format("2006-01-02 15:04:05 UTC") }

// begin makes the document and names its file by the date and the commit.
func (s *suite) begin(ctx context.Context) {
	s.document = &document{
		settings: append(pairs{{profileKey, s.profile.name}}, machineSettings(ctx, os.TempDir())...),
		facts:    pairs{{commitKey, s.commit}, {startedKey, now()}, {loadBeforeKey, loadAverages()}},
	}
	name := s.document.facts.get(startedKey)[:len("2006-01-02")] + "-" + strings.ReplaceAll(s.commit, " ", "-")
	if s.profile.name != full().name {
		name += "-" + s.profile.name
	}
	s.path = filepath.Join(s.folder, name+".txt")
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
			fmt.Fprintf(s.progress, "build: in %s, %s\n", command[0], strings.Join(command[1:], " "))
			_, failed[key] = s.executor(scratch).run(ctx, command[0], command[1], command[2:]...)
		}
	}
	return failed
}

func (s *suite) executor(scratch string) *executor {
	return &executor{root: s.root, scratch: scratch, progress: s.progress, stopMax: s.stopMax}
}

// measure runs one step and puts it into the document.
func (s *suite) measure(ctx context.Context, p *step, scratch string, builds map[string]error) {
	fmt.Fprintf(s.progress, "%s %s: %s; at most %v\n", p.id, strings.Join(p.targets, " "), p.what, p.limit)
	x, began := s.executor(scratch), time.Now()
	done := &stepRecord{id: p.id, facts: pairs{{startedKey, now()}, {loadBeforeKey, loadAverages()}}}

	var err error
	for _, command := range p.builds {
		err = errors.Join(err, builds[strings.Join(command, " ")])
	}
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, p.limit)
		c := collected{}
		err = p.run(limited, x, c)
		cancel()
		done.figures, done.lines = c.figures(), x.lines
	}

	done.facts.add(secondsKey, fmt.Sprintf("%.0f", time.Since(began).Seconds()))
	done.facts.add(loadAfterKey, loadAverages())
	done.facts.add(commandKey, x.commands...)
	done.facts.add(repeatedKey, x.repeated...)
	done.conclude(p, err)
	s.document.steps = append(s.document.steps, *done)
	s.tell(done)
}

// conclude says of a step that failed, and of every figure that it owes, why.
func (s *stepRecord) conclude(p *step, err error) {
	if err != nil {
		s.err = oneLine(err.Error())
		if errors.Is(err, context.DeadlineExceeded) {
			s.err = oneLine(fmt.Sprintf("timed out after %v: %v", p.limit, err))
		}
	}
	for i := range s.figures {
		s.figures[i].err = s.err
	}

	const missing = "its step did not measure it"
	for _, id := range p.figures() {
		if slices.ContainsFunc(s.figures, func(f figure) bool { return f.id == id }) {
			continue
		}
		f := figure{id: id, err: s.err}
		if err == nil {
			f.err, s.err = missing, missing+": "+id
		}
		s.figures = append(s.figures, f)
	}
}

// tell says at once what a step came to.
func (s *suite) tell(done *stepRecord) {
	fmt.Fprintf(s.progress, "  done after %s s; load averages %s before, %s after\n", done.facts.get(secondsKey),
		done.facts.get(loadBeforeKey), done.facts.get(loadAfterKey))
	if done.err != "" {
		fmt.Fprintln(s.progress, "  failed:", done.err)
	}
	for i := range done.figures {
		fmt.Fprintln(s.progress, "  "+done.figures[i].line())
	}
}
