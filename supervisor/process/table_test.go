package process

import (
	"os"
	"strings"
	"testing"
)

// stat is a line of /proc/PID/stat with the given name.
func stat(name string) string {
	return "42 (" + name + ") S 1 40 39 0 -1 4194560 106 0 0 0 0 0 0 0 20 0 3 0 12345 9003008 301 18446744073709551615\n"
}

func TestParseStat(t *testing.T) {
	want := entry{pid: 42, ppid: 1, group: 40, session: 39, threads: 3, state: 'S', started: 12345}
	for _, name := range []string{"cat", "", "a b", "(", ")", ") R 7 7 7", "((x))", "a\nb", "Z) Z 1 2 3 (", "\xff"} {
		if got, err := parseStat([]byte(stat(name))); got != want || err != nil {
			t.Errorf("name %q: %+v, %v, want %+v", name, got, err, want)
		}
	}
}

func TestParseStatRefusesTheRest(t *testing.T) {
	for _, text := range []string{
		"", "42", "42 (cat", "42 cat) S", ")(", "(cat) S 1 40 39", "42 (cat) S 1 40 39 0", strings.Replace(stat("x"), "42", "x", 1),
		strings.Replace(stat("x"), " S ", " SS ", 1), strings.Replace(stat("x"), " 40 ", " x ", 1),
		strings.Replace(stat("x"), "12345", "-1", 1), strings.Replace(stat("x"), " 3 0 12345", " ? 0 12345", 1),
	} {
		if got, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q: %+v without an error", text, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	for _, name := range []string{"cat", ")", "a\nb"} {
		f.Add([]byte(stat(name)))
	}
	f.Add([]byte("42 (cat) S"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := parseStat(text); err != nil && got != (entry{}) {
			t.Errorf("parseStat(%q) = %+v and %v", text, got, err)
		}
	})
}

func TestProcessTableHoldsThisProcess(t *testing.T) {
	for _, e := range processTable() {
		if e.pid == os.Getpid() {
			if e.ppid != os.Getppid() || e.dead() || e.started == 0 || e.threads < 2 {
				t.Errorf("%+v", e)
			}
			return
		}
	}
	t.Error("not found")
}

func TestOrphansOfTheMomentGetTheirNewParent(t *testing.T) {
	me, err := readEntry("self")
	if err != nil {
		t.Fatal(err)
	}
	const gone, dead, alive = 1 << 28, 1 << 29, 1 << 30 // no such processes
	for parent, want := range map[int]int{gone: me.ppid, dead: me.ppid, alive: alive, 0: 0} {
		stale := me
		stale.ppid = parent
		table := reparent([]entry{stale, {pid: dead, state: 'Z', threads: 1}, {pid: alive, state: 'S', threads: 1}})
		if got := table[0].ppid; got != want {
			t.Errorf("parent %d became %d, want %d", parent, got, want)
		}
	}
}

func TestOneWhoseFirstThreadEndedIsNotDead(t *testing.T) {
	for _, test := range []struct {
		entry
		want bool
	}{
		{entry{state: 'Z', threads: 1}, true},
		{entry{state: 'Z'}, true},
		{entry{state: 'X'}, true},
		{entry{state: 'Z', threads: 2}, false},
		{entry{state: 'S', threads: 1}, false},
		{entry{state: 'T', threads: 1}, false},
	} {
		if got := test.dead(); got != test.want {
			t.Errorf("%+v: dead = %v", test.entry, got)
		}
	}
}
