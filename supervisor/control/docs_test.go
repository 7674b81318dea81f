package control

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"gorun/supervisor/control/client"
)

var update = flag.Bool("update", false, "write the table of endpoints into docs/control.md")

const docs = "../../docs/control.md"

// The table in docs/control.md is made from the one that the server uses.
func TestDocsListEveryEndpoint(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	const start, end = "<!-- endpoints -->\n", "<!-- /endpoints -->\n"
	before, rest, found := strings.Cut(string(text), start)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s has no %q … %q", docs, start, end)
	}
	want := before + start + endpointTable() + end + after
	if *update {
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("%s is behind the code: run go test ./supervisor/control -run Docs -update", docs)
	}
}

// The keys of /v1/apply have a table of their own.
func TestDocsListEveryKeyOfApply(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	for field := range reflect.TypeFor[client.Revision]().Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !strings.Contains(string(text), "\n| `"+key+"` | ") {
			t.Errorf("%s says nothing about %q", docs, key)
		}
	}
}

func endpointTable() string {
	var table strings.Builder
	table.WriteString("| request | takes | answers | does |\n|---|---|---|---|\n")
	for _, e := range endpoints {
		fmt.Fprintf(&table, "| `%s %s` | %s | %s | %s |\n", e.method, e.path, cmp.Or(e.takes, "nothing"), e.answers, e.summary)
	}
	return table.String()
}
