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

// Message is what one datagram tells. The zero value of a field: not told.
type Message struct {
	Ready     bool // start-up, or a reload, is done
	Stopping  bool // it has begun to end
	Reloading bool // until it is ready again

	KeepAlive       bool           // the watchdog's keep-alive
	WatchdogTrigger bool           // it asks to be treated as if it had not kept alive
	Watchdog        *time.Duration // how often it will keep alive from now on; 0: no more

	Extend  time.Duration // it needs so much longer for what it is at: starting or stopping
	Status  *string       // for people, printable; "" takes it back
	MainPID int           // as it says and as it counts: not to be believed
	Errno   int           // why it fails

	Barrier bool // nothing but a wait for what came before: never handed out by Run

	Sender int // its process id, which may have ended since; filled in by Run
}

// Parse reads a datagram as systemd does: assignments that are unknown or make
// no sense are ignored, of two the first counts, and a barrier stands alone.
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

// flags and values are the assignments of sd_notify(3) that mean something to
// gorun. FDSTORE is none: descriptors are not kept.
var flags = map[string]func(*Message){
	"READY=1":          func(m *Message) { m.Ready = true },
	"STOPPING=1":       func(m *Message) { m.Stopping = true },
	"RELOADING=1":      func(m *Message) { m.Reloading = true },
	"WATCHDOG=1":       func(m *Message) { m.KeepAlive = true },
	"WATCHDOG=trigger": func(m *Message) { m.WatchdogTrigger = true },
	"BARRIER=1":        func(m *Message) { m.Barrier = true },
}

var values = map[string]func(m *Message, value string){
	"WATCHDOG_USEC":       func(m *Message, value string) { m.Watchdog = span(value) },
	"EXTEND_TIMEOUT_USEC": func(m *Message, value string) { m.Extend = orZero(span(value)) },
	"STATUS":              func(m *Message, value string) { m.Status = new(printable(value)) },
	"MAINPID":             func(m *Message, value string) { m.MainPID = positive(value) },
	"ERRNO":               func(m *Message, value string) { m.Errno = positive(value) },
}

// span reads microseconds; nil: they are none. What is too long for a duration
// is the longest one: libraries write "infinity" as 2^64-1.
func span(value string) *time.Duration {
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

// positive is zero for what is no number above it.
func positive(value string) int {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0
	}
	return max(int(n), 0)
}

// printable keeps a status one line that cannot steer a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}
