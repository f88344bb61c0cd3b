package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// work is something of others that is in the binary.
type work struct {
	name     string // a module's path and version, or a file
	licences string // the texts of its licence files
}

// licenceName matches the files of a module that must go with copies of it.
var licenceName = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice)(\.(txt|md))?$`)

// errNoLicence is returned when a work has no licence: nobody may pass it on.
var errNoLicence = errors.New("has no licence file")

// works returns what is in the program of a source tree, in order of names.
func works(root string) ([]work, error) {
	standard, err := goLicence()
	if err != nil {
		return nil, err
	}
	modules, err := moduleWorks(root)
	if err != nil {
		return nil, err
	}
	embedded, err := embeddedWorks(root)
	if err != nil {
		return nil, err
	}
	return append(append([]work{standard}, modules...), embedded...), nil
}

func goLicence() (work, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return work{}, fmt.Errorf("go env: %w", err)
	}
	text, err := readLicences(strings.TrimSpace(string(root)))
	return work{"the Go standard library", text}, err
}

// moduleWorks returns the modules that the program's packages come from, as released:
// for Linux on amd64, without build tags.
func moduleWorks(root string) ([]work, error) {
	list := exec.Command("go", "list", "-deps", "-f", `{{with .Module}}{{if not .Main}}{"Path":"{{.Path}}","Version":"{{.Version}}","Dir":"{{.Dir}}"}{{end}}{{end}}`, "./cmd/onsale")
	list.Dir = root
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-mod=readonly")
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	lines := strings.Fields(string(out))
	slices.Sort(lines)

	var all []work
	for _, line := range slices.Compact(lines) {
		var module struct{ Path, Version, Dir string }
		if err := json.Unmarshal([]byte(line), &module); err != nil {
			return nil, fmt.Errorf("go list: %q: %w", line, err)
		}
		text, err := readLicences(module.Dir)
		if err != nil {
			return nil, err
		}
		all = append(all, work{module.Path + " " + module.Version, text})
	}
	return all, nil
}

// embeddedWorks returns the minified files of a source tree.
func embeddedWorks(root string) ([]work, error) {
	var all []work
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.Contains(entry.Name(), ".min.") {
			return err
		}
		name, _, _ := strings.Cut(entry.Name(), ".")
		text, err := os.ReadFile(filepath.Join(root, filepath.Dir(path), name+".LICENSE"))
		if err != nil {
			return fmt.Errorf("%s %w: %w", path, errNoLicence, err)
		}
		all = append(all, work{path, string(text)})
		return nil
	})
	return all, err
}

// readLicences returns the texts of a folder's licence files.
func readLicences(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var texts []string
	for _, entry := range entries {
		if !licenceName.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return "", err
		}
		texts = append(texts, string(text))
	}
	if len(texts) == 0 {
		return "", fmt.Errorf("%s %w", dir, errNoLicence)
	}
	return strings.Join(texts, "\n"), nil
}
