package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/proof/testenv"
)

// pageRow is a metric as docs/metrics.md has it.
type pageRow struct {
	kind, unit, on, meaning, alerts string
	labels                          []string
}

// metricsPage reads the tables of docs/metrics.md, and the alerts that have a heading.
func metricsPage(t *testing.T) (rows map[string]pageRow, alerts []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows = map[string]pageRow{}
	for line := range strings.Lines(string(text)) {
		if name, isAlert := strings.CutPrefix(line, "### "); isAlert {
			alerts = append(alerts, strings.TrimSpace(name))
		}
		if !strings.HasPrefix(line, "| `onsale_") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 7 {
			t.Fatalf("%d cells in %s", len(cells), line)
		}
		row := pageRow{kind: cells[1], unit: cells[3], on: cells[4], meaning: cells[5], alerts: strings.TrimSpace(cells[6])}
		for label := range strings.SplitSeq(cells[2], ", ") {
			if label != "–" {
				row.labels = append(row.labels, strings.Trim(label, "`"))
			}
		}
		name := strings.Trim(strings.TrimSpace(cells[0]), "`")
		if _, twice := rows[name]; twice || row.unit == "" || row.meaning == "" || row.alerts == "" {
			t.Errorf("%s is there twice, or a cell of it is empty", name)
		}
		rows[name] = row
	}
	return rows, alerts
}

// family is a metric as a process serves it.
type family struct {
	kind   string
	labels map[string]bool
}

// scrapeFamilies reads /metrics, but for what every Go program has.
func scrapeFamilies(t *testing.T, c *http.Client, url string) map[string]*family {
	t.Helper()
	answer, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	families, sample := map[string]*family{}, regexp.MustCompile(`^(\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? `)
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		line := lines.Text()
		if words := strings.Fields(line); strings.HasPrefix(line, "# TYPE ") {
			families[words[2]] = &family{words[3], map[string]bool{}}
		}
		parts := sample.FindStringSubmatch(line)
		if parts == nil {
			continue
		}
		of := families[parts[1]+parts[2]]
		if of == nil {
			of = families[parts[1]]
		}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(parts[3], -1) {
			if of.kind != "histogram" || label[1] != "le" {
				of.labels[label[1]] = true
			}
		}
	}
	maps.DeleteFunc(families, func(name string, _ *family) bool {
		return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "promhttp_")
	})
	return families
}

// operatorOf returns an HTTP client with a certificate that certify made.
func operatorOf(t *testing.T, flags []string) *http.Client {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(flags[3], flags[5])
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true}}}
}

// The page has what a node and a front-end serve with everything switched on, and
// nothing else: name, type, labels, and who serves it.
func TestMetricsPage(t *testing.T) {
	testenv.TakesLong(t, "it starts every kind of process")
	t.Parallel()
	dir := t.TempDir()
	command(t, 0, "tls", "ca", "--dir", dir)
	operator := certify(t, dir, "operator", "prometheus")
	node := newNodes(t, 1)[0]
	node.extra = append(certify(t, dir, "node", "n1"), "--payment", "sandbox", "--address-requests-per-second", "1000")
	node.start()
	front := newFrontEnds(t, 1, []*testNode{node})[0]
	front.extra = append(certify(t, dir, "front-end", "f1"), "--address-requests-per-second", "1000")
	front.start()
	c := operatorOf(t, operator)
	testenv.Eventually(t, time.Minute, "a node", func() bool { return get(c, "https://"+node.private+"/readyz") == "ok" })
	command(t, 0, append([]string{"sale", "create", "gig", "--price", "0", "--quantity", "10", "--private", node.private, "--secret-file", node.secretFile}, operator...)...)
	testenv.Eventually(t, time.Minute, "a front-end that sells", func() bool {
		_, err := front.buyer("ann").Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: "k"})
		return err == nil
	})
	testenv.Eventually(t, time.Minute, "the leader has asked its members", func() bool {
		return strings.Contains(get(c, "https://"+node.private+"/metrics"), `onsale_member_healthy{member="n1"} 1`)
	})
	rows, _ := metricsPage(t)
	ofNode, ofFrontEnd := scrapeFamilies(t, c, "https://"+node.private+"/metrics"), scrapeFamilies(t, c, "https://"+front.private+"/metrics")
	for name, row := range rows {
		served := map[string]*family{"node": ofNode[name], "front-end": ofFrontEnd[name]}
		for who, f := range served {
			if wanted := row.on == who || row.on == "both"; wanted != (f != nil) {
				t.Errorf("%s: the page says that it is on %q, a %s serves it: %v", name, row.on, who, f != nil)
			} else if f != nil {
				if who == "front-end" {
					delete(f.labels, "cluster") // the table's name, as the page says once
				}
				if labels := slices.Sorted(maps.Keys(f.labels)); f.kind != row.kind || !slices.Equal(labels, row.labels) {
					t.Errorf("%s of a %s: %s %v, the page has %s %v", name, who, f.kind, labels, row.kind, row.labels)
				}
			}
		}
	}
	for _, families := range []map[string]*family{ofNode, ofFrontEnd} {
		for name := range families {
			if _, known := rows[name]; !known {
				t.Errorf("%s is served and not in docs/metrics.md", name)
			}
		}
	}
	readyLines(t, c, node, "member", "leader", "log", "journal", "applied", "alive", "disk", "stalls", "lineage", "clock", "drain", "tolerance", "payment-provider", "certificate")
	readyLines(t, c, front, "cluster cluster", "drain", "certificate")
	front.stop()
	node.stop()
}

// readyLines holds the answer of /readyz?verbose to its checks, all of them well, as
// they are but for moments of a busy machine.
func readyLines(t *testing.T, c *http.Client, n *testNode, checks ...string) {
	t.Helper()
	want := ""
	for _, name := range checks {
		want += "[+]" + name + " ok\n"
	}
	want += "readyz check passed\n"

	said := ""
	defer func() {
		if said != want {
			t.Logf("readyz says\n%swanted\n%s", said, want)
		}
	}()
	testenv.Eventually(t, time.Minute, "all checks well", func() bool {
		said = get(c, "https://"+n.private+"/readyz?verbose")
		return said == want
	})
}

// get returns an answer's body, or the error's words.
func get(c *http.Client, url string) string {
	answer, err := c.Get(url)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// servesPage holds what a process beside the nodes serves at an address to docs/metrics.md: what is said
// there to be on it, and nothing that the page does not have.
func servesPage(t *testing.T, c *http.Client, at, on string) {
	t.Helper()
	rows, _ := metricsPage(t)
	served := scrapeFamilies(t, c, "http://"+at+"/metrics")
	for name, row := range rows {
		if row.on != on {
			continue
		}
		f := served[name]
		if f == nil {
			t.Errorf("%s is not served", name)
			continue
		}
		if labels := slices.Sorted(maps.Keys(f.labels)); f.kind != row.kind || !slices.Equal(labels, row.labels) {
			t.Errorf("%s: %s %v, the page has %s %v", name, f.kind, labels, row.kind, row.labels)
		}
	}
	for name := range served {
		if _, known := rows[name]; !known {
			t.Errorf("%s is served and not in docs/metrics.md", name)
		}
	}
}
