package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		name  string
		text  string
		whole bool
		bad   bool
	}{
		{"nothing", "", false, false},
		{"part of the status", "HTTP/1", false, false},
		{"part of the head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", false, false},
		{"part of the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", false, false},
		{"whole", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, false},
		{"whole, length amid the head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: now\r\n\r\nhello", true, false},
		{"another status", "HTTP/1.1 500 No\r\n\r\n", false, true},
		{"no length", "HTTP/1.1 200 OK\r\n\r\nhello", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole, err := complete([]byte(c.text))
			if whole != c.whole || (err != nil) != c.bad {
				t.Errorf("complete(%q) = %v, %v", c.text, whole, err)
			}
		})
	}
}

func TestRateCountsEveryAnswer(t *testing.T) {
	for _, kind := range traffics() {
		t.Run(kind.quantity, func(t *testing.T) {
			connections := make(chan struct{}, 1<<20)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte("hello\n"))
			}))
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections <- struct{}{}
				}
			}
			server.Start()
			defer server.Close()
			address, is := server.Listener.Addr().(*net.TCPAddr)
			if !is {
				t.Fatal("no TCP address")
			}
			rate, answers, err := rateOf(t.Context(), kind, address.Port, 50*time.Millisecond)
			if err != nil || rate <= 0 || float64(answers) < rate/20 {
				t.Fatalf("rateOf = %v, %d, %v", rate, answers, err)
			}
			if n := len(connections); kind.once && n < answers || !kind.once && n > clientCount {
				t.Errorf("%d connections for %d answers", n, answers)
			}
		})
	}
}

func TestRateFailsWithoutServer(t *testing.T) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	address, is := listener.Addr().(*net.TCPAddr)
	_ = listener.Close()
	if !is {
		t.Fatal("no TCP address")
	}
	if rate, _, err := rateOf(t.Context(), traffics()[0], address.Port, time.Second); err == nil {
		t.Errorf("rateOf = %v without a server", rate)
	}
}
