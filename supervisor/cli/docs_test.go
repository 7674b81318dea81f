package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gorun/supervisor/status"
)

var update = flag.Bool("update", false, "write the tables of packages and states into docs/architecture.md")

const (
	root         = "../../"
	architecture = root + "docs/architecture.md"
	hacking      = root + "docs/hacking.md"
)

// The floor plan in docs/architecture.md is made from the package comments and the
// imports.
func TestDocsListEveryPackage(t *testing.T) {
	t.Parallel()
	wantSection(t, "packages", packageTable(readCode(t).packages))
}

// packageTable has a row for each package, the highest first.
func packageTable(packages map[string]*codePackage) string {
	var table strings.Builder
	table.WriteString("| package | | on |\n|---|---|---|\n")
	for _, path := range topDown(packages) {
		p := packages[path]
		if p.name == "freeport" {
			continue // of tests
		}
		_, sentence, _ := strings.Cut(p.synopsis, p.name+" ")
		var below []string
		for _, one := range directlyBelow(packages, path) {
			below = append(below, nameInDocs(one))
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", nameInDocs(path), sentence, strings.Join(below, ", "))
	}
	return table.String()
}

// nameInDocs is a package's folder, seen from supervisor/.
func nameInDocs(path string) string {
	if name, found := strings.CutPrefix(path, "supervisor/"); found {
		return name
	}
	switch path {
	case ".":
		return "main.go"
	case "supervisor":
		return path
	}
	return "/" + path
}

// topDown orders packages so that each comes before those that it imports; by name
// where the order is free.
func topDown(packages map[string]*codePackage) []string {
	var order []string
	for len(order) < len(packages) {
		var free []string
		for path := range packages {
			imported := func(other string) bool {
				return !slices.Contains(order, other) && slices.Contains(packages[other].imports, path)
			}
			if !slices.Contains(order, path) && !slices.ContainsFunc(sortedKeys(packages), imported) {
				free = append(free, path)
			}
		}
		order = append(order, slices.Min(free))
	}
	return order
}

// directlyBelow are the imports of a package that no other of its imports reaches.
func directlyBelow(packages map[string]*codePackage, path string) []string {
	var reaches func(from, to string) bool
	reaches = func(from, to string) bool {
		return slices.ContainsFunc(packages[from].imports, func(one string) bool { return one == to || reaches(one, to) })
	}
	return slices.DeleteFunc(slices.Clone(packages[path].imports), func(below string) bool {
		return slices.ContainsFunc(packages[path].imports, func(other string) bool { return reaches(other, below) })
	})
}

// stepCauses is what brings each step of status.Steps.
var stepCauses = map[[2]status.State]string{
	{status.Stopped, status.Launching}:        "start",
	{status.Errored, status.Launching}:        "start, a reload, or another try after `errored_retry`",
	{status.Launching, status.Online}:         "every readiness condition is met",
	{status.Launching, status.Stopping}:       "stop, restart; not ready within `listen_timeout`",
	{status.Launching, status.WaitingRestart}: "exit, or it cannot start: as the policy decides",
	{status.Launching, status.Stopped}:        "exit, or it cannot start: as the policy decides",
	{status.Launching, status.Errored}:        "exit, or it cannot start: as the policy decides",
	{status.Online, status.Stopping}:          "stop, restart; unhealthy, over its memory, watchdog expired",
	{status.Online, status.WaitingRestart}:    "exit: as the policy decides",
	{status.Online, status.Stopped}:           "exit: as the policy decides",
	{status.Online, status.Errored}:           "exit: as the policy decides",
	{status.Stopping, status.Stopped}:         "nothing of it is left, after a stop; or the policy lets it rest",
	{status.Stopping, status.Launching}:       "nothing of it is left, after a restart that somebody asked for",
	{status.Stopping, status.WaitingRestart}:  "nothing of it is left, after a fault of its own: as the policy decides",
	{status.Stopping, status.Errored}:         "nothing of it is left, after a fault of its own: as the policy decides",
	{status.WaitingRestart, status.Launching}: "the delay is over; restart, reload",
	{status.WaitingRestart, status.Stopped}:   "stop",
}

// The table of states in docs/architecture.md is made from status.Steps.
func TestDocsListEveryStep(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| from | to | when |\n|---|---|---|\n")
	steps := 0
	for _, from := range status.States {
		var causes []string
		targets := map[string][]string{}
		for _, to := range status.Transitions[from] {
			cause, found := stepCauses[[2]status.State{from, to}]
			if !found {
				t.Errorf("stepCauses does not say what brings %v → %v", from, to)
			}
			steps++
			if targets[cause] == nil {
				causes = append(causes, cause)
			}
			targets[cause] = append(targets[cause], to.String())
		}
		for _, cause := range causes {
			fmt.Fprintf(&table, "| %s | %s | %s |\n", from, strings.Join(targets[cause], ", "), cause)
		}
	}
	if steps != len(stepCauses) {
		t.Errorf("stepCauses has %d rows, status.Steps %d", len(stepCauses), steps)
	}
	wantSection(t, "steps", table.String())
}

// maxReloadFiles is how many files a reload may go through: more cannot be kept in
// mind.
const maxReloadFiles = 14

// Each file of a walk declares the functions that its row names.
func TestDocsWalkThroughFilesThatDeclareTheirFunctions(t *testing.T) {
	t.Parallel()
	code := readCode(t)
	for _, walk := range []string{"reload", "scrape"} {
		var files []string
		for row := range strings.SplitSeq(walkOf(t, walk), "\n") {
			cells := strings.Split(row, "|")
			if len(cells) < 4 || !strings.Contains(cells[1], "`") {
				continue
			}
			file := inBackticks(cells[1])[0]
			files = append(files, file)
			for _, function := range inBackticks(cells[2]) {
				if !code.files[file][function] {
					t.Errorf("the walk of a %s: %s does not declare %s", walk, file, function)
				}
			}
		}
		t.Logf("a %s goes through %d files", walk, len(files))
		if walk == "reload" && (len(files) == 0 || len(files) > maxReloadFiles) {
			t.Errorf("a reload goes through %d files, want 1 to %d", len(files), maxReloadFiles)
		}
	}
}

// maxPage is how many lines a page for whoever changes gorun may have: more is not read.
const maxPage = 160

// Whatever the pages for whoever changes gorun name is there.
func TestDocsNameWhatExists(t *testing.T) {
	t.Parallel()
	code := readCode(t)
	for _, page := range []string{architecture, hacking} {
		text := readText(t, page)
		if lines := strings.Count(text, "\n"); lines > maxPage {
			t.Errorf("%s has %d lines, want %d at most", page, lines, maxPage)
		}
		names := inBackticks(text)
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
			names = append(names, strings.Split(block[1], "\n")...)
		}
		for _, name := range names {
			if unknown := code.unknown(name); unknown != "" {
				t.Errorf("%s: there is no %s (%s)", page, unknown, name)
			}
		}
	}
}

// The steps of CI in docs/hacking.md are those of .ci/run, in its order.
func TestDocsListEveryStepOfCI(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, match := range regexp.MustCompile(`(?m)^ *step "(.*)"$`).FindAllStringSubmatch(readText(t, root+".ci/run"), -1) {
		want = append(want, match[1])
	}
	for _, match := range regexp.MustCompile(`(?m)^\d+\. \*\*(.*?)\*\*`).FindAllStringSubmatch(readText(t, hacking), -1) {
		got = append(got, match[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has the steps %q, .ci/run %q", hacking, got, want)
	}
}

// A name that has gone is reported.
func TestDocsNoticeWhatHasGone(t *testing.T) {
	t.Parallel()
	code := readCode(t)
	for _, name := range []string{
		"supervisor/nowhere.go", "nowhere.go", "worker.Nothing", "Worker.nothing", "app.App.nothing", "nothingOfThatName",
		"GORUN_TEST_NOTHING", "go test ./supervisor/nowhere", "go test ./supervisor/cli -run 'TestNothing$'", "-noSuchFlag",
	} {
		if code.unknown(name) == "" {
			t.Errorf("%s passes for a name of the code", name)
		}
	}
}

// inBackticks returns what a text has between backticks, blocks left out.
func inBackticks(text string) []string {
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	var names []string
	for _, match := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	return names
}

// walkOf returns the walk of a reload or of a scrape.
func walkOf(t *testing.T, what string) string {
	t.Helper()
	_, text, found := strings.Cut(readText(t, architecture), "\n## The walk of a "+what+"\n")
	if !found {
		t.Fatalf("%s has no walk of a %s", architecture, what)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// section returns what stands between <!-- name --> and <!-- /name -->.
func section(t *testing.T, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(readText(t, architecture), "<!-- "+name+" -->\n")
	text, _, foundEnd := strings.Cut(rest, "<!-- /"+name+" -->\n")
	if !found || !foundEnd {
		t.Fatalf("%s has no section %s", architecture, name)
	}
	return text
}

// updating guards the page while tests in parallel write it.
var updating = make(chan struct{}, 1)

// wantSection compares a section with what it is made from.
func wantSection(t *testing.T, name, want string) {
	t.Helper()
	updating <- struct{}{}
	defer func() { <-updating }()
	old := section(t, name)
	if old == want {
		return
	}
	if !*update {
		t.Errorf("%s is behind the code: run go test ./supervisor/cli -run Docs -update", architecture)
		return
	}
	begin := "<!-- " + name + " -->\n"
	text := strings.Replace(readText(t, architecture), begin+old, begin+want, 1)
	if err := os.WriteFile(architecture, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
