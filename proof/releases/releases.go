package releases

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// File is the name of the file, at the root of the tree.
const File = "RELEASES"

// ErrFile is returned when the file of releases has a line that is none.
var ErrFile = errors.New("bad file of releases")

// Release is a line of the file.
type Release struct {
	Name   string // v1.2.3
	Level  uint16 // of formats, that it speaks at most
	Commit string // 40 hexadecimal digits
	Date   string // of the commit, 2006-01-02 in UTC
}

// String returns the line.
func (r Release) String() string {
	return fmt.Sprintf("%s %d %s %s", r.Name, r.Level, r.Commit, r.Date)
}

var (
	namePattern   = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)
	commitPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// Read returns the releases that a tree names, oldest first. ErrFile.
func Read(root string) ([]Release, error) {
	text, err := os.ReadFile(filepath.Join(root, File))
	if err != nil {
		return nil, err
	}
	return parse(string(text))
}

func parse(text string) (all []Release, err error) {
	for number, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := parseLine(line)
		if err == nil && len(all) > 0 {
			err = r.follows(&all[len(all)-1])
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrFile, number+1, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func parseLine(line string) (r Release, err error) {
	words := strings.Split(line, " ")
	if len(words) != 4 {
		return r, fmt.Errorf("%q is not a name, a level, a commit and a date", line)
	}
	level, err := strconv.ParseUint(words[1], 10, 16)
	if err != nil || level == 0 {
		return r, fmt.Errorf("%q is no level", words[1])
	}
	r = Release{Name: words[0], Level: uint16(level), Commit: words[2], Date: words[3]}
	if _, err := time.Parse(time.DateOnly, r.Date); err != nil || !namePattern.MatchString(r.Name) || !commitPattern.MatchString(r.Commit) {
		return r, fmt.Errorf("%q is not like v1.2.3, a level, 40 hexadecimal digits and 2006-01-02", line)
	}
	return r, nil
}

// follows returns nil when a release may come next after another one.
func (r *Release) follows(before *Release) error {
	switch {
	case !r.isAfter(before):
		return fmt.Errorf("%s does not come after %s", r.Name, before.Name)
	case r.Level != before.Level && r.Level != before.Level+1:
		return fmt.Errorf("%s is at level %d and %s before it at %d: it is raised by one step at a time", r.Name, r.Level, before.Name, before.Level)
	case r.Commit == before.Commit:
		return fmt.Errorf("%s and %s are one commit", before.Name, r.Name)
	}
	return nil
}

// isAfter compares names as numbers.
func (r *Release) isAfter(before *Release) bool {
	own, other := namePattern.FindStringSubmatch(r.Name), namePattern.FindStringSubmatch(before.Name)
	for i := 1; i < len(own); i++ {
		a, _ := strconv.Atoi(own[i]) // the pattern has digits only
		b, _ := strconv.Atoi(other[i])
		if a != b {
			return a > b
		}
	}
	return false
}
