package scenarios_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated from these tests")

// The table in docs/port-sharing.md is made from the runtimes that are tested.
func TestDocsListEveryTestedRuntime(t *testing.T) {
	wantInDocs(t, "port-sharing.md", "runtimes", runtimeTable())
}

// wantInDocs compares what stands between <!-- name --> and <!-- /name -->.
func wantInDocs(t *testing.T, page, name, want string) {
	t.Helper()
	path := "../../docs/" + page
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, found := strings.Cut(readText(t, path), begin)
	old, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s has no %q … %q", path, begin, end)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != want {
		t.Errorf("%s is behind the tests: run go test ./deploy/scenarios -run Docs -update", path)
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
