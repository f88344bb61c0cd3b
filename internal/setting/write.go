package setting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Names returns the settings' names in the order of their declarations.
func (s *Set) Names() (names []string) {
	for _, t := range s.list {
		names = append(names, t.flag.Name)
	}
	return names
}

// Values returns all that is in force, by name, as JSON has it.
func (s *Set) Values() map[string]any {
	values := map[string]any{}
	for i := range s.list {
		values[s.list[i].flag.Name] = s.list[i].plain()
	}
	for _, t := range s.tables {
		values[t.name] = t.to
	}
	return values
}

// Write writes what is in force as a file that Load takes.
func (s *Set) Write(to io.Writer) error {
	var text bytes.Buffer
	for i := range s.list {
		fmt.Fprintf(&text, "%s = %s\n", s.list[i].flag.Name, notation(s.list[i].plain()))
	}
	for _, t := range s.tables {
		t.write(&text)
	}
	_, err := to.Write(text.Bytes())
	return err
}

func (t *table) write(text *bytes.Buffer) {
	var entries map[string]map[string]json.RawMessage
	if err := json.Unmarshal([]byte(notation(t.to)), &entries); err != nil {
		panic(fmt.Sprintf("[%s] is no table of tables: %v", t.name, err))
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		fmt.Fprintf(text, "\n[%s.%s]\n", t.name, notation(key))
		for _, field := range slices.Sorted(maps.Keys(entries[key])) {
			fmt.Fprintf(text, "%s = %s\n", field, entries[key][field])
		}
	}
}

// WriteExample writes a file with every setting explained, and commented out with its
// default.
func (s *Set) WriteExample(to io.Writer, title string) error {
	var text bytes.Buffer
	comment(&text, title)
	group := ""
	for i := range s.list {
		t := &s.list[i]
		if t.group != group {
			group = t.group
			fmt.Fprintf(&text, "\n## %s\n", group)
		}
		text.WriteString("\n")
		comment(&text, strings.ToUpper(t.flag.Usage[:1])+t.flag.Usage[1:]+".")
		fmt.Fprintf(&text, "#%s = %s\n", t.flag.Name, notation(t.plain()))
	}
	for _, t := range s.tables {
		text.WriteString("\n" + t.help)
	}
	_, err := to.Write(text.Bytes())
	return err
}

// lineCharacters is how long a line of the example's words is at most.
const lineCharacters = 88

func comment(text *bytes.Buffer, words string) {
	line := "#"
	for _, word := range strings.Fields(words) {
		if len(line)+1+len(word) > lineCharacters {
			text.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	text.WriteString(line + "\n")
}

// notation is a value as JSON has it, and TOML.
func notation(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("a setting has no notation: %v", err))
	}
	return strings.TrimSpace(text.String())
}
