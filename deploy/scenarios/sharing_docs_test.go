package scenarios_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated from these tests")

const sharingDocs = "../../docs/port-sharing.md"

// The table in docs/port-sharing.md is made from the runtimes that are tested.
func TestDocsListEveryTestedRuntime(t *testing.T) {
	const begin, end = "<!-- runtimes -->\n", "<!-- /runtimes -->\n"
	text := readText(t, sharingDocs)
	before, rest, found := strings.Cut(text, begin)
	old, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s has no %q … %q", sharingDocs, begin, end)
	}
	want := runtimeTable()
	if *update {
		if err := os.WriteFile(sharingDocs, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != want {
		t.Errorf("%s is behind the tests: run go test ./deploy/scenarios -run Docs -update", sharingDocs)
	}
}

func runtimeTable() string {
	var table strings.Builder
	table.WriteString("| runtime | started as | `sharing` | in a hardened container too |\n|---|---|---|---|\n")
	for _, r := range runtimes {
		box := ""
		if r.box != nil {
			box = "yes"
		}
		fmt.Fprintf(&table, "| %s | `%s` | `%s` | %s |\n", r.name, r.command, r.sharing, box)
	}
	return table.String()
}
