package metrics

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const docs = "../docs/metrics.md"

// The table in docs/metrics.md is made from what a full snapshot serves.
func TestDocsListEveryFamilyThatIsServed(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	const start, end = "<!-- families -->\n", "<!-- /families -->\n"
	before, rest, found := strings.Cut(string(text), start)
	old, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s has no %q … %q", docs, start, end)
	}
	want := familyTable(t)
	if *update {
		if err := os.WriteFile(docs, []byte(before+start+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != want {
		t.Errorf("%s is behind the code: run go test ./metrics -run Docs -update", docs)
	}
}

func familyTable(t *testing.T) string {
	t.Helper()
	o := options(fake(full))
	o.Workers = workers{says(1)}
	handler := Handler(o)
	families := parse(t, scrape(t, handler, "").Body.Bytes())
	var table strings.Builder
	table.WriteString("| metric | type | labels | description |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !strings.HasPrefix(name, "gorun_") {
			continue
		}
		family := families[name]
		labels := map[string]bool{}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = true
			}
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(family.GetType().String()),
			strings.Join(slices.Sorted(maps.Keys(labels)), ", "), family.GetHelp())
	}
	return table.String()
}
