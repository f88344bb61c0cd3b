package setting

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

type target struct {
	word  string
	words []string
	yes   bool
	count int
	bytes int64
	byte  uint8
	place uint64
	rate  float64
	wait  time.Duration
	table map[string]row
}

type row struct {
	Nodes []string `json:"nodes"`
}

func declared() (*target, *Set) {
	t, s := &target{word: "default", words: []string{"a"}, wait: time.Minute}, New()
	s.Add(&t.word, "a-word", "word")
	s.Add(&t.words, "words", "words")
	s.Add(&t.yes, "yes", "yes")
	s.Add(&t.count, "count", "count")
	s.Add(&t.bytes, "bytes", "bytes")
	s.Add(&t.byte, "byte", "byte")
	s.Add(&t.place, "place", "place")
	s.Add(&t.rate, "rate", "rate")
	s.Add(&t.wait, "wait", "wait")
	s.Table(&t.table, "rows", "# rows\n")
	return t, s
}

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every type comes from the file, and what is written is taken back the same.
func TestEveryTypeThereAndBack(t *testing.T) {
	want := target{"x\n\"y\" <&> ü", []string{"b", "c,d"}, true, -3, 1 << 40, 255, 1 << 62, 0.25, 90 * time.Second, map[string]row{"k e": {[]string{"n"}}}}
	path := written(t, `a-word = "x\n\"y\" <&> ü"
words = ["b", "c,d"]
yes = true
count = -3
bytes = 1_099_511_627_776
byte = 255
place = 4611686018427387904
rate = 0.25
wait = "1m30s"
[rows."k e"]
nodes = ["n"]
`)
	for range 2 {
		got, s := declared()
		if err := s.Load([]string{"ONSALE_CONFIG=" + path}); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*got, want) {
			t.Fatalf("got %+v, want %+v", *got, want)
		}
		var text strings.Builder
		if err := s.Write(&text); err != nil {
			t.Fatal(err)
		}
		path = written(t, text.String())
	}
}

// A flag wins over the environment, that over the file, that over the default; lists do
// not grow from one to the next. A fresh Set has what flags said, and a new file.
func TestPrecedence(t *testing.T) {
	path := written(t, "a-word = \"file\"\nwords = [\"file\"]\ncount = 1\nbytes = 7\n")
	environment := []string{"ONSALE_WORDS=env, env2", "ONSALE_COUNT=2", "ONSALE_A_WORD=env", "HOME=/"}
	got, s := declared()
	if err := s.Flags.Parse([]string{"--config", path, "--words", "flag, flag2", "--a-word", "flag"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(environment); err != nil {
		t.Fatal(err)
	}
	want := target{word: "flag", words: []string{"flag", "flag2"}, count: 2, bytes: 7, wait: time.Minute}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, want %+v", *got, want)
	}

	if err := os.WriteFile(path, []byte("words = [\"file\"]\nbytes = 8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, fresh := declared()
	if err := s.Again(fresh, nil); err != nil {
		t.Fatal(err)
	}
	want.count, want.bytes = 0, 8
	if !reflect.DeepEqual(*again, want) {
		t.Errorf("again %+v, want %+v", *again, want)
	}
}

// All that is wrong in all sources is said at once.
func TestEverythingWrongIsSaid(t *testing.T) {
	path := written(t, "count = \"many\"\nunknown = 1\nwait = [1]\n[rows.a]\nnode = 1\n")
	_, s := declared()
	err := s.Load([]string{"ONSALE_CONFIG=" + path, "ONSALE_RATE=fast", "ONSALE_OTHER=1"})
	for _, words := range []string{"count: ", `unknown setting "unknown"`, "wait is one value", `[rows]: json: unknown field "node"`,
		"environment: rate: ", `environment: unknown setting "other"`, path + ": "} {
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q is not in %v", words, err)
		}
	}
}

// An environment that several commands share may have what is another one's; a file may not.
func TestSettingsOfOthers(t *testing.T) {
	got, s := declared()
	s.Elsewhere("other", "count")
	if err := s.Load([]string{"ONSALE_OTHER=1", "ONSALE_COUNT=5"}); err != nil || got.count != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	_, s = declared()
	s.Elsewhere("other")
	if err := s.Load([]string{"ONSALE_CONFIG=" + written(t, "other = 1\n"), "ONSALE_ANOTHER=1"}); err == nil ||
		!strings.Contains(err.Error(), `unknown setting "other"`) || !strings.Contains(err.Error(), `unknown setting "another"`) {
		t.Error(err)
	}
}

// A file that is changed after it was read, by whatever little, is newer than what was read.
func TestModified(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.toml")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	was := time.Unix(1_700_000_000, 0)
	if err := os.Chtimes(path, was, was); err != nil {
		t.Fatal(err)
	}
	s := New()
	s.path = path
	if err := s.Load(nil); err != nil || !s.Modified().Equal(was) {
		t.Errorf("%v, %v", s.Modified(), err)
	}
	if err := os.Chtimes(path, was, was.Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if ModifiedAt(path).Equal(s.Modified()) {
		t.Error("a change is not seen")
	}
	if !ModifiedAt(path + " of nobody").IsZero() {
		t.Error("a file that is not there was changed")
	}
}
