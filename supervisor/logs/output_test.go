package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEveryLineArrivesInEveryFormat(t *testing.T) {
	for _, format := range []Format{Raw, Tagged, KeyValue, JSON} {
		for mode, want := range cases {
			t.Run(fmt.Sprintf("%d/%s", format, mode), func(t *testing.T) {
				var out buffer
				o := output(t, Options{Stdout: &out, Stderr: io.Discard, Format: format})
				run(t, o.Worker(Identity{App: "api"}, Config{}), mode)

				if mode == "longline" && format != Raw {
					want = []string{"before", want[1][:maxLine-1], "ß", "after"} // cut before the rune
				}
				var readable []string
				for _, line := range want {
					readable = append(readable, legible(format, line))
				}
				if got := messages(t, format, out.String()); !slices.Equal(got, readable) {
					t.Errorf("%d lines arrived, want %d: %.300q", len(got), len(readable), got)
				}
				if format == Raw && out.String() != text(mode) {
					t.Error("not byte for byte")
				}
			})
		}
	}
}

func TestNodeWritesAllBeforeProcessExit(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("CI needs node")
	}
	if err != nil {
		t.Skip("node is not installed")
	}
	var out buffer
	o := output(t, Options{Stdout: &out, Stderr: io.Discard})
	c := capture(t, o.Worker(Identity{App: "api"}, Config{}))
	stdout, stderr := c.Files()
	p, err := os.StartProcess(node, []string{"node", "-e", `for (let i = 0; i < 3000; i++) console.log("line " + i); process.exit(0)`}, &os.ProcAttr{Files: []*os.File{nil, stdout, stderr}})
	if err != nil {
		t.Fatal(err)
	}
	c.Started()
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	end(t, c)
	if n := strings.Count(out.String(), "\n"); n != 3000 {
		t.Errorf("%d lines arrived, want 3000", n)
	}
}

func TestRunesWrittenByteByByteStayWhole(t *testing.T) {
	var out buffer
	o := output(t, Options{Stdout: &out, Stderr: io.Discard, Format: JSON})
	run(t, o.Worker(Identity{App: "api"}, Config{}), "chunks")
	if got, want := messages(t, JSON, out.String()), []string{strings.Repeat("ä€😀", 100)}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestDrainDoesNotWaitForAGrandchild(t *testing.T) {
	for _, format := range []Format{Raw, Tagged, KeyValue, JSON} {
		var out buffer
		o := output(t, Options{Stdout: &out, Stderr: io.Discard, Format: format})
		c := capture(t, o.Worker(Identity{App: "api"}, Config{}))
		p := start(t, c, "grandchild")
		if _, err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if err := c.Drain(soon(t)); err != nil {
			t.Fatal(err)
		}
		lines := messages(t, format, out.String())
		if len(lines) != 1 {
			t.Fatalf("format %d after Drain: %q", format, lines)
		}
		holder, err := strconv.Atoi(lines[0])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(holder, syscall.SIGKILL) })
		want := []string{lines[0], "unfinished"}
		if got := c.Tail(); !slices.Equal(got, want) {
			t.Errorf("format %d: Tail() = %q", format, got)
		}
		end(t, c)
		if got := messages(t, format, out.String()); !slices.Equal(got, want) {
			t.Errorf("format %d after Close: %q, want %q", format, got, want)
		}
	}
}

func TestDrainEndsWhileAnotherProcessFloods(t *testing.T) {
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	c := capture(t, o.Worker(Identity{App: "api"}, Config{}))
	p := start(t, c, "flood")
	for range 20 {
		if err := c.Drain(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
	_ = p.Kill()
	_, _ = p.Wait()
	end(t, c)
}

func TestWriteEndsBlockAndEndOnExec(t *testing.T) {
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	c := capture(t, o.Worker(Identity{App: "api"}, Config{}))
	stdout, _ := c.Files()
	conn, err := stdout.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Control(func(fd uintptr) {
		flags, _ := unix.FcntlInt(fd, unix.F_GETFL, 0)
		own, _ := unix.FcntlInt(fd, unix.F_GETFD, 0)
		if flags&unix.O_NONBLOCK != 0 || own&unix.FD_CLOEXEC == 0 {
			t.Errorf("flags %#x, descriptor flags %#x", flags, own)
		}
	})
	end(t, c)
}

func TestAStalledStdoutHoldsUpTheWorkerAndNothingElse(t *testing.T) {
	r, w := osPipe(t)
	var errs buffer
	o := New(Options{Stdout: w, Stderr: &errs})
	worker := o.Worker(Identity{App: "api"}, Config{})
	c := capture(t, worker)
	p := start(t, c, "flood")
	last, same := uint64(0), 0
	eventually(t, func() bool { // nothing moves any more: gorun's pipe is full
		n := worker.Counts().Bytes[Stdout]
		if n != last {
			last, same = n, 0
		}
		same++
		return n > 0 && same > 50 && isFull(t, w) && strings.Contains(errs.String(), "flooding")
	})

	slog.New(o.Handler()).Info("still here")
	eventually(t, func() bool { return strings.Contains(errs.String(), "gorun: still here\n") })
	if err := c.Drain(over()); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain = %v", err)
	}
	if err := o.Reopen(soon(t)); err != nil {
		t.Error(err)
	}
	if n := worker.Counts().Bytes[Stdout]; n > 1<<20 {
		t.Errorf("%d bytes were read while nobody took them", n)
	}
	_ = p.Kill()
	_, _ = p.Wait()
	if err := c.Close(over()); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v", err)
	}
	_ = o.Close(over())
	eventually(t, func() bool { return !strings.Contains(goroutines(), "logs.(*stream)") })
	_ = r.Close()
}

// isFull tells whether a write to a pipe would wait.
func isFull(t *testing.T, pipe *os.File) bool {
	t.Helper()
	raw, err := pipe.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ready := 0
	err = raw.Control(func(fd uintptr) {
		ready, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
	})
	return err == nil && ready == 0
}

func TestAStalledStdoutGoesOnWithoutLoss(t *testing.T) {
	for format, want := range map[Format]int{Raw: 3, Tagged: 4, KeyValue: 4, JSON: 4} { // all but Raw cut the long line
		r, w := osPipe(t)
		o := output(t, Options{Stdout: w, Stderr: io.Discard, Format: format})
		c := capture(t, o.Worker(Identity{App: "api"}, Config{}))
		p := start(t, c, "longline")
		_ = c.Drain(over()) // a request that nobody waits for
		all := make(chan string)
		go func() {
			text, _ := io.ReadAll(r)
			all <- string(text)
		}()
		if _, err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		end(t, c)
		if err := o.Close(soon(t)); err != nil {
			t.Error(err)
		}
		_ = w.Close()
		if got := len(messages(t, format, <-all)); got != want {
			t.Errorf("format %d: %d lines, want %d", format, got, want)
		}
	}
}

func TestAReaderThatHasGoneDoesNotEndGorun(t *testing.T) {
	r, w := osPipe(t)
	_ = r.Close()
	var errs buffer
	o := output(t, Options{Stdout: w, Stderr: &errs})
	worker := o.Worker(Identity{App: "api"}, Config{})
	run(t, worker, "lines3000")
	if n := worker.Counts().Lines[Stdout]; n != 3000 {
		t.Errorf("%d lines counted", n)
	}
	eventually(t, func() bool { return strings.Count(errs.String(), "cannot write to stdout") == 1 })
}

func TestLinesOfWorkersNeverMix(t *testing.T) {
	var out buffer
	o := output(t, Options{Stdout: &out, Stderr: &out})
	done := make(chan struct{})
	for i := range 4 {
		go func() {
			run(t, o.Worker(Identity{App: "api", ID: i}, Config{}), "lines3000")
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	counts := map[string]int{}
	for line := range strings.Lines(out.String()) {
		counts[strings.TrimSuffix(line, "\n")]++
	}
	for _, line := range cases["lines3000"] {
		if counts[line] != 4 {
			t.Fatalf("%q arrived %d times", line, counts[line])
		}
	}
	if len(counts) != 3000 {
		t.Errorf("%d different lines", len(counts))
	}
}

func TestAnUnfinishedLineIsFinishedWhenAnotherFollows(t *testing.T) {
	var out buffer
	o := output(t, Options{Stdout: &out, Stderr: io.Discard})
	w := o.Worker(Identity{App: "api"}, Config{})
	run(t, w, "unterminated")
	run(t, w, "unterminated")
	const once = "first\nlast without newline"
	if want := once + "\n" + once; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestStdoutAndStderrOfOneFileShareAWriter(t *testing.T) {
	_, w := osPipe(t)
	o := output(t, Options{Stdout: w, Stderr: w})
	if o.writers[Stdout] != o.writers[Stderr] {
		t.Error("two writers of one pipe")
	}
}

func TestTailIsTheEndOfStderr(t *testing.T) {
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	w := o.Worker(Identity{App: "api"}, Config{})
	if got := run(t, w, "prompt").Tail(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("stderr: %q", got)
	}
	if got, want := run(t, w, "lines3000").Tail(), cases["lines3000"][2990:]; !slices.Equal(got, want) {
		t.Errorf("stdout: %q", got)
	}
	got := run(t, w, "mebibyte").Tail()
	if len(got) != 2 || len(strings.Join(got, "\n")) > tailBytes || !strings.HasPrefix(got[0], "…y") {
		t.Errorf("long line: %.100q", got)
	}
	c := w.Counts()
	if c.Lines != [2]uint64{3002, 2} {
		t.Errorf("Counts() = %v", c)
	}
}

func TestAnIdleWorkerKeepsNoBuffer(t *testing.T) {
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard})
	c := capture(t, o.Worker(Identity{App: "api"}, Config{}))
	stdout, _ := c.Files()
	_, _ = stdout.WriteString("hello\n")
	if err := c.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	_, _ = stdout.Write(bytes.Repeat([]byte("z"), 60_000))
	end(t, c)
	if c.streams[Stdout].buf != nil || c.streams[Stderr].buf != nil {
		t.Error("buffers are kept")
	}
}

func TestTaggedIsPaddedColouredAndDated(t *testing.T) {
	var out buffer
	now := func() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC) }
	o := output(t, Options{Stdout: &out, Stderr: io.Discard, Format: Tagged, Color: true, Now: now})
	api := o.Worker(Identity{App: "api"}, Config{DateFormat: "HH:mm"})
	o.Worker(Identity{App: "worker", ID: 1}, Config{})
	run(t, api, "unterminated")
	const tag = "\x1b[36m0|api    | \x1b[0m04:05: "
	if want := tag + "first\n" + tag + "last without newline\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestRecordsLookAsPromised(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC) }
	tests := []struct {
		name   string
		format Format
		config Config
		want   string
	}{
		{"keys", KeyValue, Config{}, "timestamp=2026-02-03T04:05:06.007Z app=\"my api\" id=2 type=err message=\"one\"\n"},
		{"keys, dated", KeyValue, Config{DateFormat: "YYYY-MM-DD HH:mm"}, "timestamp=\"2026-02-03 04:05\" app=\"my api\" id=2 type=err message=\"one\"\n"},
		{"json", JSON, Config{}, `{"message":"one","timestamp":"2026-02-03T04:05:06.007Z","type":"err","process_id":2,"app_name":"my api"}` + "\n"},
		{"json, dated", JSON, Config{DateFormat: "X"}, `{"message":"one","timestamp":"1770091506","type":"err","process_id":2,"app_name":"my api"}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var errs buffer
			o := output(t, Options{Stdout: io.Discard, Stderr: &errs, Format: tt.format, Now: now})
			run(t, o.Worker(Identity{App: "my api", ID: 2}, tt.config), "prompt")
			if got, _, _ := strings.Cut(errs.String(), "\n"); got+"\n" != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func osPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}
