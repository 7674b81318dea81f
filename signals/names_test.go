package signals

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		text string
		want unix.Signal // 0: an error
	}{
		{"full name", "SIGTERM", unix.SIGTERM},
		{"short name", "TERM", unix.SIGTERM},
		{"small letters", "term", unix.SIGTERM},
		{"small full name", "sigusr1", unix.SIGUSR1},
		{"spaces around", " HUP\n", unix.SIGHUP},
		{"number", "15", unix.SIGTERM},
		{"last number", "64", 64},
		{"thread library's number", "32", 32},
		{"poll", "SIGPOLL", unix.SIGIO},
		{"cld", "CLD", unix.SIGCHLD},
		{"iot", "IOT", unix.SIGABRT},
		{"first real-time signal", "SIGRTMIN", 34},
		{"real-time signal above the first", "RTMIN+3", 37},
		{"last real-time signal", "RTMAX", 64},
		{"real-time signal below the last", "sigrtmax-1", 63},
		{"real-time signals meet", "RTMIN+30", 64},
		{"empty", "", 0},
		{"zero", "0", 0},
		{"negative", "-1", 0},
		{"too large", "65", 0},
		{"unknown", "SIGNAL", 0},
		{"prefix alone", "SIG", 0},
		{"prefix twice", "SIGSIGTERM", 0},
		{"below the first real-time signal", "RTMIN-1", 0},
		{"above the last real-time signal", "RTMAX+1", 0},
		{"offset without sign", "RTMIN3", 0},
		{"offset that is no number", "RTMIN+x", 0},
		{"sign alone", "RTMIN+", 0},
		{"two signs", "RTMIN+-1", 0},
		{"overflow", "RTMIN+9223372036854775807", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(test.text)
			if got != test.want || (err != nil) != (test.want == 0) {
				t.Errorf("Parse(%q) = %d, %v, want %d", test.text, got, err, test.want)
			}
		})
	}
}

func TestName(t *testing.T) {
	for sig, want := range map[unix.Signal]string{
		unix.SIGTERM: "SIGTERM", unix.SIGIO: "SIGIO", 34: "SIGRTMIN", 37: "SIGRTMIN+3", 64: "SIGRTMIN+30",
		32: "signal 32", 0: "signal 0", 65: "signal 65", -1: "signal -1",
	} {
		if got := Name(sig); got != want {
			t.Errorf("Name(%d) = %q, want %q", int(sig), got, want)
		}
	}
}

func TestParseReadsWhatNameWrites(t *testing.T) {
	for sig := unix.Signal(1); sig <= rtMax; sig++ {
		if sig == 32 || sig == 33 {
			continue // nameless
		}
		if got, err := Parse(Name(sig)); got != sig || err != nil {
			t.Errorf("Parse(%q) = %d, %v, want %d", Name(sig), got, err, sig)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"TERM", "SIGRTMIN+3", "RTMAX-1", "15", "RTMIN--1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sig, err := Parse(text)
		if err == nil && (sig < 1 || sig > rtMax) {
			t.Errorf("Parse(%q) = %d without an error", text, sig)
		}
	})
}
