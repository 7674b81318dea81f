// Package hooks tells others what becomes of workers: a command is run or a
// webhook is called, with a time limit, and tried again where that may help.
// Who has something to tell never waits.
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

// Hook is who is to be told: exactly one of Exec and Webhook.
type Hook struct {
	Exec    []string // a command; Exec[0] is the path of the program
	Webhook string   // an http or https URL, which is a secret: it is never printed

	Timeout time.Duration // of one try
	Retries int           // tries after the first one
}

// Defaults is a hook without anybody to tell, as the ecosystem file begins with.
func Defaults() Hook { return Hook{Timeout: 10 * time.Second, Retries: 3} }

// Event is what a hook is told of.
type EventKind int

// The events.
const (
	Exit    EventKind = iota // a worker ended, and nobody had asked it to
	Restart                  // a worker runs again, and nobody had asked for it
	GiveUp                   // a worker is not started any more
)

// String returns the event as hooks are told it.
func (e EventKind) String() string { return [...]string{"exit", "restart", "giveup"}[e] }

// Command is what a hook's command is run with.
type Command struct {
	Argv    []string
	Environ []string // beside what the app's workers have
	Input   []byte   // for its standard input
}

// Run runs a command until it ends or ctx does; nothing that it started outlives
// Run. It returns its last words. An error that is fs.ErrNotExist or
// fs.ErrPermission means that it cannot be run at all.
type Run func(ctx context.Context, c Command) (lines []string, err error)

// Valid tells what is wrong with h, without a word of its URL.
func (h Hook) Valid() error {
	switch {
	case len(h.Exec) > 0 && h.Webhook != "":
		return errors.New("exec and webhook are both given; make a list of two hooks of it")
	case len(h.Exec) == 0 && h.Webhook == "":
		return errors.New("there is nobody to tell; write exec: [./notify.sh] or webhook: https://…")
	case h.Timeout <= 0:
		return errors.New("its timeout leaves no time; write a duration such as 10s")
	case h.Webhook == "":
		return nil
	}
	return ValidURL(h.Webhook)
}

// ValidURL tells what keeps a text from being the URL of a webhook, without a
// word of it.
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

// LogValue keeps the rest of it out of logs of every format.
func (h Hook) LogValue() slog.Value { return slog.StringValue(h.String()) }

// destination is the same for hooks that tell the same one.
func (h Hook) destination() string {
	return h.Webhook + "\x00" + strings.Join(h.Exec, "\x00")
}
