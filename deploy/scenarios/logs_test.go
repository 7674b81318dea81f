//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// formats are gorun's output formats; each knows how to read a line back.
var formats = map[string]func(t *testing.T, line string) string{
	"--raw": func(_ *testing.T, line string) string { return line },
	"--formatted": func(t *testing.T, line string) string {
		t.Helper()
		_, message, found := strings.Cut(line, " | ")
		if !found || !strings.HasPrefix(line, "0|job") {
			t.Errorf("not 0|job | …: %q", shorten(line))
		}
		return message
	},
	"--format": func(t *testing.T, line string) string {
		t.Helper()
		match := compile(`^timestamp=\S+ app=job id=0 type=out message=((?s:.*))$`).FindStringSubmatch(line)
		if match == nil {
			t.Errorf("not timestamp=… app=job id=0 type=out message=…: %q", shorten(line))
			return line
		}
		message, err := strconv.Unquote(match[1])
		if err != nil {
			return match[1]
		}
		return message
	},
	"--json": func(t *testing.T, line string) string {
		t.Helper()
		var object struct {
			Message, Timestamp, Type string
			AppName                  string `json:"app_name"`
			ProcessID                int    `json:"process_id"`
		}
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Errorf("%v: %q", err, shorten(line))
		}
		if object.Type != "out" || object.AppName != "job" || object.ProcessID != 0 || object.Timestamp == "" {
			t.Errorf("wrong keys in %q", shorten(line))
		}
		return object.Message
	},
}

// The issue: all arrive, in every format.
func TestEverythingWrittenBeforeTheExitArrives(t *testing.T) {
	t.Parallel()
	for _, emit := range [][]string{{"lines", "3000"}, {"long"}, {"utf8"}, {"empty"}, {"binary"}, {"partial"}} {
		written, err := exec.Command(workerBinary, append([]string{"emit"}, emit...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for format, read := range formats {
			t.Run(emit[0]+" "+format, func(t *testing.T) {
				t.Parallel()
				l := fileLaunch(t, subreaper, job("job", append([]string{"emit"}, emit...)...))
				l.args = append(l.args, format)
				g := start(t, l)
				wantCode(t, g, 0)
				got := g.out.all(t)
				if format == "--raw" && strings.TrimSuffix(got, "\n") != strings.TrimSuffix(string(written), "\n") {
					t.Errorf("the bytes differ: %d arrived of %d", len(got), len(written))
				}
				compareLines(t, got, string(written), format, read)
			})
		}
	}
}

func compareLines(t *testing.T, got, written, format string, read func(*testing.T, string) string) {
	t.Helper()
	var messages []string
	for line := range strings.SplitSeq(strings.TrimSuffix(got, "\n"), "\n") {
		messages = append(messages, read(t, line))
	}
	want := strings.Split(strings.TrimSuffix(written, "\n"), "\n")
	if format == "--json" || format == "--format" {
		// These hold text: bytes that are none are shown as such.
		for i := range want {
			want[i] = string([]rune(want[i]))
		}
	}
	if len(messages) != len(want) {
		t.Fatalf("%d lines arrived of %d", len(messages), len(want))
	}
	for i := range want {
		if messages[i] != want[i] {
			t.Fatalf("line %d: %q, want %q", i, shorten(messages[i]), shorten(want[i]))
		}
	}
}

// The issue: 3000 lines before process.exit().
func TestThreeThousandLinesBeforeProcessExitArrive(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, err.Error())
	}
	script := filepath.Join(t.TempDir(), "lines.js")
	writeFile(t, script, `for (let i = 0; i < 3000; i++) console.log("line " + i + " " + "x".repeat(60)); process.exit(4)`, 0o644)
	inBothModes(t, func(t *testing.T, m mode) {
		for format := range formats {
			l := fileLaunch(t, m, app{"name": "job", "script": script, "autorestart": false, "exec_mode": "fork"})
			l.args = append(l.args, format)
			g := start(t, l)
			wantCode(t, g, 4)
			g.out.all(t)
			if n := g.out.count(`line \d+ x{60}`); n != 3000 {
				t.Errorf("%s: %d lines of 3000 arrived", format, n)
			}
			if !g.out.has("line 2999 ") {
				t.Errorf("%s: the last line is missing", format)
			}
		}
	})
}

func TestStdoutAndStderrStayApart(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, job("job", "emit", "both")))
		wantCode(t, g, 0)
		out, errors := g.out.all(t), g.err.all(t)
		if out != "to stdout\n" {
			t.Errorf("stdout is %q", out)
		}
		if !strings.Contains(errors, "to stderr\n") || strings.Contains(errors, "to stdout") {
			t.Errorf("stderr is %q", errors)
		}
	})
}

func TestALineThatIsAnObjectStaysOneInJSON(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "script.sh")
	writeFile(t, script, "#!/bin/sh\necho '{\"level\":\"info\",\"n\":1}'\necho '[1]'\necho '{broken'\n", 0o755)
	l := fileLaunch(t, subreaper, app{"name": "job", "script": script, "interpreter": "none", "autorestart": false})
	l.args = append(l.args, "--json")
	g := start(t, l)
	wantCode(t, g, 0)
	var messages []any
	for line := range strings.Lines(g.out.all(t)) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		messages = append(messages, object["message"])
	}
	if len(messages) != 3 {
		t.Fatalf("%d lines, want 3: %v", len(messages), messages)
	}
	if object, ok := messages[0].(map[string]any); !ok || object["level"] != "info" {
		t.Errorf("the first message is %#v, want an object", messages[0])
	}
	if messages[1] != "[1]" || messages[2] != "{broken" {
		t.Errorf("the others are %#v, want strings", messages[1:])
	}
}

// Workers that write at the same time do not mix their lines.
func TestLinesOfManyWorkersStayWhole(t *testing.T) {
	t.Parallel()
	g := start(t, fileLaunch(t, subreaper, job("job", "emit", "lines", "2000").with("instances", 4).with("exec_mode", "fork")))
	wantCode(t, g, 0)
	lines := slices.Collect(strings.Lines(g.out.all(t)))
	if len(lines) != 8000 {
		t.Errorf("%d lines, want 8000", len(lines))
	}
	for _, line := range lines {
		if !compile(`^line \d+ x{60}\n$`).MatchString(line) {
			t.Fatalf("a mixed line: %q", line)
		}
	}
}

// A reader of gorun's stdout that stands still slows the workers down and
// leaves supervision alone.
func TestAStalledReaderDoesNotStallSupervision(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		read, write, err := os.Pipe() // nobody reads
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = read.Close() }()
		l := webLaunch(t, m, service("talker", "emit", "lines", "200000"), service("quiet", "sleep"))
		l.stdout = write
		g := start(t, l)
		_ = write.Close()
		g.awaitMetric(t, 1, "gorun_worker_up", `app="quiet"`)
		quiet := running(t, g.marker, "sleep")
		if err := unix.Kill(quiet, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		g.awaitMetric(t, 2, "gorun_worker_starts_total", `app="quiet"`)
		if rss := memory(t, g.pid, "VmRSS"); rss > 64<<20 {
			t.Errorf("gorun's RSS is %d MiB with a stalled reader", rss>>20)
		}
		g.signal(t, unix.SIGTERM)
		if code := g.wait(t); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	})
}
