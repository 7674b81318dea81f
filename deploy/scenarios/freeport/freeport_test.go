package freeport

import (
	"net"
	"strconv"
	"testing"
)

func TestTakenPortIsFreeAndNobodyElsesUntilTheEnd(t *testing.T) {
	var port int
	t.Run("holder", func(t *testing.T) {
		port = Take(t)
		if port < first || port >= beyond || !isFree(t, port) {
			t.Errorf("port %d", port)
		}
		if reserve(t, port) {
			t.Errorf("port %d is given twice", port)
		}
	})
	if !reserve(t, port) {
		t.Errorf("port %d stays held", port)
	}
}

func TestPortInUseIsNotFree(t *testing.T) {
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := net.Listen(network, "localhost:0")
		if err != nil {
			t.Skipf("no %s: %v", network, err)
		}
		defer l.Close()
		_, digits, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		port, err := strconv.Atoi(digits)
		if err != nil {
			t.Fatal(err)
		}
		if isFree(t, port) {
			t.Errorf("%s port %d is told free", network, port)
		}
	}
}
