package process

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gorun/signals/reaper"
)

const (
	// outputLimit bounds how much of what a command writes is kept, in bytes.
	outputLimit = 4 << 10
	// lastOutput bounds the wait for what a command has left in its pipe.
	lastOutput = 100 * time.Millisecond
)

// RunWithInput is Run of a command that gets input on its standard input, and whose
// last lines of output are returned.
func RunWithInput(ctx context.Context, r *reaper.Reaper, spec Spec, input []byte) (lines []string, err error) {
	stdin, in, err := pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	defer in.Close() // and the goroutine's end, where nobody reads
	out, stdout, err := pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	defer stdout.Close()
	last := collect(out)
	go func() {
		_, _ = in.Write(input) // a command need not read it
		_ = in.Close()
	}()
	// A pipe has two ends of its own mode; those of the command wait, as programs expect.
	_, _ = stdin.Fd(), stdout.Fd()
	spec.Stdin, spec.Stdout, spec.Stderr = stdin, stdout, stdout
	err = Run(ctx, r, spec)
	_ = stdout.Close() // the last that holds it
	_ = out.SetReadDeadline(time.Now().Add(lastOutput))
	return <-last, err
}

func pipe() (read, write *os.File, err error) {
	read, write, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return read, write, nil
}

// collect reads to the end, and then has the last lines.
func collect(from *os.File) <-chan []string {
	last := make(chan []string, 1)
	go func() {
		var kept []byte
		block := make([]byte, outputLimit)
		for {
			n, err := from.Read(block)
			kept = append(kept, block[:n]...)
			kept = kept[max(0, len(kept)-outputLimit):]
			if err != nil {
				break
			}
		}
		last <- strings.FieldsFunc(string(kept), func(r rune) bool { return r == '\n' || r == '\r' })
	}()
	return last
}

// Overlay is an environment with more over it: names that are in both have the values
// of more.
func Overlay(environ, more []string) []string {
	given := map[string]bool{}
	for _, pair := range more {
		name, _, _ := strings.Cut(pair, "=")
		given[name] = true
	}
	kept := slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return given[name]
	})
	return append(kept, more...)
}
