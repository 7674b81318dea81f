//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// tenMistakes is a file with a mistake on each of ten lines, told by a comment.
const tenMistakes = `apps:
  - name: fine
    script: WORKER
    args: [emit, both]
  - name: one
    script: WORKER
    instances: abc # mistake
  - name: two
    script: WORKER
    kill_timeout: soon # mistake
  - name: three
    script: /nonexistent/program # mistake
  - name: four
    script: WORKER
    max_memory_restart: lots # mistake
  - name: five
    script: WORKER
    stop_signal: SIGNOTHING # mistake
  - name: six
    script: WORKER
    exec_mode: spoon # mistake
  - name: seven
    script: WORKER
    autorestart: perhaps # mistake
  - name: eight
    script: WORKER
    depends_on: [nobody] # mistake
  - name: nine
    script: WORKER
    max_restarts: many # mistake
  - name: ten
    script: WORKER
    cwd: /nonexistent/folder # mistake
`

// The issue: ten mistakes, ten messages with positions, exit 2, nothing started.
func TestTenMistakesGiveTenMessagesAndNothingStarts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mistakes.yaml")
	content := strings.ReplaceAll(tenMistakes, "WORKER", workerBinary)
	writeFile(t, path, content, 0o644)
	for name, args := range map[string][]string{"run": {path, "--no-web"}, "check": {"check", path}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, m mode) {
				g := start(t, launch{mode: m, args: args})
				wantCode(t, g, 2)
				text := g.err.all(t) + g.out.all(t)
				if strings.Contains(text, "to stdout") {
					t.Error("a worker was started")
				}
				number := 0
				for line := range strings.Lines(content) {
					number++
					if !strings.Contains(line, "# mistake") {
						continue
					}
					position := fmt.Sprintf("%s:%d:", path, number)
					if n := strings.Count(text, position); n != 1 {
						t.Errorf("%d messages for %s%s", n, position, line)
					}
				}
				if n := len(compile(`mistakes\.yaml:\d+:\d+: `).FindAllString(text, -1)); n != 10 {
					t.Errorf("%d messages with a position, want 10:\n%s", n, text)
				}
			})
		})
	}
}

func TestAnUnknownKeyIsAWarningAndWithStrictAMistake(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "unknown.yaml")
	writeFile(t, path, fmt.Sprintf("apps:\n  - name: a\n    script: %s\n    args: [exit, '0']\n    autorestart: false\n    instnaces: 2\n", workerBinary), 0o644)
	for _, test := range []struct {
		args []string
		code int
	}{
		{[]string{path, "--no-web"}, 0},
		{[]string{"check", path}, 0},
		{[]string{"check", path, "--strict"}, 2},
		{[]string{"check", "--strict", path}, 2},
	} {
		g := start(t, launch{args: test.args})
		wantCode(t, g, test.code)
		text := g.err.all(t) + g.out.all(t)
		if !strings.Contains(text, path+":6:5") || !strings.Contains(text, "instances") {
			t.Errorf("%q does not say where and what was meant:\n%s", test.args, text)
		}
	}
}
