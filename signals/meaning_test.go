package signals

import (
	"maps"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMeanings(t *testing.T) {
	tests := []struct {
		sig                    unix.Signal
		supervising, forwarded Meaning
	}{
		{unix.SIGTERM, Stop, Forward},
		{unix.SIGINT, Stop, Forward},
		{unix.SIGQUIT, Stop, Forward},
		{unix.SIGHUP, Reload, Forward},
		{unix.SIGUSR2, Reopen, Forward},
		{unix.SIGUSR1, Forward, Forward},
		{unix.SIGWINCH, Forward, Forward},
		{unix.SIGCONT, Forward, Forward},
		{unix.SIGSEGV, Forward, Forward},
		{rtMin, Forward, Forward},
		{rtMax, Forward, Forward},
		{unix.SIGCHLD, Reap, Reap},
		{unix.SIGPIPE, Drop, Drop},
	}
	for _, test := range tests {
		t.Run(Name(test.sig), func(t *testing.T) {
			if got := Supervising(test.sig); got != test.supervising {
				t.Errorf("Supervising(%s) = %d, want %d", Name(test.sig), got, test.supervising)
			}
			if got := Forwarding(test.sig); got != test.forwarded {
				t.Errorf("Forwarding(%s) = %d, want %d", Name(test.sig), got, test.forwarded)
			}
		})
	}
}

func TestParseRewrite(t *testing.T) {
	tests := []struct {
		name  string
		rules []string
		want  Rewrite // nil: an error
	}{
		{"none", nil, Rewrite{}},
		{"another signal", []string{"TERM=QUIT"}, Rewrite{unix.SIGTERM: unix.SIGQUIT}},
		{"dropped", []string{"INT=0"}, Rewrite{unix.SIGINT: 0}},
		{"numbers and spaces", []string{"15 = 3", "2= 0"}, Rewrite{unix.SIGTERM: unix.SIGQUIT, unix.SIGINT: 0}},
		{"real-time", []string{"RTMIN+3=TERM"}, Rewrite{37: unix.SIGTERM}},
		{"the last counts", []string{"TERM=QUIT", "TERM=HUP"}, Rewrite{unix.SIGTERM: unix.SIGHUP}},
		{"into what cannot be caught", []string{"TERM=KILL"}, Rewrite{unix.SIGTERM: unix.SIGKILL}},
		{"no sign of equality", []string{"TERM"}, nil},
		{"unknown source", []string{"FOO=TERM"}, nil},
		{"unknown target", []string{"TERM=FOO"}, nil},
		{"empty target", []string{"TERM="}, nil},
		{"two targets", []string{"TERM=INT=HUP"}, nil},
		{"source that cannot be caught", []string{"KILL=TERM"}, nil},
		{"another one", []string{"STOP=0"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseRewrite(test.rules)
			if !maps.Equal(got, test.want) || (err != nil) != (test.want == nil) {
				t.Errorf("ParseRewrite(%q) = %v, %v, want %v", test.rules, got, err, test.want)
			}
		})
	}
}
