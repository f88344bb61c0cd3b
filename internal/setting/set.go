// Package setting declares what a process can be told, each setting once: its name, what
// it says and where its value goes. The flag, the environment variable, the line of the
// configuration file, what is printed and the commented example all follow from that.
//
// A setting is bound to the field of the configuration that uses it; the field's value
// when it is declared is the default, so that packages own their defaults as they own
// their bounds. A flag wins over the environment, that over the file, that over the
// default. JSON is the notation of all values: what it writes for a string, a number or a
// list is TOML too.
//
// Trade-offs: a Set is built for one start and read by one goroutine; a file that is read
// again needs a fresh one. What a package checks it checks under its field's name; Blame
// finds the setting by trying each alone.
package setting

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Set is what one kind of process can be told, in the order of the declarations.
type Set struct {
	Flags *pflag.FlagSet // for the command line

	list     []setting
	tables   []table
	group    string
	others   []string  // settings of other commands, which the environment may have
	path     string    // of the configuration file
	modified time.Time // when it was changed last, before it was read
}

type setting struct {
	group string
	flag  *pflag.Flag
	to    any
	file  bool // the value is the path of a file that Unreadable reads
	// secret says that it is the path of a file that others must not read.
	secret bool
	told   bool // by the file or the environment
}

// table is what only the file can tell.
type table struct {
	name, help string
	to         any
}

// New returns a Set with the flag that names a configuration file.
func New() *Set {
	s := &Set{Flags: pflag.NewFlagSet("", pflag.ContinueOnError)}
	s.Flags.StringVar(&s.path, "config", "", "TOML file with settings by the names of their flags (onsale config print)")
	return s
}

// Group gives a title to the settings that are declared next.
func (s *Set) Group(title string) { s.group = title }

// Add declares a setting whose value goes to what to points at, where its default is. It
// panics for a type that it does not know.
func (s *Set) Add(to any, name, help string) {
	f := s.Flags
	switch p := to.(type) {
	case *string:
		f.StringVar(p, name, *p, help)
	case *[]string:
		f.StringSliceVar(p, name, *p, help)
	case *bool:
		f.BoolVar(p, name, *p, help)
	case *int:
		f.IntVar(p, name, *p, help)
	case *int64:
		f.Int64Var(p, name, *p, help)
	case *uint8:
		f.Uint8Var(p, name, *p, help)
	case *uint64:
		f.Uint64Var(p, name, *p, help)
	case *float64:
		f.Float64Var(p, name, *p, help)
	case *time.Duration:
		f.DurationVar(p, name, *p, help)
	default:
		panic(fmt.Sprintf("setting %s has the type %T", name, to))
	}
	s.list = append(s.list, setting{group: s.group, flag: f.Lookup(name), to: to})
}

// AddFile declares a setting that names a file.
func (s *Set) AddFile(to *string, name, help string) {
	s.Add(to, name, help)
	s.list[len(s.list)-1].file = true
}

// AddSecret declares a setting that names a file with a secret, which who uses it reads.
func (s *Set) AddSecret(to *string, name, help string) {
	s.Add(to, name, help)
	s.list[len(s.list)-1].secret = true
}

// AddKey declares a setting that names a file with a private key.
func (s *Set) AddKey(to *string, name, help string) {
	s.AddFile(to, name, help)
	s.list[len(s.list)-1].secret = true
}

// Secrets returns the paths of the secret files that are named, by the names of their
// settings.
func (s *Set) Secrets() map[string]string {
	paths := map[string]string{}
	for i := range s.list {
		if t := &s.list[i]; t.secret && t.flag.Value.String() != "" {
			paths[t.flag.Name] = t.flag.Value.String()
		}
	}
	return paths
}

// Unreadable returns the named files that cannot be read, by the names of their settings; of
// keys, those that readKey does not read.
func (s *Set) Unreadable(readKey func(path string) ([]byte, error)) map[string]error {
	wrong := map[string]error{}
	for i := range s.list {
		t := &s.list[i]
		path := t.flag.Value.String()
		if !t.file || path == "" {
			continue
		}
		read := os.ReadFile
		if t.secret {
			read = readKey
		}
		if _, err := read(path); err != nil {
			wrong[t.flag.Name] = err
		}
	}
	return wrong
}

// Table declares a table [NAME.KEY] of the file; to points at a map of structs, with the
// names of their fields in JSON. The help is written into the example as it is.
func (s *Set) Table(to any, name, help string) { s.tables = append(s.tables, table{name, help, to}) }

// Path returns the configuration file's; "" when there is none.
func (s *Set) Path() string { return s.path }

// Modified returns when the configuration file that was read had been changed last; zero when
// there is none.
func (s *Set) Modified() time.Time { return s.modified }

// Changed returns the names of the settings that have another value in a Set of the same
// settings.
func (s *Set) Changed(other *Set) (names []string) {
	for i := range s.list {
		f := s.list[i].flag
		if other.find(f.Name).flag.Value.String() != f.Value.String() {
			names = append(names, f.Name)
		}
	}
	return names
}

// find returns the setting of a name; nil when there is none.
func (s *Set) find(name string) *setting {
	for i := range s.list {
		if s.list[i].flag.Name == name {
			return &s.list[i]
		}
	}
	return nil
}

// Told reports whether a flag, the environment or the file has set the value, after Load.
func (s *Set) Told(name string) bool {
	t := s.find(name)
	return t != nil && (t.told || t.flag.Changed)
}

// plain is the value as JSON and TOML have it.
func (t *setting) plain() any {
	switch p := t.to.(type) {
	case *time.Duration:
		return p.String()
	case *[]string:
		return append([]string{}, *p...)
	}
	return t.to
}

// put sets the value that a file or the environment has.
func (t *setting) put(value any) error {
	list, isList := t.flag.Value.(pflag.SliceValue)
	texts, many := value.([]any)
	switch {
	case many && !isList:
		return fmt.Errorf("%s is one value, not a list", t.flag.Name)
	case !isList:
		if err := t.flag.Value.Set(fmt.Sprint(value)); err != nil {
			return fmt.Errorf("%s: %w", t.flag.Name, err)
		}
		return nil
	case !many:
		texts = split(fmt.Sprint(value))
	}
	words := []string{}
	for _, text := range texts {
		words = append(words, fmt.Sprint(text))
	}
	return list.Replace(words)
}

// split is a list as the environment has it.
func split(text string) (words []any) {
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}
