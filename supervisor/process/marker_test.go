package process

import (
	"slices"
	"strconv"
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

// Whoever dies between the look at the process table and the look at his
// environment may have been the parent of others, which are orphans by then.
func TestTheDeadAreNotTakenForOtherProcesses(t *testing.T) {
	w := begin(t, shellSpec(`sh -c 'echo up' & echo $!; exec sleep 1000`))
	pid := 0
	for range 2 {
		if line := w.line(t); line != "up" {
			pid = atoi(t, line)
		}
	}
	eventually(t, func() bool { e, err := readEntry(strconv.Itoa(pid)); return err == nil && e.dead() })
	if got := carriesMarker(pid, t.Name(), nil); got != died {
		t.Errorf("the dead are %v, want %v", got, died)
	}
}

func TestProcessOnItsWayOutIsTold(t *testing.T) {
	out := "7 (sleep) R 1 5 5 0 -1 4195340 80 0 0 0 0 0 0 0 20 0 1 0 2331897 0 0 18446744073709551615 0 0\n"
	for text, want := range map[string]bool{out: true, strings.Replace(out, "4195340", "4194304", 1): false, stat("x"): false, "x": false} {
		if got := isExiting([]byte(text)); got != want {
			t.Errorf("isExiting(%q) = %v", text, got)
		}
	}
}
