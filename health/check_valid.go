package health

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Valid returns all that is wrong with the check.
func (c Check) Valid() error {
	problems := []error{
		c.validKind(),
		notNegative("interval", c.Interval),
		notNegative("timeout", c.Timeout),
		notNegative("start_period", c.StartPeriod),
	}
	if c.Retries < 0 {
		problems = append(problems, fmt.Errorf("retries: %d must not be negative", c.Retries))
	}
	if c.HTTP != nil {
		problems = append(problems, c.HTTP.valid())
	}
	return errors.Join(append(problems, validPort(c.Port()))...)
}

func (c Check) validKind() error {
	kinds := 0
	for _, given := range []bool{c.HTTP != nil, c.TCP != nil, len(c.Exec) > 0} {
		if given {
			kinds++
		}
	}
	if kinds != 1 {
		return fmt.Errorf("exactly one of http, tcp and exec is required, not %d", kinds)
	}
	return nil
}

func notNegative(key string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s: %v must not be negative", key, d)
	}
	return nil
}

func validPort(port int) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("port: %d is not within 1-65535", port)
	}
	return nil
}

func (h HTTPCheck) valid() error {
	var problems []error
	if h.Path != "" {
		if target, err := url.ParseRequestURI(h.Path); err != nil || !strings.HasPrefix(h.Path, "/") || target.Host != "" {
			problems = append(problems, fmt.Errorf("path: %q is not a path that begins with one /", h.Path))
		}
	}
	if h.Method != "" && !isToken(h.Method) || h.Method == "CONNECT" {
		problems = append(problems, fmt.Errorf("method: %q is not a method", h.Method))
	}
	for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
		if !isToken(name) || strings.ContainsFunc(h.Headers[name], isControl) {
			problems = append(problems, fmt.Errorf("headers: %q is not a header", name+": "+h.Headers[name]))
		}
	}
	for _, r := range h.Status {
		if err := r.valid(); err != nil {
			problems = append(problems, fmt.Errorf("status: %w", err))
		}
	}
	return errors.Join(problems...)
}

// isToken is whether the word may be a method or the name of a header.
func isToken(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
