package setting

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// prefix is that of the environment's variables: ONSALE_DATA_DIR is data-dir.
const prefix = "ONSALE_"

// Load takes what the configuration file and then the environment, in os.Environ's form,
// say of settings that no flag said. It returns all that is wrong: an unknown name, or a
// value that is none.
func (s *Set) Load(environment []string) error {
	told := map[string]any{}
	for _, pair := range environment {
		variable, value, _ := strings.Cut(pair, "=")
		if name, ours := strings.CutPrefix(variable, prefix); ours {
			told[strings.ToLower(strings.ReplaceAll(name, "_", "-"))] = value
		}
	}
	if path, is := told["config"]; is && s.path == "" {
		s.path = path.(string)
	}
	delete(told, "config")
	for _, name := range s.others {
		if s.find(name) == nil {
			delete(told, name)
		}
	}
	s.trim()
	if s.path == "" {
		return s.take("environment", told)
	}
	return errors.Join(s.readFile(), s.take("environment", told))
}

// Elsewhere names settings of other commands: the environment that all of them share may have
// them, the file and the command line of this one may not.
func (s *Set) Elsewhere(names ...string) { s.others = append(s.others, names...) }

// trim takes the white space away that flags have around the words of a list: "a, b".
func (s *Set) trim() {
	for i := range s.list {
		if words, is := s.list[i].to.(*[]string); is {
			for j, word := range *words {
				(*words)[j] = strings.TrimSpace(word)
			}
		}
	}
}

func (s *Set) readFile() error {
	s.modified = ModifiedAt(s.path) // what is changed while it is read is read again
	text, err := os.ReadFile(s.path)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	told := map[string]any{}
	if err := toml.Unmarshal(text, &told); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	var wrong error
	for _, t := range s.tables {
		wrong = errors.Join(wrong, t.take(s.path, told[t.name]))
		delete(told, t.name)
	}
	return errors.Join(wrong, s.take(s.path, told))
}

// ModifiedAt returns when a file was changed; zero when it cannot be looked at.
func ModifiedAt(path string) time.Time {
	if info, err := os.Stat(path); err == nil {
		return info.ModTime()
	}
	return time.Time{}
}

// take sets what a source told, where no flag did.
func (s *Set) take(source string, told map[string]any) (wrong error) {
	for _, name := range slices.Sorted(maps.Keys(told)) {
		t := s.find(name)
		if t == nil {
			wrong = errors.Join(wrong, fmt.Errorf("%s: unknown setting %q", source, name))
			continue
		}
		if t.flag.Changed {
			continue
		}
		if err := t.put(told[name]); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("%s: %w", source, err))
		}
		t.told = true
	}
	return wrong
}

func (t *table) take(source string, told any) error {
	if told == nil {
		return nil
	}
	data, err := json.Marshal(told)
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(t.to)
	}
	if err != nil {
		return fmt.Errorf("%s: [%s]: %w", source, t.name, err)
	}
	return nil
}

// Again brings what flags told to a fresh Set of the same settings, which then loads the
// file and the environment as they are now.
func (s *Set) Again(fresh *Set, environment []string) error {
	fresh.path = s.path
	for i := range s.list {
		if s.list[i].flag.Changed {
			fresh.copy(&s.list[i])
			fresh.find(s.list[i].flag.Name).flag.Changed = true
		}
	}
	return fresh.Load(environment)
}

// copy gives a setting the value that it has in another Set.
func (s *Set) copy(from *setting) {
	var value any = from.flag.Value.String()
	if words, is := from.to.(*[]string); is {
		var list []any
		for _, word := range *words {
			list = append(list, word)
		}
		value = list
	}
	if err := s.find(from.flag.Name).put(value); err != nil {
		panic(fmt.Sprintf("a value of its own is refused: %v", err))
	}
}

// Blame says which settings broke a bound: those that the check does not take when every
// other one has its default. fresh returns a new Set with its check. It returns broken as
// it is when none is wrong alone, or broken is nil.
func (s *Set) Blame(broken error, fresh func() (*Set, func() error)) error {
	if broken == nil {
		return nil
	}
	var wrong error
	for i := range s.list {
		t := &s.list[i]
		if t.flag.Value.String() == t.flag.DefValue {
			continue
		}
		alone, check := fresh()
		alone.copy(t)
		if err := check(); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("--%s: %w", t.flag.Name, err))
		}
	}
	if wrong == nil {
		return broken
	}
	return wrong
}
