// Package hooks reports the exits and restarts of workers: it runs a command or
// calls a webhook, with a time limit, and retries where that may help. The caller
// never waits: the Dispatcher owns a goroutine per busy hook, which is gone when
// its queue is empty. Dispatcher.Close waits for the last. A hook decides nothing: no
// worker waits for it, or is restarted because of it.
package hooks

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Hook is the receiver of events: exactly one of Exec and Webhook.
type Hook struct {
	Exec    []string // a command; Exec[0] is the path of the program
	Webhook string   // an http or https URL, which is a secret: it is never printed

	Timeout time.Duration // of one try
	Retries int           // tries after the first one
}

// Defaults returns a hook with neither Exec nor Webhook, and the ecosystem file's
// default values.
func Defaults() Hook { return Hook{Timeout: 10 * time.Second, Retries: 3} }

// EventKind is what happened to a worker.
type EventKind int

// The kinds of events.
const (
	Exit    EventKind = iota // a worker ended without a command of the operator
	Restart                  // a worker runs again without a command of the operator
	GiveUp                   // a worker is not started any more
)

// String returns the kind as hooks get it.
func (e EventKind) String() string { return [...]string{"exit", "restart", "giveup"}[e] }

// Command is what a hook's command is run with.
type Command struct {
	Argv    []string
	Environ []string // in addition to the workers' environment
	Input   []byte   // for its standard input
}

// Run runs a command until it ends or ctx does; no process of it outlives Run. It
// returns the last lines of the command's output. An error that is fs.ErrNotExist
// or fs.ErrPermission means that the command cannot be run at all.
type Run func(ctx context.Context, c Command) (lines []string, err error)

// Valid returns what is wrong with h, without any part of its URL.
func (h Hook) Valid() error {
	switch {
	case len(h.Exec) > 0 && h.Webhook != "":
		return errors.New("exec and webhook are both given; make a list of two hooks of it")
	case len(h.Exec) == 0 && h.Webhook == "":
		return errors.New("neither exec nor webhook is given; write exec: [./notify.sh] or webhook: https://…")
	case h.Timeout <= 0:
		return errors.New("its timeout is not above 0; write a duration such as 10s")
	case h.Webhook == "":
		return nil
	}
	return ValidURL(h.Webhook)
}

// ValidURL returns why a text is not the URL of a webhook, without any part of it.
func ValidURL(text string) error {
	target, err := url.Parse(text)
	switch {
	case err != nil || target.Opaque != "":
		return errors.New("that is no URL; write https://host/path")
	case target.Scheme == "":
		return errors.New("the URL is not a complete one; write https://host/path")
	case target.Scheme != "http" && target.Scheme != "https":
		return errors.New("the URL begins neither with https:// nor with http://")
	case target.Hostname() == "":
		return errors.New("the URL names no host; write https://host/path")
	}
	return nil
}

// String names the hook in logs. What follows a URL's host and a command's name
// may be secret.
func (h Hook) String() string {
	if h.Webhook == "" {
		return "exec " + filepath.Base(strings.Join(h.Exec[:min(1, len(h.Exec))], ""))
	}
	target, err := url.Parse(h.Webhook)
	if err != nil {
		return "webhook"
	}
	return "webhook " + target.Host
}

// LogValue keeps the secret parts out of logs of every format.
func (h Hook) LogValue() slog.Value { return slog.StringValue(h.String()) }

// destination is the same for hooks with the same receiver.
func (h Hook) destination() string {
	return h.Webhook + "\x00" + strings.Join(h.Exec, "\x00")
}
