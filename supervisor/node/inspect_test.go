package node

import (
	"strings"
	"testing"
)

func TestL30InspectorOfOptions(t *testing.T) {
	for _, test := range []struct {
		name, environ, options string
		want                   Inspector
	}{
		{"none", "", "", Inspector{9229, false}},
		{"others", "--max-old-space-size=100", "-r x --inspect-publish-uid=http", Inspector{9229, false}},
		{"alone", "", "--inspect", Inspector{9229, true}},
		{"port", "", "--inspect=9300", Inspector{9300, true}},
		{"host and port", "", "--inspect-brk=0.0.0.0:9300", Inspector{9300, true}},
		{"IPv6", "", "--inspect=[::1]:9300", Inspector{9300, true}},
		{"host", "", "--inspect=0.0.0.0", Inspector{9229, true}},
		{"free port", "", "--inspect=0", Inspector{0, true}},
		{"port alone", "", "--inspect-port 9301", Inspector{9301, true}},
		{"older name", "", "--debug-port=9301", Inspector{9301, true}},
		{"underscore", "", "--inspect_port=9301", Inspector{9301, true}},
		{"wait", "", "--inspect-wait=9301", Inspector{9301, true}},
		{"the last counts", "", "--inspect=9300 --inspect-port=9302", Inspector{9302, true}},
		{"NODE_OPTIONS", "--inspect=9300", "", Inspector{9300, true}},
		{"the command line counts", "--inspect=9300", "--inspect=9400", Inspector{9400, true}},
		{"port here, use there", "--inspect", "--inspect-port=9400", Inspector{9400, true}},
	} {
		got := InspectorOf([]string{"A=B", "NODE_OPTIONS=" + test.environ}, strings.Fields(test.options))
		if got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestL30InspectorPortsFollowEachOther(t *testing.T) {
	for _, test := range []struct{ port, before, want int }{{9229, 0, 9229}, {9229, 3, 9232}, {0, 3, 0}, {65535, 1, 1024}, {65534, 1, 65535}} {
		if got := (Inspector{Port: test.port}).Next(test.before).Port; got != test.want {
			t.Errorf("%d after %d: %d, want %d", test.before, test.port, got, test.want)
		}
	}
}

func TestL30AddOptionKeepsTheOthers(t *testing.T) {
	got := strings.Join(AddOption([]string{"A=1", "NODE_OPTIONS=--inspect"}, "--inspect-port=9230"), " ")
	if want := "A=1 NODE_OPTIONS=--inspect --inspect-port=9230"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := AddOption(nil, "--x"); got[0] != "NODE_OPTIONS=--x" {
		t.Errorf("%q", got)
	}
}
