package worker

import (
	"errors"
	"strings"

	"gorun/supervisor/status"
	"gorun/supervisor/worker/record"
)

// Why an update does not come to its end.
var (
	ErrStopped    = errors.New("it was stopped before it was ready")
	ErrSuperseded = errors.New("a later order came before it was ready")
)

// Why an invocation does not come to serve.
var (
	errNotReady  = errors.New("it was not ready")
	errEnded     = errors.New("it ended before it was ready")
	errTriggered = errors.New("it sent WATCHDOG=trigger before it was ready")
)

// StartError says why a new invocation of a worker did not come to serve.
type StartError struct {
	Cause error
	Exit  string   // how it ended, named
	Tail  []string // its last lines on stderr
}

// newStartError is about an invocation that has ended, and is the worker's last.
func newStartError(cause error, ended record.End, last *status.Exit) error {
	return &StartError{Cause: cause, Exit: last.Text, Tail: ended.Tail}
}

// Error has the last lines after the cause.
func (e *StartError) Error() string {
	text := e.Cause.Error()
	if e.Exit != "" {
		text += " (exit " + e.Exit + ")"
	}
	if len(e.Tail) > 0 {
		text += "; its last lines:\n  " + strings.Join(e.Tail, "\n  ")
	}
	return text
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Cause }

// IsStartError reports whether an app could not start because a program did not.
func IsStartError(err error) bool { return errors.As(err, new(*StartError)) }
