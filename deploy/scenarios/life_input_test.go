//go:build scenarios

package scenarios_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// L36: a program that lives as long as its standard input lives, and can be written to,
// as another user, too.
func TestL36StandardInputStaysOpen(t *testing.T) {
	s := newSite(t)
	echo := app{"name": "echo", "script": `echo up; while read -r line; do echo "heard $line"; done; echo ended; exit 7`, "cwd": s.dir}
	other := app{"name": "other", "script": `echo up; while read -r line </dev/stdin; do echo "other heard $line"; done; exit 7`, "cwd": s.dir}
	if os.Geteuid() == 0 {
		other = other.with("uid", 65534).with("gid", 65534)
	}
	none := app{"name": "none", "script": `cat; echo no input; exec sleep 1000`, "cwd": s.dir, "stdin": nil}
	g := operate(t, s, echo, other, none)
	g.out.next(t, "no input")
	g.ok(t, "input", "echo", "one line")
	g.out.next(t, "heard one line$")
	g.ok(t, "send", "0", "by number")
	g.out.next(t, "heard by number$")
	g.ok(t, "input", "other", "x")
	g.out.next(t, "other heard x$")
	g.refused(t, []string{"input", "none", "x"}, "standard input")
	if text := g.out.text(); strings.Contains(text, "ended") {
		t.Errorf("a program's input has ended:\n%s", text)
	}
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}

// L36: what does not read is an error for whoever writes, and never in the way.
func TestL36AFullInputIsAnError(t *testing.T) {
	s := newSite(t)
	g := operate(t, s, app{"name": "deaf", "script": "exec sleep 1000", "cwd": s.dir})
	line := strings.Repeat("x", 100_000)
	g.ok(t, "input", "deaf", line) // its end waits
	g.refused(t, []string{"input", "deaf", "more"}, "does not read")
	g.ok(t, "restart", "deaf")
	g.ok(t, "input", "deaf", "more")
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}

// L36: as in esbuild --watch and its kin.
func TestL36NodeWaitsForTheEndOfItsInput(t *testing.T) {
	tool(t, "node")
	s := newSite(t)
	script := filepath.Join(s.dir, "console.js")
	writeFile(t, script, `process.stdin.on('data', d => console.log('heard ' + String(d).trim())).on('end', () => process.exit(7)); console.log('watching');`, 0o644)
	g := operate(t, s, app{"name": "build", "script": script, "instances": 2, "listen_timeout": 100})
	g.out.next(t, "watching")
	g.out.next(t, "watching")
	if out := g.ok(t, "input", "build", "hello"); !strings.Contains(out, "2 workers") {
		t.Errorf("input says %q", out)
	}
	g.out.next(t, "heard hello")
	g.out.next(t, "heard hello")
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}
