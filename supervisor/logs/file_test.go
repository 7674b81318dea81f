package logs

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFilesGetWhatTheyAreConfiguredFor(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC) }
	tests := []struct {
		name   string
		config Config // paths relative to a folder of the test
		want   map[string]string
	}{
		{"none", Config{}, nil},
		{"per instance", Config{ErrorFile: "sub/err.log", File: "all"}, map[string]string{"sub/err-4.log": "one\ntwo", "all-4": "one\ntwo"}},
		{"merged", Config{ErrorFile: "err.log", Merge: true}, map[string]string{"err.log": "one\ntwo"}},
		{"same twice", Config{ErrorFile: "a.log", File: "a.log", Merge: true}, map[string]string{"a.log": "one\ntwo"}},
		{"dated", Config{File: "a.log", Merge: true, DateFormat: "YYYY"}, map[string]string{"a.log": "2026: one\n2026: two\n"}},
		{"disabled", Config{File: "a.log", Disabled: true}, nil},
		{"stdout only", Config{OutFile: "o.log", Merge: true}, map[string]string{"o.log": ""}},
		{"json", Config{File: "a.log", Merge: true, JSONFiles: true}, map[string]string{
			"a.log": `{"message":"one","timestamp":"2026-02-03T04:05:06.007Z","type":"err","process_id":9,"app_name":"api"}` + "\n" +
				`{"message":"two","timestamp":"2026-02-03T04:05:06.007Z","type":"err","process_id":9,"app_name":"api"}` + "\n",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, path := range []*string{&tt.config.OutFile, &tt.config.ErrorFile, &tt.config.File} {
				if *path != "" {
					*path = filepath.Join(dir, *path)
				}
			}
			o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard, Format: JSON, Now: now})
			w := o.Worker(Identity{App: "api", Instance: 4, ID: 9}, tt.config)
			run(t, w, "prompt")
			w.Close()
			if err := o.Close(soon(t)); err != nil { // files are opened in the background
				t.Error(err)
			}
			for name, want := range tt.want {
				if got := read(t, filepath.Join(dir, name)); got != want {
					t.Errorf("%s holds %q, want %q", name, got, want)
				}
			}
			if tt.want == nil && len(list(t, dir)) > 0 {
				t.Errorf("there are files: %v", list(t, dir))
			}
		})
	}
}

func TestOwnOutputIsNotWrittenTwice(t *testing.T) {
	actual := filepath.Join(t.TempDir(), "stdout")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(actual, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, actual, "/dev/stdout", "/dev/null", "NULL", "/app/NULL"} {
		stdout, err := os.Create(actual)
		if err != nil {
			t.Fatal(err)
		}
		o := output(t, Options{Stdout: stdout, Stderr: io.Discard})
		w := o.Worker(Identity{App: "api"}, Config{OutFile: path, Merge: true})
		run(t, w, "lines3000")
		if err := o.Reopen(soon(t)); err != nil {
			t.Error(err)
		}
		run(t, w, "empty")
		if got := read(t, actual); got != text("lines3000")+text("empty") {
			t.Errorf("out_file %s: stdout has %d bytes", path, len(got))
		}
		_ = stdout.Close()
	}
}

func TestWorkersShareAFileByItsPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	done := make(chan struct{})
	for i := range 3 {
		go func() {
			run(t, o.Worker(Identity{App: "api", Instance: i}, Config{File: path, Merge: true}), "lines3000")
			done <- struct{}{}
		}()
	}
	for range 3 {
		<-done
	}
	if n := len(o.files.files); n != 1 {
		t.Errorf("%d files are open", n)
	}
	counts := map[string]int{}
	for line := range strings.Lines(read(t, path)) {
		counts[line]++
	}
	if len(counts) != 3000 || counts[cases["lines3000"][7]+"\n"] != 3 {
		t.Errorf("%d different lines", len(counts))
	}
}

func TestRotationKeepsLinesWholeAndFilesFew(t *testing.T) {
	dir := t.TempDir()
	o := New(Options{Stdout: io.Discard, Stderr: io.Discard})
	w := o.Worker(Identity{App: "api"}, Config{OutFile: filepath.Join(dir, "a.log"), Merge: true, Rotation: Rotation{MaxSize: 1000, Retain: 1000, Compress: true}})
	run(t, w, "lines3000")
	eventually(t, func() bool { // all but the current one
		plain := 0
		for _, name := range list(t, dir) {
			if !strings.HasSuffix(name, gzipped) {
				plain++
			}
		}
		return plain == 1
	})
	if err := o.Close(soon(t)); err != nil {
		t.Error(err)
	}
	names := list(t, dir)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(order(a), order(b)) })
	all := ""
	for _, name := range names {
		part := read(t, filepath.Join(dir, name))
		if len(part) > 1000 || !strings.HasSuffix(part, "\n") {
			t.Errorf("%s: %d bytes, ends with %q", name, len(part), part[len(part)-5:])
		}
		all += part
	}
	if all != text("lines3000") {
		t.Errorf("%d files hold %d bytes, want %d", len(names), len(all), len(text("lines3000")))
	}
}

func TestRetainRemovesTheOldest(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "a__mine.log")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	w := o.Worker(Identity{App: "api"}, Config{OutFile: filepath.Join(dir, "a.log"), Merge: true, Rotation: Rotation{MaxSize: 10, Retain: 2}})
	run(t, w, "lines3000") // each line is longer than a file may be
	eventually(t, func() bool { return len(list(t, dir)) == 4 })
	var last []string
	for _, name := range list(t, dir) {
		if filepath.Join(dir, name) != mine {
			last = append(last, strings.TrimSuffix(read(t, filepath.Join(dir, name)), "\n"))
		}
	}
	slices.Sort(last)
	if want := cases["lines3000"][2997:]; !slices.Equal(last, want) {
		t.Errorf("kept %q", last)
	}
}

func TestReopenFollowsAFileThatWasMovedAway(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	w := o.Worker(Identity{App: "api"}, Config{OutFile: path, Merge: true})
	run(t, w, "lines3000")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := o.Reopen(soon(t)); err != nil {
		t.Fatal(err)
	}
	run(t, w, "empty")
	if got := read(t, path); got != text("empty") {
		t.Errorf("new file: %q", got)
	}
	if got := read(t, path+".1"); got != text("lines3000") {
		t.Errorf("old file: %d bytes", len(got))
	}
}

func TestATruncatedFileGoesOnAtItsStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	w := o.Worker(Identity{App: "api"}, Config{OutFile: path, Merge: true, Rotation: Rotation{MaxSize: 1 << 20, Retain: 1}})
	run(t, w, "lines3000")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	run(t, w, "empty")
	if got := read(t, path); got != text("empty") {
		t.Errorf("%d bytes", len(got))
	}
}

func TestAFileThatFailsIsWarnedAboutOnceAndStdoutGoesOn(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/full", "/proc/version/a.log", "/proc/version", t.TempDir(), pipe} {
		t.Run(path, func(t *testing.T) {
			var out, errs buffer
			o := output(t, Options{Stdout: &out, Stderr: &errs})
			w := o.Worker(Identity{App: "api"}, Config{OutFile: path, Merge: true})
			run(t, w, "lines3000")
			run(t, w, "lines3000")
			if got := out.String(); got != text("lines3000")+text("lines3000") {
				t.Errorf("stdout: %d bytes", len(got))
			}
			if err := o.Close(soon(t)); err != nil {
				t.Error(err)
			}
			if n := strings.Count(errs.String(), "cannot write log file"); n != 1 {
				t.Errorf("%d warnings: %s", n, errs.String())
			}
		})
	}
}

func TestAFileThatCannotBeRotatedGrowsAndSaysSoOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 250)) // too long with a time
	var errs buffer
	o := output(t, Options{Stdout: io.Discard, Stderr: &errs})
	w := o.Worker(Identity{App: "api"}, Config{OutFile: path, Merge: true, Rotation: Rotation{MaxSize: 1000}})
	run(t, w, "lines3000")
	run(t, w, "lines3000")
	if got := read(t, path); got != text("lines3000")+text("lines3000") {
		t.Errorf("%d bytes", len(got))
	}
	if err := o.Close(soon(t)); err != nil {
		t.Error(err)
	}
	if n := strings.Count(errs.String(), "gorun:"); n != 1 {
		t.Errorf("%d messages: %s", n, errs.String())
	}
}

func TestAFileThatFailedIsTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "late")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // in the way
		t.Fatal(err)
	}
	var errs buffer
	clock := time.Unix(1e9, 0)
	o := output(t, Options{Stdout: io.Discard, Stderr: &errs, Now: func() time.Time { return clock }})
	w := o.Worker(Identity{App: "api"}, Config{OutFile: filepath.Join(dir, "a.log"), Merge: true})
	run(t, w, "empty")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(time.Minute)
	run(t, w, "empty")
	if got := read(t, filepath.Join(dir, "a.log")); got != text("empty") {
		t.Errorf("got %q", got)
	}
	eventually(t, func() bool { return strings.Contains(errs.String(), "log file can be written again") })
}

// order sorts the rotated files by time, and the current one last.
func order(name string) string {
	if !strings.Contains(name, rotatedMark) {
		return "~"
	}
	return strings.TrimSuffix(name, gzipped)
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, gzipped) {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestANewConfigIsForTheCapturesToCome(t *testing.T) {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.log"), filepath.Join(dir, "after.log")
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	w := o.Worker(Identity{App: "api"}, Config{OutFile: before, Merge: true})
	old, err := w.Capture()
	if err != nil {
		t.Fatal(err)
	}
	w.Reconfigure(Config{OutFile: after, Merge: true})
	next, err := w.Capture()
	if err != nil {
		t.Fatal(err)
	}
	for c, line := range map[*Capture]string{old: "old\n", next: "next\n"} {
		stdout, _ := c.Files()
		if _, err := stdout.WriteString(line); err != nil {
			t.Error(err)
		}
		if err := c.Close(soon(t)); err != nil {
			t.Error(err)
		}
	}
	for path, want := range map[string]string{before: "old\n", after: "next\n"} {
		if got, err := os.ReadFile(path); string(got) != want {
			t.Errorf("%s: %q (%v), want %q", path, got, err, want)
		}
	}
	if w.Close(); len(o.files.files) > 0 {
		t.Errorf("%d files are still open", len(o.files.files))
	}
}
