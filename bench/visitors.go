package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	visitorCount = 16
	visitorRest  = 10 * time.Millisecond // between an answer and the next request
	visitorLimit = 5 * time.Second       // a request without an answer for so long is lost
)

// visitors ask for a page until they leave. Unlike clients they leave the
// processors some rest, and go on when a request fails.
type visitors struct {
	page    string
	client  *http.Client
	stop    context.CancelFunc
	tallies chan tally
	left    func() tally
}

// tally is what became of requests.
type tally struct {
	answered int
	again    int            // how often net/http sent one once more, unasked
	failed   map[string]int // by cause
}

// visit sends visitors to a port of loopback.
func visit(ctx context.Context, t traffic, port int) *visitors {
	visiting, stop := context.WithCancel(ctx)
	v := &visitors{
		page: "http://127.0.0.1:" + strconv.Itoa(port) + "/",
		client: &http.Client{
			Transport: &http.Transport{DisableKeepAlives: t.once, MaxIdleConnsPerHost: visitorCount},
			Timeout:   visitorLimit,
		},
		stop:    stop,
		tallies: make(chan tally, visitorCount),
	}
	v.left = sync.OnceValue(v.collect)
	for range visitorCount {
		go func() { v.tallies <- v.roam(ctx, visiting) }()
	}
	return v
}

// leave lets every visitor wait for its last answer, and tells what became of
// all requests. It may be called again.
func (v *visitors) leave() tally {
	v.stop()
	return v.left()
}

func (v *visitors) collect() tally {
	var all tally
	for range visitorCount {
		all = all.plus(<-v.tallies)
	}
	v.client.CloseIdleConnections()
	return all
}

// roam is one visitor. Its requests outlive visiting, so that leaving makes
// none of them fail.
func (v *visitors) roam(ctx, visiting context.Context) tally {
	var mine tally
	for visiting.Err() == nil {
		tries, err := v.ask(ctx)
		if ctx.Err() != nil {
			return mine
		}
		mine.note(tries, err)
		_ = pause(visiting, visitorRest)
	}
	return mine
}

// ask returns how often the request was sent, if there is an answer.
func (v *visitors) ask(ctx context.Context) (int, error) {
	tries := 0
	trace := &httptrace.ClientTrace{GetConn: func(string) { tries++ }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, v.page, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	answer, err := v.client.Do(request)
	if err != nil {
		return tries, fmt.Errorf("visit: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return tries, fmt.Errorf("read the answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return tries, errors.New("the answer is " + answer.Status)
	}
	return tries, nil
}

// note adds one request.
func (t *tally) note(tries int, err error) {
	t.again += max(tries-1, 0)
	if err == nil {
		t.answered++
		return
	}
	if t.failed == nil {
		t.failed = map[string]int{}
	}
	t.failed[cause(err)]++
}

func (t tally) plus(other tally) tally {
	all := tally{answered: t.answered + other.answered, again: t.again + other.again, failed: map[string]int{}}
	for _, one := range []tally{t, other} {
		for why, n := range one.failed {
			all.failed[why] += n
		}
	}
	return all
}

func (t tally) failures() int {
	n := 0
	for _, count := range t.failed {
		n += count
	}
	return n
}

// causes are why requests failed, in a fixed order.
func (t tally) causes() []string { return slices.Sorted(maps.Keys(t.failed)) }

// cause is the innermost error: the others name ports, which differ each time.
func cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + visitorLimit.String()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
