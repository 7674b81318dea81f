package scenarios_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const (
	rulesFile     = "../prometheus/rules.yml"
	dashboardFile = "../grafana/gorun.json"
)

// An alert that no test has fire may never do.
func TestEveryAlertIsTested(t *testing.T) {
	tests := readText(t, "../prometheus/rules_test.yml")
	alerts := compile(`- alert: (\w+)$`).FindAllStringSubmatch(readText(t, rulesFile), -1)
	if len(alerts) < 10 {
		t.Errorf("%d alerts", len(alerts))
	}
	for _, alert := range alerts {
		for _, end := range []string{" fires\n", " does not fire\n"} {
			if !strings.Contains(tests, "- name: "+alert[1]+end) {
				t.Errorf("there is no test %q", alert[1]+end)
			}
		}
	}
}

// What rules and dashboard ask for must be what gorun serves.
func TestRulesAndDashboardKnowGorunsMetrics(t *testing.T) {
	known := map[string]bool{}
	for _, row := range compile("^\\| `(gorun_\\w+)` \\| (\\w+) ").FindAllStringSubmatch(readText(t, "../../docs/metrics.md"), -1) {
		known[row[1]] = true
		if row[2] == "histogram" {
			known[row[1]+"_bucket"], known[row[1]+"_sum"], known[row[1]+"_count"] = true, true, true
		}
	}
	recorded := compile(`- record: (\S+)$`).FindAllStringSubmatch(readText(t, rulesFile), -1)
	// The colons keep the names of recording rules from being taken for gorun's.
	name := compile(`(?:^|[^:\w])(gorun_\w+)`)
	for _, file := range []string{rulesFile, "../prometheus/rules_test.yml", dashboardFile} {
		text := readText(t, file)
		for _, rule := range recorded {
			text = strings.ReplaceAll(text, rule[1], "")
		}
		found := name.FindAllStringSubmatch(text, -1)
		for _, match := range found {
			if !known[match[1]] {
				t.Errorf("%s: %s is not in docs/metrics.md", file, match[1])
			}
		}
		if len(found) < 10 {
			t.Errorf("%s names %d metrics", file, len(found))
		}
	}
}

// panel is one of the dashboard's.
type panel struct {
	Title, Type, Description string
	Targets                  []struct{ Expr string }
	Datasource               struct{ UID string }
}

// dashboard returns the panels of the dashboard and the names of its variables.
func dashboard(t *testing.T) (panels []panel, variables []string) {
	t.Helper()
	var d struct {
		SchemaVersion int
		Panels        []panel
		Templating    struct{ List []struct{ Name, Type string } }
	}
	if err := json.Unmarshal([]byte(readText(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	if d.SchemaVersion < 39 {
		t.Errorf("its schemaVersion is %d", d.SchemaVersion)
	}
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
	}
	return d.Panels, variables
}

func TestTheDashboardIsWhole(t *testing.T) {
	panels, variables := dashboard(t)
	for _, want := range []string{"datasource", "instance", "app", "worker"} {
		if !slices.Contains(variables, want) {
			t.Errorf("there is no variable %s among %q", want, variables)
		}
	}
	for _, p := range panels {
		switch {
		case p.Type == "row":
		case len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" || p.Description == "":
			t.Errorf("panel %q has %d targets, the data source %q and the description %q", p.Title, len(p.Targets), p.Datasource.UID, p.Description)
		}
	}
}
