package notify

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       Message
	}{
		{"nothing", "", Message{}},
		{"ready", "READY=1", Message{Ready: true}},
		{"no flag but 1", "READY=0\nSTOPPING=yes\nRELOADING=\nWATCHDOG=2", Message{}},
		{"several lines", "READY=1\nSTATUS=serving 3 clients\n", Message{Ready: true, Status: new("serving 3 clients")}},
		{"reload", "RELOADING=1\nMONOTONIC_USEC=12345", Message{Reloading: true}},
		{"stop", "STOPPING=1", Message{Stopping: true}},
		{"keep-alive", "WATCHDOG=1", Message{KeepAlive: true}},
		{"keep-alive and trouble", "WATCHDOG=1\nWATCHDOG=trigger", Message{KeepAlive: true, WatchdogTrigger: true}},
		{"watchdog's time", "WATCHDOG_USEC=20000000", Message{Watchdog: new(20 * time.Second)}},
		{"no watchdog any more", "WATCHDOG_USEC=0", Message{Watchdog: new(time.Duration)}},
		{"no time", "WATCHDOG_USEC=-1\nEXTEND_TIMEOUT_USEC=1s", Message{}},
		{"more time", "EXTEND_TIMEOUT_USEC=1500000", Message{Extend: 1500 * time.Millisecond}},
		{"infinity", "EXTEND_TIMEOUT_USEC=18446744073709551615", Message{Extend: time.Duration(math.MaxInt64).Truncate(time.Microsecond)}},
		{"pid and errno", "MAINPID=4711\nERRNO=2", Message{MainPID: 4711, Errno: 2}},
		{"no pid, no errno", "MAINPID=-1\nERRNO=99999999999", Message{}},
		{"status with =", "STATUS=a=b", Message{Status: new("a=b")}},
		{"status taken back", "STATUS=", Message{Status: new("")}},
		{"the first status counts", "STATUS=a\nSTATUS=b", Message{Status: new("a")}},
		{"not UTF-8", "STATUS=\xff66%…", Message{Status: new("�66%…")}},
		{"terminal sequences", "STATUS=\x1b[31mred\t", Message{Status: new("�[31mred�")}},
		{"unknown", "FDSTORE=1\nFDNAME=x\nX_MINE=1\nnothing\n=\n\nready=1", Message{}},
		{"one NUL at the end", "READY=1\x00", Message{Ready: true}},
		{"barrier", "BARRIER=1", Message{Barrier: true}},
		{"a barrier stands alone", "READY=1\nBARRIER=1", Message{Barrier: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse([]byte(test.text))
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("Parse(%q) = %+v, %v, want %+v", test.text, got, err, test.want)
			}
		})
	}
	if got, err := Parse([]byte("READY=1\x00STATUS=x")); err == nil {
		t.Errorf("a NUL within gives %+v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("READY=1\nSTATUS=\x1b\xff\nWATCHDOG_USEC=18446744073709551615\nMAINPID=1\nERRNO=1"))
	f.Add([]byte("EXTEND_TIMEOUT_USEC=9223372036854775807\nBARRIER=1\x00"))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		m, err := Parse(datagram)
		if err != nil && !reflect.DeepEqual(m, Message{}) {
			t.Errorf("%q: %v, and yet %+v", datagram, err, m)
		}
		if m.Barrier && !reflect.DeepEqual(m, Message{Barrier: true}) {
			t.Errorf("%q: a barrier with more: %+v", datagram, m)
		}
		if m.Extend < 0 || m.MainPID < 0 || m.Errno < 0 || m.Watchdog != nil && *m.Watchdog < 0 {
			t.Errorf("%q: negative in %+v", datagram, m)
		}
		if m.Status != nil && (!utf8.ValidString(*m.Status) || strings.ContainsFunc(*m.Status, unicode.IsControl)) {
			t.Errorf("%q: the status is %q", datagram, *m.Status)
		}
	})
}
