package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

const shell = "/bin/sh"

// startOrShell starts a program, or runs a script without a #! line by the shell, as
// shells and execvp(3) do.
func startOrShell(r *reaper.Reaper, request reaper.Spec) (*reaper.Child, error) {
	child, err := r.Start(request)
	if !errors.Is(err, unix.ENOEXEC) {
		return child, err
	}
	path := request.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(request.Dir, path)
	}
	if !isText(path) {
		return nil, noProgram(err)
	}
	script := request
	script.Argv = shellArgv(request.Path, request.Argv)
	script.Path = shell
	child, shellErr := r.Start(script)
	if shellErr != nil {
		return nil, noShell(err, shellErr)
	}
	return child, nil
}

// execOrShell executes a program, or the shell for a script without a #! line. It
// returns only when both fail.
func execOrShell(path string, argv, environ []string) error {
	err := syscall.Exec(path, argv, environ)
	if !errors.Is(err, unix.ENOEXEC) {
		return &os.PathError{Op: "exec", Path: path, Err: err}
	}
	if !isText(path) {
		return noProgram(&os.PathError{Op: "exec", Path: path, Err: err})
	}
	shellErr := syscall.Exec(shell, shellArgv(path, argv), environ)
	return noShell(&os.PathError{Op: "exec", Path: path, Err: err}, shellErr)
}

func shellArgv(path string, argv []string) []string {
	return append([]string{shell, path}, argv[1:]...)
}

func noProgram(err error) error {
	return fmt.Errorf("%w: neither a script nor a program for this machine", err)
}

// noShell returns why the shell could not run the script. The exit code is that of the
// script's error: a missing shell does not mean that the program was not found.
func noShell(err, shellErr error) error {
	if errors.Is(shellErr, fs.ErrNotExist) {
		return fmt.Errorf("%w: it has no #! line, and there is no %s to run it", err, shell)
	}
	return fmt.Errorf("%w: it has no #! line, and %s cannot run it: %v", err, shell, shellErr) //nolint:errorlint // CodeOf is to see the first
}

// isText reports whether a file is a script and not a program for another machine, as
// shells do: no NUL byte at its start.
func isText(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	start := make([]byte, 256)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false
	}
	return !bytes.Contains(start[:n], []byte{0})
}
