//go:build scenarios

package scenarios_test

import (
	"fmt"
	"strings"
	"testing"
)

// The table in docs/port-sharing.md is made from the runtimes that are tested.
func TestDocsListEveryTestedRuntime(t *testing.T) {
	wantInDocs(t, "port-sharing.md", "runtimes", runtimeTable())
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
