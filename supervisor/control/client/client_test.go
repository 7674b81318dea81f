package client

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// serve answers every request by the handler until the test ends.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	c, err := Dial(t.Context(), Address{Socket: socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestABrokenStreamIsNoSuccess(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{\"text\":\"one\"}\n")) })
	var last error
	for _, err := range c.Order(t.Context(), Order{}) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "broke off") {
		t.Errorf("Order: %v", last)
	}
}

func TestAnErrorWithoutTextNamesTheStatus(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	_, err := c.Ping(t.Context())
	reply, ok := err.(*ReplyError) //nolint:errorlint // Ping wraps nothing
	if !ok || reply.Status != http.StatusBadGateway || !strings.Contains(reply.Text, "502") {
		t.Errorf("Ping: %v", err)
	}
}
