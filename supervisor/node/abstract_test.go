package node

import (
	"strings"
	"testing"

	"gorun/supervisor/sockets"
)

func TestL35AbstractNamesAreNodesOwn(t *testing.T) {
	filled := func(name string) string { return name + strings.Repeat("\x00", 108-len(name)) }
	for _, test := range []struct{ version, name, want string }{
		{"1.48.0", "\x00x", "\x00x"},
		{"1.51.0", "\x00x", "\x00x"},
		{"2.0.0", "\x00x", "\x00x"},
		{"", "\x00x", "\x00x"},
		{"1.46.0", "\x00x", filled("\x00x")},
		{"1.44.2", "\x00x", filled("")},
		{"1.46.0", "\x00" + strings.Repeat("x", 107), "\x00" + strings.Repeat("x", 107)},
	} {
		if got := abstractName(test.name, test.version); got != test.want {
			t.Errorf("%q by libuv %s: %q, want %q", test.name, test.version, got, test.want)
		}
	}
	if got := (sockets.Address{Kind: sockets.Unix, Path: filled("\x00x")}).String(); got != "@x" {
		t.Errorf("shown as %q", got)
	}
}
