package record

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

func nobody(int) string { return "" }

// L34: it is said where the other one is an app of the same gorun, also of the end of
// what Node prints.
func TestL34AnotherAppOnThePortIsNamed(t *testing.T) {
	shop := func(port int) string { return map[int]string{8080: "shop"}[port] }
	for _, lines := range [][]string{
		{"Error: bind EADDRINUSE null:8080", "    at listenOnPrimaryHandle (node:net:1989:18)"},
		{"    at x (node:net:1989:18) {", "  errno: -98,", "  code: 'EADDRINUSE',", "  syscall: 'bind',", "  address: null,", "  port: 8080", "}"},
		{"listen tcp 0.0.0.0:8080: bind: address already in use"},
	} {
		if got := hint(lines, 0, shop); !strings.Contains(got, "shop") || !strings.Contains(got, ":8080") {
			t.Errorf("hint(%q) = %q", lines, got)
		}
	}
}

func TestAnAddressInUseIsExplained(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, digits, _ := net.SplitHostPort(listener.Addr().String())
	port, _ := strconv.Atoi(digits)
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("EADDRINUSE :%d, held by pid %d (%s)", port, os.Getpid(), bytes.TrimSpace(comm))
	for _, line := range []string{
		"Error: listen EADDRINUSE: address already in use :::%d",
		"2026/11/21 08:30:45 listen tcp 127.0.0.1:%d: bind: address already in use",
		`{"level":50,"pid":12,"hostname":"a","msg":"listen EADDRINUSE: address already in use 127.0.0.1:%d","v":11,"x":33}`,
	} {
		if got := hint([]string{"started", fmt.Sprintf(line, port)}, 0, nobody); got != want {
			t.Errorf("hint(%q) = %q, want %q", line, got, want)
		}
	}
	if got := hint([]string{"OSError: [Errno 98] Address already in use"}, port, nobody); got != want {
		t.Errorf("hint without a port in the line = %q, want %q", got, want)
	}
}

func TestHintsWithoutAnybodyToName(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"Address already in use", "the address is in use"},
		{"listen tcp :1: address already in use", "the address is in use"},
		{"listen tcp :99999: address already in use", "the address is in use"},
		{"listen unix /tmp/x: bind: address already in use", "the address is in use"},
		{"/usr/bin/node: --import is not allowed in NODE_OPTIONS", "node_metrics takes Node 18.18 or newer"},
		{"out of cheese", ""},
	} {
		if got := hint([]string{test.line}, 0, nobody); got != test.want {
			t.Errorf("hint(%q) = %q, want %q", test.line, got, test.want)
		}
	}
}
