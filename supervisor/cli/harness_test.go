package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/signals/reaper"
	"gorun/supervisor/process"
)

// theReaper is the one that this process may have.
var theReaper *reaper.Reaper

// gorunVariable makes the test binary gorun itself.
const gorunVariable = "GORUN_TEST_GORUN"

// TestMain makes the test binary its own worker, and a gorun.
func TestMain(m *testing.M) {
	if os.Getenv(gorunVariable) != "" || process.IsExecHelper(os.Args) {
		os.Exit(Run(Env{Streams: Streams{os.Stdin, os.Stdout, os.Stderr}, Args: os.Args, Environ: workerEnviron(), Version: "1.2.3"}))
	}
	if len(os.Args) > 2 && os.Args[1] == "worker" {
		work(os.Args[2])
	}
	var err error
	if theReaper, err = reaper.New(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// A signal that a test sends last may arrive when nobody listens any more.
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT)
	os.Exit(m.Run())
}

// workerEnviron is the environment without what makes the test binary gorun.
func workerEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, gorunVariable+"=") })
}

// gorunProcess is a gorun of its own, which has not been started.
func gorunProcess(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), "/proc/self/exe", args...)
	command.Args[0] = "gorun"
	command.Env = append(os.Environ(), gorunVariable+"=1")
	return command
}

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
