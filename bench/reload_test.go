package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const reloadNews = "" +
	"api/0  reloaded: pid 17 → 20, online after 78ms\n" +
	"api/1  reloaded: pid 18 → 21, online after 1.203s\n" +
	"api/2  reloaded: pid 19 → 22, online after 77ms\n" +
	"api/3  reloaded: pid 16 → 23, online after 68ms\n" +
	"api  reload done in 1.5s\n"

func TestStartUps(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		text string
		want []time.Duration
		bad  bool
	}{
		{"four workers", reloadNews, []time.Duration{78 * ms, 1203 * ms, 77 * ms, 68 * ms}, false},
		{"nothing", "", nil, true},
		{"too few", strings.Join(strings.SplitAfter(reloadNews, "\n")[:3], ""), nil, true},
		{"no duration", strings.Replace(reloadNews, "78ms", "soon", 1), nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := startUps(c.text)
			if !slices.Equal(got, c.want) || (err != nil) != c.bad {
				t.Errorf("startUps(%q) = %v, %v", c.text, got, err)
			}
		})
	}
}

func TestReloadIsMeasuredByItsOwnStarts(t *testing.T) {
	var r result
	done := reloading{took: 5 * time.Second, text: reloadNews, browsers: requestCount{answered: 9, failed: map[string]int{"EOF": 2, "reset": 1}}}
	if err := r.addReload(gorun, "keep-alive", done); err != nil {
		t.Fatal(err)
	}
	for quantity, want := range map[string]float64{
		"keep-alive" + beyond: 188, "keep-alive" + rest: 3574, "keep-alive" + startUp: 1203, "keep-alive" + failures: 3, "keep-alive" + failures + ": EOF": 2,
	} {
		if got := r.median(gorun, quantity); got != want {
			t.Errorf("%s = %v, want %v", quantity, got, want)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	var one, other requestCount
	one.note(1, nil)
	one.note(2, nil)
	one.note(1, io.EOF)
	other.note(3, fmt.Errorf("visit: %w", &net.OpError{Op: "read", Err: syscall.ECONNRESET}))
	other.note(1, errors.New("EOF"))
	other.note(1, fmt.Errorf("visit: %w", context.DeadlineExceeded))
	all := one.plus(other)
	if all.answered != 2 || all.again != 3 || all.failures() != 4 || all.failed["EOF"] != 2 {
		t.Errorf("requestCount = %+v", all)
	}
	if want := []string{"EOF", "connection reset by peer", "no answer within 5s"}; !slices.Equal(all.causes(), want) {
		t.Errorf("causes = %q, want %q", all.causes(), want)
	}
}

func TestBrowsersCountWhatFails(t *testing.T) {
	for _, kind := range traffics() {
		t.Run(kind.quantity, func(t *testing.T) {
			var requests atomic.Int64
			enough := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				switch requests.Add(1) {
				case 5:
					w.WriteHeader(http.StatusServiceUnavailable)
				case 100:
					close(enough)
				}
			}))
			defer server.Close()
			address, is := server.Listener.Addr().(*net.TCPAddr)
			if !is {
				t.Fatal("no TCP address")
			}
			v := browse(t.Context(), kind, address.Port)
			<-enough
			got := v.leave()
			if got.again != 0 || got.failed["the answer is 503 Service Unavailable"] != 1 || got.failures() != 1 || got.answered+1 != int(requests.Load()) {
				t.Errorf("requestCount = %+v of %d requests", got, requests.Load())
			}
			if again := v.leave(); again.answered != got.answered {
				t.Errorf("leaving once more = %+v", again)
			}
		})
	}
}
