package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// usedMetrics returns the metrics of this project that a PromQL expression names, a
// histogram by its own name.
func usedMetrics(rows map[string]pageRow, expression string) (names []string) {
	for _, name := range regexp.MustCompile(`\bonsale_\w+`).FindAllString(expression, -1) {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if base, cut := strings.CutSuffix(name, part); cut && rows[base].kind == "histogram" {
				name = base
			}
		}
		names = append(names, name)
	}
	return names
}

type ruleFile struct {
	Groups []struct {
		Rules []struct {
			Alert, Expr         string
			Labels, Annotations map[string]string
		}
	}
}

type ruleTests struct {
	Tests []struct {
		Rules []struct {
			Name   string           `yaml:"alertname"`
			Alerts []map[string]any `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Every alert is about metrics that exist, has a severity, a summary, a place in
// docs/metrics.md that its metrics' rows lead to, and a test in which it fires.
// promtool runs those tests (make rules).
func TestAlertRules(t *testing.T) {
	rows, headings := metricsPage(t)
	var rules ruleFile
	var tests ruleTests
	readYAML(t, "../../deploy/prometheus/onsale.rules.yml", &rules)
	readYAML(t, "../../deploy/prometheus/onsale.rules.test.yml", &tests)
	fires := map[string]bool{}
	for _, test := range tests.Tests {
		for _, rule := range test.Rules {
			fires[rule.Name] = fires[rule.Name] || len(rule.Alerts) > 0
		}
	}
	var names []string
	linked := map[string][]string{}
	for _, group := range rules.Groups {
		for _, r := range group.Rules {
			names = append(names, r.Alert)
			if anchor := "docs/metrics.md#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != anchor || r.Annotations["summary"] == "" {
				t.Errorf("%s: annotations %v", r.Alert, r.Annotations)
			}
			if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
				t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
			}
			if !fires[r.Alert] {
				t.Errorf("%s fires in no test", r.Alert)
			}
			for _, name := range usedMetrics(rows, r.Expr) {
				if _, known := rows[name]; !known {
					t.Errorf("%s: %s is not in docs/metrics.md", r.Alert, name)
				}
				if link := "[" + r.Alert + "](#" + strings.ToLower(r.Alert) + ")"; !slices.Contains(linked[name], link) {
					linked[name] = append(linked[name], link)
				}
			}
		}
	}
	if len(names) < 30 || !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(headings))) {
		t.Errorf("alerts %v, headings %v", names, headings)
	}
	for name, row := range rows {
		if want := strings.Join(linked[name], ", "); row.alerts != want && (want != "" || row.alerts != "–") {
			t.Errorf("%s: the page links %s, the rules use it in %s", name, row.alerts, want)
		}
	}
}

type dashboard struct {
	Title         string
	UID           string `json:"uid"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []struct{ Name, Type string }
	}
	Panels []struct {
		ID          int `json:"id"`
		Type, Title string
		GridPos     struct{ H, W, X, Y int }
		FieldConfig struct {
			Defaults struct{ Unit string }
		}
		Targets []struct{ Expr, LegendFormat string }
	}
}

// Every panel has a title, a unit, a place of its own and expressions of metrics that
// exist, with variables that the dashboard has.
func TestDashboard(t *testing.T) {
	rows, _ := metricsPage(t)
	text, err := os.ReadFile("../../deploy/grafana/onsale.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.Title == "" || d.UID == "" || d.SchemaVersion < 38 { // Grafana 10
		t.Errorf("dashboard %q, uid %q, schema %d", d.Title, d.UID, d.SchemaVersion)
	}
	variables := []string{"$__rate_interval"}
	for _, v := range d.Templating.List {
		variables = append(variables, "$"+v.Name)
	}
	ids, taken, rowTitles := map[int]bool{}, map[[2]int]string{}, []string{}
	for _, p := range d.Panels {
		if p.Title == "" || ids[p.ID] {
			t.Errorf("panel %d %q: no title, or its id is taken", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies over %q, or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			rowTitles = append(rowTitles, p.Title)
			continue
		}
		if p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q has no unit or no expression", p.Title)
		}
		for _, target := range p.Targets {
			if target.LegendFormat == "" {
				t.Errorf("panel %q: no legend for %s", p.Title, target.Expr)
			}
			names := usedMetrics(rows, target.Expr)
			if len(names) == 0 && !regexp.MustCompile(`\b(go|process)_\w+`).MatchString(target.Expr) {
				t.Errorf("panel %q has no metric in %s", p.Title, target.Expr)
			}
			for _, name := range names {
				if _, known := rows[name]; !known {
					t.Errorf("panel %q: %s is not in docs/metrics.md", p.Title, name)
				}
			}
			for _, variable := range regexp.MustCompile(`\$\w+`).FindAllString(target.Expr, -1) {
				if !slices.Contains(variables, variable) {
					t.Errorf("panel %q: no variable %s", p.Title, variable)
				}
			}
		}
	}
	if want := []string{"The sale", "The pipeline, on the leader", "The cluster", "Doors", "Payments", "Streams", "Machine"}; !slices.Equal(rowTitles, want) {
		t.Errorf("rows %v", rowTitles)
	}
}
