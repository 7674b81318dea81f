package process

import (
	"slices"
	"strings"
	"testing"
)

func TestProcessThatExecutesIsToldFromOneWithoutEnvironment(t *testing.T) {
	before, _, _ := strings.Cut(stat("x"), "18446744073709551615")
	zeros := before + strings.Repeat("0 ", 28) + "\n" // from field 25 to 52
	for _, test := range []struct {
		name, stat string
		want       bool
	}{
		{"started without", before + strings.Repeat("0 ", 25) + "77 77 0\n", false},
		{"executing", zeros, true},
		{"has executed meanwhile", before + strings.Repeat("0 ", 25) + "77 88 0\n", true},
		{"old kernel", stat("x"), false},
		{"nonsense", "x", false},
	} {
		if got := isExecuting([]byte(test.stat)); got != test.want {
			t.Errorf("%s: isExecuting(%q) = %v", test.name, test.stat, got)
		}
	}
}

// Its environment is empty at moments.
func TestMemberIsFoundWhileItExecutes(t *testing.T) {
	program := file(t, "#!/bin/sh\n[ \"$1\" ] || echo $$\nexec \"$0\" again\n", 0o755)
	w := begin(t, shellSpec(`(setsid "`+program+`" &)`))
	pid := w.number(t)
	wait(t, w.Exited())
	for look := range 100 {
		if members := w.Members(); !slices.Equal(members, []int{pid}) {
			t.Fatalf("look %d: members %v, want %d", look, members, pid)
		}
	}
}
