package script

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorded is the file in testdata that has what a node exported:
// go test -tags scenarios -run AgreesWithNode -update.
const recorded = "node.json"

// recording is what one version of node exported, by the file's path in testdata.
// $ROOT stands for the folder that testdata was copied to.
type recording struct {
	Version string
	Exports map[string]json.RawMessage
}

func TestEvaluateAgreesWithWhatNodeExported(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", recorded))
	if err != nil {
		t.Fatal(err)
	}
	var node recording
	if err := json.Unmarshal(content, &node); err != nil {
		t.Fatal(err)
	}
	root := copyTestdata(t)
	for _, file := range ecosystemFiles(t, root) {
		t.Run(nameOf(root, file), func(t *testing.T) {
			want, found := node.Exports[nameOf(root, file)]
			if !found {
				t.Fatal("nothing is recorded of it")
			}
			wantExport(t, file, node.Version, strings.ReplaceAll(string(want), "$ROOT", root))
		})
	}
}

// ecosystemFiles are the files in a copy of testdata that have an export.
func ecosystemFiles(t *testing.T, root string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "*", "ecosystem.config.*"))
	if err != nil || len(files) < 25 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	return files
}

func nameOf(root, file string) string { return strings.TrimPrefix(file, root+"/") }

// wantExport evaluates a file as in that version of node.
func wantExport(t *testing.T, file, version, want string) {
	t.Helper()
	o := optionsFor(file)
	o.NodeVersion = version
	got, err := Evaluate(t.Context(), o)
	if err != nil {
		t.Fatalf("Evaluate: %v", err)
	}
	if same(t, got.Exports) != same(t, want) {
		t.Errorf("Evaluate = %s\nnode says   %s", got.Exports, want)
	}
}
