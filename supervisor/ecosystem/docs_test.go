package ecosystem

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of keys into docs/ecosystem.md")

const docs = "../../docs/ecosystem.md"

// The tables in docs/ecosystem.md are made from the table that the parser uses.
func TestDocsListEveryKey(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, status := range map[string]Status{"works": Works, "no-effect": NoEffect} {
		want = fill(t, want, name, keyTable(status))
	}
	want = fill(t, want, "options", optionTable())
	if *update {
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("%s is behind the code: run go test ./supervisor/ecosystem -run Docs -update", docs)
	}
}

// fill puts table between the two comments that carry the name.
func fill(t *testing.T, text, name, table string) string {
	t.Helper()
	start, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, found := strings.Cut(text, start)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s has no %q … %q", docs, start, end)
	}
	return before + start + table + end + after
}

func keyTable(status Status) string {
	var table strings.Builder
	if status == Works {
		table.WriteString("| key (aliases) | default | |\n|---|---|---|\n")
	} else {
		table.WriteString("| key (aliases) | |\n|---|---|\n")
	}
	for _, key := range Keys() {
		if key.Status != status {
			continue
		}
		fmt.Fprintf(&table, "| `%s`%s |", key.Name, aliases(key.Aliases))
		if status == Works {
			fmt.Fprintf(&table, " %s |", key.Default)
		}
		fmt.Fprintf(&table, " %s |\n", strings.ReplaceAll(key.Doc, "|", "\\|"))
	}
	return table.String()
}

func aliases(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (`" + strings.Join(names, "`, `") + "`)"
}

func optionTable() string {
	var table strings.Builder
	table.WriteString("| option | |\n|---|---|\n")
	for _, option := range Options() {
		if option.NoEffect {
			continue
		}
		dashes := "--" + option.Flag
		for _, alias := range option.Aliases {
			if len(alias) == 1 {
				dashes = "-" + alias + ", " + dashes
			}
		}
		fmt.Fprintf(&table, "| `%s` | %s |\n", dashes, option.Usage)
	}
	return table.String()
}
