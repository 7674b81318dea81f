package logs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const workerEnv = "GORUN_TEST_WORKER"

// TestMain makes the test binary its own worker.
func TestMain(m *testing.M) {
	if mode := os.Getenv(workerEnv); mode != "" {
		os.Exit(work(mode))
	}
	code := m.Run()
	if code == 0 && !until(time.Minute, func() bool { return goroutines() == "" }) {
		fmt.Println("goroutines are left:", goroutines())
		code = 1
	}
	os.Exit(code)
}

// until reports whether ok holds before limit is over. A goroutine that has closed
// its channel may still have its last instructions to run.
func until(limit time.Duration, ok func() bool) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !ok(); {
		if now := <-tick.C; now.After(deadline) {
			return false
		}
	}
	return true
}

// cases is what each worker mode writes to stdout.
var cases = map[string][]string{
	"lines3000":    numbered(3000),
	"longline":     {"before", strings.Repeat("x", maxLine-4) + "häß", "after"}, // 4+5 bytes: just 1 MiB and one
	"mebibyte":     {strings.Repeat("y", maxLine), "after"},
	"utf8":         {strings.Repeat("äöü€😀", 40_000), "日本語", "😀"},
	"empty":        {"", "", "a", "", "b", ""},
	"binary":       {"\x00\x01\xff\xfe\x80", "\x1b[31mred\x1b[0m", "a\rb\tc\"d\\e", "\xe2\x82"},
	"json":         {`{"level":30,"msg":"hi"}`, `  {"a":{"b":[1,2]}}`, `{broken`, `[1]`, `{}`},
	"unterminated": {"first", "last without newline"},
	"silent":       nil,
}

func numbered(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("line %d of a worker that exits at once", i)
	}
	return lines
}

func work(mode string) int {
	switch mode {
	case "grandchild":
		return startHolder()
	case "hold": // until nobody reads any more: a test that was killed leaves none
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(os.Stdout.Fd())}}, -1)
	case "flood":
		for line := bytes.Repeat([]byte("flood\n"), 100); ; {
			if _, err := os.Stdout.Write(line); err != nil {
				return 1
			}
			fmt.Fprintln(os.Stderr, "flooding")
		}
	case "bench":
		line := []byte(strings.Repeat("b", 99) + "\n")
		for range 200_000 {
			_, _ = os.Stdout.Write(line)
		}
	case "chunks":
		for _, b := range []byte(strings.Repeat("ä€😀", 100) + "\n") {
			_, _ = os.Stdout.Write([]byte{b})
		}
	case "prompt":
		_, _ = os.Stderr.WriteString("one\ntwo")
	default:
		out := bufio.NewWriterSize(os.Stdout, 1000)
		_, _ = out.WriteString(text(mode))
		_ = out.Flush()
	}
	return 3
}

// text is what mode writes.
func text(mode string) string {
	s := strings.Join(cases[mode], "\n")
	if mode == "silent" || mode == "unterminated" {
		return s
	}
	return s + "\n"
}

// startHolder leaves a grandchild that holds stdout open for ever.
func startHolder() int {
	p, err := os.StartProcess(os.Args[0], os.Args, &os.ProcAttr{
		Env:   []string{workerEnv + "=hold"},
		Files: []*os.File{nil, os.Stdout, os.Stderr},
	})
	if err != nil {
		return 1
	}
	fmt.Printf("%d\nunfinished", p.Pid)
	return 0
}

// start runs the test binary as a worker.
func start(tb testing.TB, c *Capture, mode string) *os.Process {
	tb.Helper()
	stdout, stderr := c.Files()
	p, err := os.StartProcess(os.Args[0], os.Args[:1], &os.ProcAttr{
		Env:   []string{workerEnv + "=" + mode},
		Files: []*os.File{nil, stdout, stderr},
	})
	if err != nil {
		tb.Fatal(err)
	}
	c.Started()
	return p
}

// run runs a worker from its start to the end of its output.
func run(tb testing.TB, w *Worker, mode string) *Capture {
	tb.Helper()
	c := capture(tb, w)
	p := start(tb, c, mode)
	if _, err := p.Wait(); err != nil {
		tb.Fatal(err)
	}
	end(tb, c)
	return c
}

func capture(tb testing.TB, w *Worker) *Capture {
	tb.Helper()
	c, err := w.Capture()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// end closes a capture whose destinations do not stall.
func end(tb testing.TB, c *Capture) {
	tb.Helper()
	if err := c.Close(soon(tb)); err != nil {
		tb.Fatal(err)
	}
}

// soon is a context that is over when something hangs.
func soon(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	tb.Cleanup(cancel)
	return ctx
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// output makes an Output that is closed when the test ends.
func output(tb testing.TB, opt Options) *Output {
	tb.Helper()
	o := New(opt)
	tb.Cleanup(func() {
		if err := o.Close(soon(tb)); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return o
}

// goroutines are the stacks of the package's goroutines that should have ended.
func goroutines() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var left []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "logs.(*") && !strings.Contains(stack, "logs.goroutines") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func eventually(tb testing.TB, ok func() bool) {
	tb.Helper()
	if !until(time.Minute, ok) {
		tb.Fatal("did not happen")
	}
}

// buffer is a writer that can be read at any time, and stalled.
type buffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	stall chan struct{} // nil or closed: writes go on
}

func (b *buffer) Write(p []byte) (int, error) {
	if b.stall != nil {
		<-b.stall
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// messages reads lines back out of a format.
func messages(tb testing.TB, format Format, output string) []string {
	tb.Helper()
	var lines []string
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		switch format {
		case Raw:
		case Tagged:
			line = strings.TrimPrefix(line, "0|api | ")
		case KeyValue:
			_, quoted, _ := strings.Cut(line, " type=out message=")
			line = unquote(tb, quoted)
		case JSON:
			var record struct{ Message json.RawMessage }
			if err := json.Unmarshal([]byte(line), &record); err != nil {
				tb.Fatalf("%.200s: %v", line, err)
			}
			line = string(record.Message)
			if line[0] == '"' {
				line = unquote(tb, line)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func unquote(tb testing.TB, quoted string) string {
	tb.Helper()
	var s string
	if err := json.Unmarshal([]byte(quoted), &s); err != nil {
		tb.Fatalf("%.200s: %v", quoted, err)
	}
	return s
}

// legible is what becomes of a line in a format.
func legible(format Format, line string) string {
	if format == KeyValue || format == JSON {
		line = string([]rune(line))
	}
	if format == JSON && json.Valid([]byte(line)) && strings.HasPrefix(strings.TrimSpace(line), "{") {
		line = strings.TrimSpace(line)
	}
	return line
}

// bare is a stream without a pipe or a goroutine: a test feeds it.
func bare(w *Worker, kind Stream) *stream {
	return &stream{worker: w, destination: w.destination, kind: kind}
}
