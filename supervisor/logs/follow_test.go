package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestFollowBeginsWithTheLastLines(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	say(w, Stdout, "1\n2\n3\n")
	f := o.Follow(Filter{}, 2)
	say(w, Stderr, "4\n")
	say(o.Worker(Identity{App: "late"}, Config{}), Stdout, "5\n")
	expect(t, f, 0, "2", "3")
	expect(t, f, 0, "4", "5")

	none := o.Follow(Filter{}, 0)
	say(w, Stdout, "6\n")
	expect(t, none, 0, "6")
	expect(t, f, 0, "6")
}

func TestFollowFilters(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	f := o.Follow(Filter{Match: func(id Identity) bool { return id.App != "api" }, Streams: []Stream{Stderr}}, 9)
	other := o.Worker(Identity{App: "other"}, Config{})
	for i, s := range []struct {
		worker *Worker
		kind   Stream
	}{{w, Stdout}, {w, Stderr}, {other, Stdout}, {other, Stderr}} {
		say(s.worker, s.kind, fmt.Sprint(i, "\n"))
	}
	expect(t, f, 0, "3")
}

func TestAWaitingFollowerWakesUp(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	ctx, woken := soon(t), make(chan []string)
	for range 3 {
		f := o.Follow(Filter{Streams: []Stream{Stderr}}, 0)
		go func() {
			lines, _, _ := f.Next(ctx)
			woken <- texts(lines)
		}()
	}
	waiting(t, o)
	say(w, Stdout, "nothing for them\n")
	waiting(t, o)
	say(w, Stderr, "a line\n")
	for range 3 {
		if got := <-woken; !slices.Equal(got, []string{"a line"}) {
			t.Errorf("Next = %q", got)
		}
	}
}

func TestASlowFollowerIsToldWhatItMissed(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	f := o.Follow(Filter{Streams: []Stream{Stdout}}, 0)
	for round := range 3 {
		say(w, Stdout, "read\n")
		expect(t, f, 0, "read")
		const lines = 100_000
		say(w, Stdout, strings.Repeat("too fast\n", lines))
		say(w, Stderr, strings.Repeat("not wanted\n", lines))
		var got, missed int
		for got+missed < lines {
			some, lost, err := f.Next(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			got, missed = got+len(some), missed+int(lost)
		}
		if got+missed != lines || got < ringSize/20 || got > ringSize/9 {
			t.Errorf("round %d: got %d, missed %d", round, got, missed)
		}
	}
}

func TestFollowHandsOutManyLinesInBatches(t *testing.T) {
	o := quiet(t)
	a, b := o.Worker(Identity{App: "a"}, Config{}), o.Worker(Identity{App: "b"}, Config{})
	f := o.Follow(Filter{}, 0)
	const lines = 3 * batch
	say(a, Stdout, strings.Join(counted(1, lines), "\n")+"\n")
	say(b, Stdout, strings.Join(counted(lines+1, 2*lines), "\n")+"\n")
	var got []string
	for len(got) < 2*lines {
		some, missed, err := f.Next(soon(t))
		if err != nil || missed > 0 || len(some) > batch {
			t.Fatalf("%d lines, %d missed: %v", len(some), missed, err)
		}
		got = append(got, texts(some)...)
	}
	if !slices.Equal(got, counted(1, 2*lines)) {
		t.Error("not in order")
	}
}

func TestFlushIsMissedByWhoHadNotReadYet(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	say(w, Stdout, "1\n")
	f := o.Follow(Filter{}, 9)
	expect(t, f, 0, "1")
	say(w, Stdout, "2\n3\n")
	if err := o.Flush(soon(t), nil); err != nil {
		t.Fatal(err)
	}
	expect(t, f, 2)
	say(w, Stdout, "4\n")
	expect(t, f, 0, "4")
}

func TestAFollowerReadsWhatAClosedWorkerLeft(t *testing.T) {
	o := quiet(t)
	w := o.Worker(Identity{App: "api"}, Config{})
	f := o.Follow(Filter{}, 0)
	say(w, Stdout, "last words\n")
	w.Close()
	expect(t, f, 0, "last words")
	say(o.Worker(Identity{App: "next"}, Config{}), Stdout, "next\n")
	expect(t, f, 0, "next")
	if len(f.cursors) != 2 {
		t.Errorf("there are %d cursors for the two streams that are left", len(f.cursors))
	}
}

func TestAFollowerEndsWithItsContext(t *testing.T) {
	o := quiet(t)
	f := o.Follow(Filter{}, 0)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, _, err := f.Next(ctx)
		ended <- err
	}()
	waiting(t, o)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v", err)
	}
	say(o.Worker(Identity{App: "api"}, Config{}), Stdout, "still here\n")
	if _, _, err := f.Next(over()); !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v while there are lines", err)
	}
}

func TestAFollowerEndsWithTheOutput(t *testing.T) {
	o := New(Options{Stdout: io.Discard, Stderr: io.Discard})
	f := o.Follow(Filter{}, 0)
	ended := make(chan error)
	go func() {
		_, _, err := f.Next(soon(t))
		ended <- err
	}()
	waiting(t, o)
	if err := o.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("Next = %v", err)
	}
	say(o.Worker(Identity{App: "api"}, Config{}), Stdout, "too late\n")
	expect(t, f, 0, "too late")
}

func TestFollowersOfManyWorkersLoseNoCount(t *testing.T) {
	const workers, chunks, lines = 4, 300, 20
	o := quiet(t)
	var writers, readers sync.WaitGroup
	for range 3 {
		f := o.Follow(Filter{}, 0)
		readers.Go(func() { readAll(t, f, workers*chunks*lines) })
	}
	for id := range workers {
		w := o.Worker(Identity{App: "api", ID: id}, Config{})
		writers.Go(func() {
			for i := range chunks {
				say(w, Stream(i%2), strings.Repeat(strings.Repeat("x", i)+"\n", lines))
				_ = o.History(Filter{}, i%10)
			}
		})
	}
	writers.Wait()
	readers.Wait()
}

// readAll reads until all lines are handed out or missed.
func readAll(t *testing.T, f *Follower, total uint64) {
	t.Helper()
	last := uint64(0)
	for got := uint64(0); got < total; {
		lines, missed, err := f.Next(soon(t))
		if err != nil {
			t.Errorf("after %d of %d lines: %v", got, total, err)
			return
		}
		for _, l := range lines {
			if l.Seq <= last {
				t.Errorf("line %d comes after %d", l.Seq, last)
			}
			last = l.Seq
		}
		if got += uint64(len(lines)) + missed; got > total {
			t.Errorf("%d of %d lines", got, total)
		}
	}
}

// expect is for lines that are there.
func expect(t *testing.T, f *Follower, missed uint64, want ...string) {
	t.Helper()
	lines, lost, err := f.Next(soon(t))
	if got := texts(lines); err != nil || lost != missed || !slices.Equal(got, want) {
		t.Fatalf("Next = %q, %d missed, %v; want %q, %d", got, lost, err, want, missed)
	}
}

// waiting returns when a follower waits.
func waiting(t *testing.T, o *Output) {
	t.Helper()
	eventually(t, func() bool { return o.history.waiting.Load() != nil })
}
