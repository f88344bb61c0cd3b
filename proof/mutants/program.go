package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// programs are the tests of a target's suites, each a program with all mutants of a round.
type programs struct {
	dir     string // of what they are built from; whoever weaves removes it
	round   int    // how many mutants it has, with those that do not compile
	numbers map[*mutation]int
	paths   map[string]string // by the folders of the suites
}

// weave builds the programs of a round. Mutants that do not compile have no number
// then. The folder is to be removed also after an error.
func (b *bench) weave(ctx context.Context, round []*mutation, suites []suite) (*programs, error) {
	dir, err := os.MkdirTemp(b.temp, "")
	p := &programs{dir: dir, round: len(round), numbers: map[*mutation]int{}, paths: map[string]string{}}
	for i, m := range round {
		p.numbers[m] = i + 1
	}
	var overlay string
	if err == nil {
		overlay, err = b.compiling(ctx, p)
	}
	for _, s := range suites {
		if err == nil && p.paths[s.dir] == "" {
			p.paths[s.dir], err = b.build(ctx, dir, len(p.paths), s, overlay)
		}
	}
	return p, err
}

// compiling leaves out mutants until the package compiles.
func (b *bench) compiling(ctx context.Context, p *programs) (overlay string, err error) {
	for {
		files, err := p.files()
		if err != nil || len(files) == 0 {
			return "", err
		}
		overlay, err := b.overlay(p.dir, files, p.round)
		if err != nil {
			return "", err
		}
		var folder string
		for name := range files {
			folder = filepath.ToSlash(filepath.Dir(name))
		}
		output, err := b.goCommand(ctx, p.dir, "build", "-gcflags=-e", "-overlay", overlay, "./"+folder)
		if err == nil || ctx.Err() != nil || !errors.As(err, new(*exec.ExitError)) {
			return overlay, errors.Join(err, ctx.Err())
		}
		if !p.leaveOut(files, output) {
			return "", fmt.Errorf("%w: %s", err, output)
		}
	}
}

// files are the woven files of the mutants that compile as far as is known, by their paths from the module's root.
func (p *programs) files() (map[string]*woven, error) {
	byFile := map[string]map[int]*mutation{}
	for m, n := range p.numbers {
		if byFile[m.File] == nil {
			byFile[m.File] = map[int]*mutation{}
		}
		byFile[m.File][n] = m
	}
	files := map[string]*woven{}
	for name, mutants := range byFile {
		file, err := weave(mutants)
		if err != nil {
			return nil, err
		}
		files[name] = file
	}
	return files, nil
}

var compilerLine = regexp.MustCompile(`(?m)^(?:.*/)?([^/:\s]+\.go):(\d+):`)

// leaveOut drops the mutants that a compiler names; false when it names none.
func (p *programs) leaveOut(files map[string]*woven, output []byte) (some bool) {
	wrong := map[int]bool{}
	for _, found := range compilerLine.FindAllSubmatch(output, -1) {
		line, _ := strconv.Atoi(string(found[2])) // digits
		for name, file := range files {
			if filepath.Base(name) == string(found[1]) {
				wrong[file.at(line)] = true
			}
		}
	}
	for m, n := range p.numbers {
		if wrong[n] {
			delete(p.numbers, m)
			some = true
		}
	}
	return some
}

// overlay writes the woven files and their chooser, and what puts them in their places.
func (b *bench) overlay(dir string, files map[string]*woven, mutants int) (string, error) {
	replace := map[string]string{}
	put := func(name string, source []byte) error {
		path := filepath.Join(dir, filepath.Base(name))
		replace[filepath.Join(b.root, filepath.FromSlash(name))] = path
		return os.WriteFile(path, source, 0o600)
	}
	for name, file := range files {
		own := fmt.Appendf(nil, chooser, file.pkg, chosenName, mutants, reachedName)
		err := errors.Join(put(name, file.source), put(filepath.Join(filepath.Dir(name), "mutant_chosen.go"), own))
		if err != nil {
			return "", err
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}

// build compiles the tests of a package, without what only a debugger reads.
func (b *bench) build(ctx context.Context, dir string, number int, s suite, overlay string) (string, error) {
	program := filepath.Join(dir, fmt.Sprint("tests", number))
	output, err := b.goCommand(ctx, dir, "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", program,
		"-overlay", overlay, "./"+s.dir)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return program, nil
}

func (b *bench) goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir, command.Env = b.root, append(os.Environ(), "GOTMPDIR="+dir)
	return command.CombinedOutput()
}
