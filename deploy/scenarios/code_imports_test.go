package scenarios_test

import (
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the packages from the roof to the ground: each imports only what is
// further down. A package that is not there yet has no imports.
var floors = [][]string{ // never changes
	{"."},
	{"supervisor/cli"},
	{"supervisor/container", "supervisor/control/command"},
	{"supervisor/control/monit", "supervisor/web"},
	{"supervisor/control/screen", "metrics"},
	{"supervisor/control", "metrics/merge"},
	{"supervisor/control/client"},
	{"supervisor"},
	{"supervisor/ecosystem", "supervisor/app"},
	{"supervisor/app/jobs"},
	{"supervisor/app/slots"},
	{"supervisor/ecosystem/script", "supervisor/worker", "supervisor/trigger"},
	{"supervisor/worker/record"},
	{"supervisor/invocation"},
	{"supervisor/invocation/endpoint"},
	{"supervisor/invocation/event", "supervisor/process", "supervisor/sockets/intercept", "supervisor/node", "supervisor/notify"},
	{"supervisor/usage", "signals/reaper", "signals"},
	{"supervisor/spec"},
	{"supervisor/hooks", "supervisor/logs", "supervisor/sockets", "supervisor/restart", "health", "supervisor/status"},
}

// viewers look at the supervisor's status. Neither the loader nor its libraries are
// behind them.
var (
	viewers = []string{"metrics", "supervisor/web", "supervisor/control", "supervisor/control/screen", "supervisor/control/monit", "supervisor/control/client"}
	loaders = []string{"supervisor/ecosystem", "supervisor/ecosystem/script", "github.com/grafana/sobek", "github.com/goccy/go-yaml", "github.com/fsnotify/fsnotify"}
)

// TestCodeImportsPointDown prints the arrows, too: go test -run Code -v.
func TestCodeImportsPointDown(t *testing.T) {
	imports := importsOf(t)
	level := map[string]int{}
	for n, floor := range floors {
		for _, folder := range floor {
			level[folder] = n
		}
	}
	arrows := 0
	for _, from := range slices.Sorted(maps.Keys(imports)) {
		var inside []string
		for to := range imports[from] {
			if imports[to] == nil {
				continue // not of this module
			}
			arrows++
			inside = append(inside, to)
			above, known := level[from]
			if below, alsoKnown := level[to]; known && alsoKnown && below <= above {
				t.Errorf("%s imports %s, which is not below it", from, to)
			}
		}
		slices.Sort(inside)
		t.Logf("%s → %s", from, strings.Join(inside, ", "))
	}
	t.Logf("%d packages, %d arrows", len(imports), arrows)
	for _, viewer := range viewers {
		behind := reachable(imports, viewer)
		links := slices.DeleteFunc(slices.Clone(loaders), func(l string) bool { return !behind[l] })
		if len(links) > 0 {
			t.Errorf("%s links %s", viewer, strings.Join(links, ", "))
		}
	}
}

// importsOf returns what each package that is shipped imports; paths of this module
// are without its name.
func importsOf(t *testing.T) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	eachGoFile(t, func(path string, _ *token.FileSet, file *ast.File) {
		folder := filepath.Dir(path)
		top, _, _ := strings.Cut(folder, "/")
		if strings.HasSuffix(path, "_test.go") || top == "bench" || top == "deploy" {
			return
		}
		if all[folder] == nil {
			all[folder] = map[string]bool{}
		}
		for _, i := range file.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			all[folder][strings.TrimPrefix(name, "gorun/")] = true
		}
	})
	return all
}

// reachable is all that a package links.
func reachable(imports map[string]map[string]bool, from string) map[string]bool {
	seen := map[string]bool{}
	next := []string{from}
	for len(next) > 0 {
		one := next[0]
		next = next[1:]
		for to := range imports[one] {
			if !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
	}
	return seen
}
