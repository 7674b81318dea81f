// Package signals maps each signal to its meaning for gorun, and runs the loop that
// dispatches them: Listener.Run owns the goroutine that reaps, so no Action may
// block.
package signals

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Meaning is what gorun does when a signal arrives.
type Meaning int

// The meanings.
const (
	Drop    Meaning = iota // nothing
	Reap                   // a child changed state
	Stop                   // end everything in order
	Reload                 // read the ecosystem file again and apply it
	Reopen                 // reopen log files
	Forward                // pass it on to the workers
)

// Supervising is what signals mean while an ecosystem file runs.
func Supervising(sig unix.Signal) Meaning {
	switch sig {
	case unix.SIGTERM, unix.SIGINT, unix.SIGQUIT:
		return Stop
	case unix.SIGHUP:
		return Reload
	case unix.SIGUSR2:
		return Reopen
	}
	return Forwarding(sig)
}

// Forwarding is what signals mean to `gorun exec`: all are the command's,
// except SIGCHLD and the SIGPIPE of gorun's own writes.
func Forwarding(sig unix.Signal) Meaning {
	switch sig {
	case unix.SIGCHLD:
		return Reap
	case unix.SIGPIPE:
		return Drop
	}
	return Forward
}

// Rewrite maps a signal to the one that is passed on in its place; 0 drops it.
type Rewrite map[unix.Signal]unix.Signal

// ParseRewrite reads rules such as TERM=QUIT and INT=0.
func ParseRewrite(rules []string) (Rewrite, error) {
	rewrite := Rewrite{}
	for _, rule := range rules {
		from, to, found := strings.Cut(rule, "=")
		if !found {
			return nil, fmt.Errorf("rewrite %q: write it as TERM=QUIT, or TERM=0 to drop the signal", rule)
		}
		source, err := Parse(from)
		if err != nil {
			return nil, fmt.Errorf("rewrite %q: %w", rule, err)
		}
		if source == unix.SIGKILL || source == unix.SIGSTOP {
			return nil, fmt.Errorf("rewrite %q: %s cannot be caught", rule, Name(source))
		}
		if strings.TrimSpace(to) == "0" {
			rewrite[source] = 0
			continue
		}
		if rewrite[source], err = Parse(to); err != nil {
			return nil, fmt.Errorf("rewrite %q: %w", rule, err)
		}
	}
	return rewrite, nil
}
