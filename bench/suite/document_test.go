package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"onsale/proof/golden"
)

// example is a run in which everything happens.
func example() *document {
	return &document{
		settings: pairs{{profileKey, "full"}, {"goos", "linux"}, {"goarch", "amd64"}, {"go", "go1.26"}, {"cpu", "AMD EPYC"}, {"cores", "2"},
			{"memory-gib", "23"}, {"kernel", "Linux 6.18"}, {"disk", "/dev/vda"}, {"file-system", "ext4"}},
		facts: pairs{{commitKey, "ac52441"}, {startedKey, "2026-11-24 10:00:00 UTC"}, {finishedKey, "2026-11-24 10:30:00 UTC"},
			{loadBeforeKey, "0.10 0.20 0.30"}, {loadAfterKey, "2.00 1.50 1.00"}},
		steps: []stepRecord{
			{id: "rules", facts: pairs{{secondsKey, "71"}, {commandKey, "go test a: b"}, {commandKey, "go test c"},
				{repeatedKey, "round 2 was measured again: no leader"}},
				figures: []figure{
					{id: "T1.selling", rounds: []round{{measured: 4_149_495}, {measured: 4_071_290}, {measured: 4_257_984}}},
					{id: "T1.allocations.selling", rounds: []round{{}, {}}, detail: "batches of 1,000"},
					{id: "T1.holders.selling", rounds: []round{{200, 100, 2}, {300, 100, 3}, {400, 100, 4}}},
				}},
			{id: "peers", err: "the audit is not clean",
				figures: []figure{{id: "T5.redis-batched.one.selling", rounds: []round{{60, 20, 3}}, err: "the audit is not clean"}, {id: "T4.node.soldout", err: "no Redis"}},
				lines: []mark{
					{"Peer/name=Redis,_fsync_always/phase=selling", []value{{33_400, "requests/s"}, {48.5, "servers-CPU-µs"}}},
					{"Peer/name=Redis,_fsync_always/phase=selling", []value{{30_000, "requests/s"}, {49.5, "servers-CPU-µs"}}},
					{"Latency/name=onsale/phase=selling/rate=500", []value{{0.4, "p50-ms"}, {1.25, "p99-ms"}}},
				}}}}
}

func TestGoldenDocument(t *testing.T) { golden.Compare(t, "document.txt", example().bytes()) }
func TestGoldenMarkdown(t *testing.T) {
	golden.Compare(t, "table.md", []byte(example().markdown(false)))
}
func TestGoldenBrief(t *testing.T) { golden.Compare(t, "brief.md", []byte(example().markdown(true))) }

// Nothing of a document is lost in its file.
func TestDocumentRoundTrip(t *testing.T) {
	d := example()
	path := filepath.Join(t.TempDir(), "result.txt")
	if err := os.WriteFile(path, d.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := readFile(path)
	if err != nil || !reflect.DeepEqual(d, again) {
		t.Errorf("%v; wrote\n%+v\nread\n%+v", err, d, again)
	}
}

func TestDocumentsRefused(t *testing.T) {
	good := string(example().bytes())
	change := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the example has no %s", old)
		}
		return strings.ReplaceAll(good, old, with)
	}
	for name, text := range map[string]string{
		"nothing":                  "",
		"no profile":               change("profile: full", ""),
		"an unknown figure":        change("BenchmarkT1.selling", "BenchmarkT1.buying"),
		"an unknown figure's fact": change("failed: T4.node.soldout", "failed: T4.node.sold"),
		"another unit":             change("1 4149495 1/s", "1 4149495 ns"),
		"figures of no step":       change("# step: ", "# stop: "),
	} {
		if _, err := parse([]byte(text)); !errors.Is(err, errDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The pages have what the newest full run says: nothing in them is typed.
func TestPagesTellTheNewestRun(t *testing.T) {
	d, err := newest("../results")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		page, err := os.ReadFile(filepath.Join("../..", p.path))
		if err != nil {
			t.Fatal(err)
		}
		want, err := insert(string(page), d.markdown(p.brief))
		if err != nil {
			t.Fatal(err)
		}
		if want != string(page) {
			t.Errorf("%s does not tell the newest run: make bench-report", p.path)
		}
	}
}

func TestInsert(t *testing.T) {
	for _, page := range []string{"", tableBegin, tableEnd + tableBegin} {
		if _, err := insert(page, "table"); !errors.Is(err, errNoMarks) {
			t.Errorf("%q: %v", page, err)
		}
	}
	page := "before\n" + tableBegin + "anything\n" + tableEnd + "after\n"
	if got, err := insert(page, "table\n"); err != nil || got != strings.Replace(page, "anything", "table", 1) {
		t.Errorf("%q, %v", got, err)
	}
}

// What a run did not measure is told as that, not left out.
func TestNothingMeasured(t *testing.T) {
	d := &document{settings: pairs{{profileKey, "quick"}}}
	for _, want := range []string{"not measured", "full run only"} {
		if text := d.markdown(false); !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
