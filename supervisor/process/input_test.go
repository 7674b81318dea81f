package process

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"
)

// reader starts a shell with an Input; what it prints can be read.
func reader(t *testing.T, script string) (*Input, *bufio.Reader) {
	t.Helper()
	in, err := OpenInput(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.Close)
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	_ = stdout.Fd() // blocking, as programs expect
	p, err := Start(shared, Spec{Argv: []string{"/bin/sh", "-c", script}, Env: environ(), Stdin: in.File(), Stdout: stdout, Marker: t.Name()})
	in.Started()
	_ = stdout.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(t.Context(), Ladder{Signal: 9}) })
	return in, bufio.NewReader(out)
}

func wantLine(t *testing.T, from *bufio.Reader, want string) {
	t.Helper()
	if line, err := from.ReadString('\n'); line != want+"\n" {
		t.Fatalf("the program printed %.80q, want %.80q (%v)", line, want, err)
	}
}

func TestL36InputStaysOpenAndTakesLines(t *testing.T) {
	in, out := reader(t, `while read -r line; do echo "got $line"; done; echo end`)
	for _, line := range []string{"one", "two"} {
		if err := in.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
		wantLine(t, out, "got "+line)
	}
	in.Close()
	wantLine(t, out, "end")
	if err := in.Write([]byte("x\n")); !errors.Is(err, ErrInputClosed) {
		t.Errorf("after its end, Write returns %v", err)
	}
}

func TestL36AProgramThatDoesNotReadIsAnError(t *testing.T) {
	in, _ := reader(t, `exec sleep 1000`)
	line := []byte(strings.Repeat("x", 1000) + "\n")
	for n := 0; ; n++ {
		err := in.Write(line)
		if errors.Is(err, ErrInputFull) {
			break
		}
		if err != nil || n > 10_000 {
			t.Fatalf("write %d: %v", n, err)
		}
	}
}

// A line that is longer than a pipe arrives whole, and so does what follows it.
func TestL36ALineLongerThanThePipe(t *testing.T) {
	in, out := reader(t, `echo up; exec cat`)
	wantLine(t, out, "up")
	long := strings.Repeat("x", 300_000)
	if err := in.Write([]byte(long + "\n")); err != nil {
		t.Fatal(err)
	}
	wantLine(t, out, long)
	for {
		err := in.Write([]byte("next\n"))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrInputFull) { // the goroutine is about to end
			t.Fatal(err)
		}
	}
	wantLine(t, out, "next")
}

func TestL36AProgramThatHasClosedItsInput(t *testing.T) {
	in, out := reader(t, `exec 0</dev/null; echo closed; exec sleep 1000`)
	wantLine(t, out, "closed")
	if err := in.Write([]byte("x\n")); !errors.Is(err, ErrInputClosed) {
		t.Errorf("Write returns %v", err)
	}
}
