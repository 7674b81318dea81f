package logs

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestHistoryIsInOrderOverWorkers(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.Local)
	o := output(t, Options{Stdout: io.Discard, Stderr: io.Discard, Now: func() time.Time { return now }})
	a, b := o.Worker(Identity{App: "a"}, Config{}), o.Worker(Identity{App: "b", ID: 1}, Config{})
	say(a, Stdout, "1\n")
	say(b, Stderr, "2\n\n")
	say(a, Stderr, "4\n")
	say(b, Stdout, "5\xff")

	want := []Line{
		{2, now, Identity{App: "b", ID: 1}, Stderr, "2"},
		{3, now, Identity{App: "b", ID: 1}, Stderr, ""},
		{4, now, Identity{App: "a"}, Stderr, "4"},
		{5, now, Identity{App: "b", ID: 1}, Stdout, "5\xff"},
	}
	if got := o.History(Filter{}, 4); !slices.Equal(got, want) {
		t.Errorf("History = %v, want %v", got, want)
	}
}

func TestHistoryGivesWhatTheFilterWants(t *testing.T) {
	o := quiet(t)
	for _, app := range []string{"a", "b"} {
		w := o.Worker(Identity{App: app}, Config{})
		say(w, Stdout, app+" out 1\n"+app+" out 2\n")
		say(w, Stderr, app+" err\n")
	}
	isA := func(id Identity) bool { return id.App == "a" }
	tests := []struct {
		name   string
		filter Filter
		n      int
		want   []string
	}{
		{"all", Filter{}, 100, []string{"a out 1", "a out 2", "a err", "b out 1", "b out 2", "b err"}},
		{"the last", Filter{}, 2, []string{"b out 2", "b err"}},
		{"a worker", Filter{Match: isA}, 2, []string{"a out 2", "a err"}},
		{"a stream", Filter{Streams: []Stream{Stderr}}, 9, []string{"a err", "b err"}},
		{"both streams", Filter{Streams: []Stream{Stdout, Stderr}}, 1, []string{"b err"}},
		{"a stream of a worker", Filter{Match: isA, Streams: []Stream{Stdout}}, 1, []string{"a out 2"}},
		{"none", Filter{}, 0, nil},
		{"less than none", Filter{}, -1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := texts(o.History(tt.filter, tt.n)); !slices.Equal(got, tt.want) {
				t.Errorf("History = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHistorySurvivesRestartsAndEndsWithTheWorker(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	run(t, w, "prompt")
	run(t, w, "unterminated")
	want := []string{"one", "two", "first", "last without newline"}
	if got := texts(o.History(Filter{}, 9)); !slices.Equal(got, want) {
		t.Errorf("History = %q, want %q", got, want)
	}
	w.Close()
	if got := o.History(Filter{}, 9); len(got) > 0 {
		t.Errorf("there is history after Close: %v", got)
	}
}

func TestHistoryIsThereWhileStdoutIsStalled(t *testing.T) {
	stalled := &buffer{stall: make(chan struct{})}
	o := output(t, Options{Stdout: stalled, Stderr: io.Discard})
	t.Cleanup(func() { close(stalled.stall) })
	c := capture(t, o.Worker(Identity{App: "api"}, Config{}))
	p := start(t, c, "utf8")
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return len(o.History(Filter{}, 1)) == 1 })
}

// What is kept is always the end of what was written, whatever came in one read.
func TestHistoryIsTheEndOfWhatWasWritten(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		o := quiet(t)
		w := o.Worker(Identity{App: "api"}, Config{})
		var text strings.Builder
		for longest := 1 << random.IntN(13); text.Len() < 100_000; {
			text.WriteString(strings.Repeat(string(rune('a'+random.IntN(26))), random.IntN(longest)) + "\n")
			if random.IntN(1000) == 0 {
				longest = 1 << random.IntN(13)
			}
		}
		sizes := make([]byte, random.IntN(20)) // none: as much as there is
		for i := range sizes {
			sizes[i] = byte(random.Uint32())
		}
		feed(bare(w, Stdout), text.String(), sizes)

		all := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
		got, kept := o.History(Filter{}, 1<<30), 0
		for _, l := range got {
			kept += len(l.Text) + 1 + headSize
		}
		if len(got) == 0 || !slices.Equal(texts(got), all[len(all)-len(got):]) || got[len(got)-1].Seq != uint64(len(all)) {
			t.Fatalf("%d of %d lines, which are not the last", len(got), len(all))
		}
		if len(got) < batch && kept < ringSize/2 {
			t.Fatalf("%d lines of %d bytes are kept", len(got), kept)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	say(w, Stderr, "a line\n")
	for range 10_000 {
		say(w, Stdout, "\n")
		say(w, Stdout, strings.Repeat("x", 100)+"\n")
	}
	say(w, Stdout, strings.Repeat("\n", 200_000))
	if n := cap(w.rings[Stdout].buf); n > ringSize {
		t.Errorf("a busy stream has %d bytes", n)
	}
	if n := cap(w.rings[Stderr].buf); n > firstSize {
		t.Errorf("an idle stream has %d bytes", n)
	}
	if n := len(o.History(Filter{}, 1<<30)); n != batch+1 {
		t.Errorf("%d lines are handed out", n)
	}
	if err := o.Flush(soon(t), nil); err != nil {
		t.Fatal(err)
	}
	say(w, Stdout, "a line\n")
	if n := cap(w.rings[Stdout].buf); n > firstSize {
		t.Errorf("a stream that was flushed has %d bytes", n)
	}
}

func TestAFloodOfStdoutDoesNotPushStderrOut(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	say(w, Stderr, "the reason\n")
	say(w, Stdout, strings.Repeat("flood\n", 100_000))
	if got := texts(o.History(Filter{Streams: []Stream{Stderr}}, 9)); !slices.Equal(got, []string{"the reason"}) {
		t.Errorf("History = %q", got)
	}
}

func TestLongLinesAreCutInTheHistory(t *testing.T) {
	for _, size := range []int{longest, longest + 1, bufferSize, maxLine} {
		o := quiet(t)
		w := o.Worker(Identity{App: "api"}, Config{})
		say(w, Stdout, "before\n"+"x"+strings.Repeat("ä", (size-1)/2)+strings.Repeat("x", (size-1)%2)+"\nafter\n"+strings.Repeat("y", size))
		got := o.History(Filter{}, 9)
		if len(got) != 4 || got[3].Seq != 4 || got[0].Text != "before" || got[2].Text != "after" {
			t.Fatalf("size %d: %d lines: %.100q", size, len(got), texts(got))
		}
		for _, l := range []Line{got[1], got[3]} { // longest is inside a rune of the first
			text, cut := strings.CutSuffix(l.Text, "…")
			if cut != (size > longest) || len(text) < longest-1 || len(text) > longest || !utf8.ValidString(text) {
				t.Errorf("size %d: %d bytes, cut: %t", size, len(text), cut)
			}
		}
	}
}

func TestKeepingLinesDoesNotAllocate(t *testing.T) {
	o := quiet(t)
	r := o.Worker(Identity{App: "api"}, Config{}).rings[Stdout]
	text, now := []byte(strings.Repeat("line\n", ringSize)), time.Now()
	allocs := testing.AllocsPerRun(100, func() {
		r.add(&o.history, now, text)
		r.add(&o.history, now, text[:5])
		o.history.notify()
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestFlushEmptiesFilesAndHistory(t *testing.T) {
	dir := t.TempDir()
	o := quiet(t)
	shared := Config{File: filepath.Join(dir, "shared"), OutFile: filepath.Join(dir, "out"), Merge: true}
	one, two := o.Worker(Identity{App: "api"}, shared), o.Worker(Identity{App: "api", Instance: 1}, shared)
	other := o.Worker(Identity{App: "other"}, Config{File: filepath.Join(dir, "other")})
	for _, w := range []*Worker{one, two, other} {
		say(w, Stdout, "before\n"+w.id.App)
	}
	if err := o.Flush(soon(t), func(id Identity) bool { return id.App == "api" }); err != nil {
		t.Fatal(err)
	}
	say(two, Stdout, "after\n")
	for name, want := range map[string]string{"shared": "after\n", "out": "after\n", "other-0": "before\nother"} {
		if got := read(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if got, want := texts(o.History(Filter{}, 9)), []string{"before", "other", "after"}; !slices.Equal(got, want) {
		t.Errorf("History = %q, want %q", got, want)
	}
}

func TestFlushCountsTowardsRotation(t *testing.T) {
	dir := t.TempDir()
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{File: filepath.Join(dir, "a"), Merge: true, Rotation: Rotation{MaxSize: 10}})
	say(w, Stdout, "12345678\n")
	if err := o.Flush(soon(t), nil); err != nil {
		t.Fatal(err)
	}
	say(w, Stdout, "abcdefgh\n")
	if got := list(t, dir); len(got) != 1 {
		t.Errorf("an empty file was rotated: %v", got)
	}
}

func TestFlushLeavesAFileThatWasMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{File: path, Merge: true})
	say(w, Stdout, "kept\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := o.Flush(soon(t), nil); err != nil {
		t.Error(err)
	}
	if got := read(t, path+".1"); got != "kept\n" {
		t.Errorf("it holds %q", got)
	}
}

// say writes text as if it had been read from a process.
func say(w *Worker, kind Stream, text string) {
	feed(bare(w, kind), text, nil)
}

func quiet(tb testing.TB) *Output {
	tb.Helper()
	return output(tb, Options{Stdout: io.Discard, Stderr: io.Discard})
}

func texts(lines []Line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return all
}

func counted(from, to int) []string {
	var all []string
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}
