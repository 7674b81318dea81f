package notify

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Message is the content of one datagram, see sd_notify(3). A field whose
// assignment is missing is zero.
type Message struct {
	Ready     bool // READY=1: start-up, or a reload, is done
	Stopping  bool // STOPPING=1
	Reloading bool // RELOADING=1: until the next READY=1

	KeepAlive       bool           // WATCHDOG=1
	WatchdogTrigger bool           // WATCHDOG=trigger: treat it as a missed keep-alive
	Watchdog        *time.Duration // WATCHDOG_USEC: the new interval of keep-alives; 0: no more

	Extend  time.Duration // EXTEND_TIMEOUT_USEC: more time for starting or stopping
	Status  *string       // STATUS, printable; "" clears it
	MainPID int           // MAINPID, in the sender's PID namespace: unverified
	Errno   int           // ERRNO

	Barrier bool // BARRIER=1, alone in its datagram: Run never passes it on

	Sender int // process id of the sender, which may have ended since; set by Run
}

// Parse parses a datagram as systemd does: unknown and invalid assignments are
// ignored, of two the first counts, and a barrier stands alone.
func Parse(datagram []byte) (Message, error) {
	if bytes.IndexByte(bytes.TrimSuffix(datagram, []byte{0}), 0) >= 0 {
		return Message{}, errors.New("a NUL within the datagram")
	}
	var m Message
	seen := make(map[string]bool)
	for line := range strings.SplitSeq(strings.TrimSuffix(string(datagram), "\x00"), "\n") {
		if set, known := flags[line]; known {
			set(&m)
		}
		name, value, _ := strings.Cut(line, "=")
		if set, known := values[name]; known && !seen[name] {
			seen[name] = true
			set(&m, value)
		}
	}
	if m.Barrier {
		return Message{Barrier: true}, nil
	}
	return m, nil
}

// flags and values are the assignments of sd_notify(3) that gorun supports. FDSTORE
// is not among them: descriptors are not kept.
var flags = map[string]func(*Message){
	"READY=1":          func(m *Message) { m.Ready = true },
	"STOPPING=1":       func(m *Message) { m.Stopping = true },
	"RELOADING=1":      func(m *Message) { m.Reloading = true },
	"WATCHDOG=1":       func(m *Message) { m.KeepAlive = true },
	"WATCHDOG=trigger": func(m *Message) { m.WatchdogTrigger = true },
	"BARRIER=1":        func(m *Message) { m.Barrier = true },
}

var values = map[string]func(m *Message, value string){
	"WATCHDOG_USEC":       func(m *Message, value string) { m.Watchdog = parseUsec(value) },
	"EXTEND_TIMEOUT_USEC": func(m *Message, value string) { m.Extend = orZero(parseUsec(value)) },
	"STATUS":              func(m *Message, value string) { m.Status = new(printable(value)) },
	"MAINPID":             func(m *Message, value string) { m.MainPID = positive(value) },
	"ERRNO":               func(m *Message, value string) { m.Errno = positive(value) },
}

// parseUsec parses microseconds; nil: not a number. The result is at most the
// longest duration: libraries write "infinity" as 2^64-1.
func parseUsec(value string) *time.Duration {
	usec, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return nil
	}
	return new(time.Duration(min(usec, math.MaxInt64/uint64(time.Microsecond))) * time.Microsecond)
}

func orZero(d *time.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return *d
}

// positive parses a number above 0, and returns 0 for anything else.
func positive(value string) int {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0
	}
	return max(int(n), 0)
}

// printable keeps a status one line without terminal control characters.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}
