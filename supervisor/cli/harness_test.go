package cli

import (
	"io"
	"os"
	"testing"

	"gorun/signals"
)

// ran is a command line that has been carried out.
type ran struct {
	code     int
	out, err string
}

// gorun carries out a command line in this process, with an environment of its
// own.
func gorun(t *testing.T, args ...string) ran {
	t.Helper()
	return gorunIn(t, nil, args...)
}

func gorunIn(t *testing.T, environ []string, args ...string) ran {
	t.Helper()
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, readOut := capture(t)
	errs, readErr := capture(t)
	listener := signals.NewListener()
	<-listener.Complete()
	defer listener.Close()
	c := &commandLine{
		Env: Env{
			Streams: Streams{In: in, Out: out, Err: errs}, Args: append([]string{"gorun"}, args...), Environ: environ, Version: "1.2.3",
		},
		signals: listener,
	}
	code := c.run()
	return ran{code, readOut(), readErr()}
}

// capture returns the write end of a pipe, and what closes it and returns all
// that was written.
func capture(t *testing.T) (write *os.File, text func() string) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan string, 1)
	go func() {
		defer read.Close()
		text, _ := io.ReadAll(read)
		all <- string(text)
	}()
	return write, func() string {
		_ = write.Close()
		return <-all
	}
}
