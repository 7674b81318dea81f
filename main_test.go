package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gorun/supervisor/cli"
)

// TestMain makes the test binary gorun, started as a container starts it.
func TestMain(m *testing.M) {
	if os.Getenv("GORUN_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestMainReturnsTheExitCode(t *testing.T) {
	for line, want := range map[string]struct {
		code int
		text string // in what it prints
	}{
		"version":                   {0, "gorun devel ("},
		"--help":                    {0, "gorun FILE|SCRIPT"},
		"--no-such-option":          {2, "no-such-option"},
		"check /no/such.yaml":       {2, "/no/such.yaml"},
		"exec -- sh -c exit${IFS}7": {7, ""},
	} {
		var printed bytes.Buffer
		command := exec.CommandContext(t.Context(), "/proc/self/exe", strings.Fields(line)...)
		command.Env = append(os.Environ(), "GORUN_TEST_MAIN=1")
		command.Stdout, command.Stderr = &printed, &printed
		code := 0
		if failed, ok := errors.AsType[*exec.ExitError](command.Run()); ok {
			code = failed.ExitCode()
		}
		if code != want.code || !strings.Contains(printed.String(), want.text) {
			t.Errorf("gorun %s: code %d, want %d and %q:\n%s", line, code, want.code, want.text, &printed)
		}
	}
}

func TestRunTakesArgumentsAndStreams(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	code := run([]string{"gorun", "version"}, nil, cli.Streams{In: os.Stdin, Out: write, Err: os.Stderr})
	_ = write.Close()
	var printed bytes.Buffer
	if _, err := printed.ReadFrom(read); err != nil || code != 0 || !strings.HasPrefix(printed.String(), "gorun devel") {
		t.Errorf("code %d, %v, printed %q", code, err, &printed)
	}
}
