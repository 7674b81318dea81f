package scenarios_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated from these tests")

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
		t.Errorf("%s is behind the tests: run go test -tags scenarios ./deploy/scenarios -run Docs -update", path)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func compile(pattern string) *regexp.Regexp {
	return regexp.MustCompile("(?m)" + pattern)
}
