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
	browserCount = 16
	browserRest  = 10 * time.Millisecond // between an answer and the next request
	browserLimit = 5 * time.Second       // a request without an answer for so long is lost
)

// browsers ask for a page until they leave. Unlike clients they leave the
// processors some rest, and go on when a request fails.
type browsers struct {
	page    string
	client  *http.Client
	stop    context.CancelFunc
	results chan requestCount
	left    func() requestCount
}

// requestCount is what became of requests.
type requestCount struct {
	answered int
	again    int            // how often net/http sent one once more, unasked
	failed   map[string]int // by cause
}

// browse sends browsers to a port of loopback.
func browse(ctx context.Context, t traffic, port int) *browsers {
	browsing, stop := context.WithCancel(ctx)
	b := &browsers{
		page: "http://127.0.0.1:" + strconv.Itoa(port) + "/",
		client: &http.Client{
			Transport: &http.Transport{DisableKeepAlives: t.once, MaxIdleConnsPerHost: browserCount},
			Timeout:   browserLimit,
		},
		stop:    stop,
		results: make(chan requestCount, browserCount),
	}
	b.left = sync.OnceValue(b.collect)
	for range browserCount {
		go func() { b.results <- b.run(ctx, browsing) }()
	}
	return b
}

// leave lets every browser wait for its last answer, and tells what became of
// all requests. It may be called again.
func (b *browsers) leave() requestCount {
	b.stop()
	return b.left()
}

func (b *browsers) collect() requestCount {
	var all requestCount
	for range browserCount {
		all = all.plus(<-b.results)
	}
	b.client.CloseIdleConnections()
	return all
}

// run is one browser. Its requests outlive browsing, so that leaving makes
// none of them fail.
func (b *browsers) run(ctx, browsing context.Context) requestCount {
	var mine requestCount
	for browsing.Err() == nil {
		tries, err := b.ask(ctx)
		if ctx.Err() != nil {
			return mine
		}
		mine.note(tries, err)
		_ = pause(browsing, browserRest)
	}
	return mine
}

// ask returns how often the request was sent, if there is an answer.
func (b *browsers) ask(ctx context.Context) (int, error) {
	tries := 0
	trace := &httptrace.ClientTrace{GetConn: func(string) { tries++ }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, b.page, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	answer, err := b.client.Do(request)
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
func (t *requestCount) note(tries int, err error) {
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

func (t requestCount) plus(other requestCount) requestCount {
	all := requestCount{answered: t.answered + other.answered, again: t.again + other.again, failed: map[string]int{}}
	for _, one := range []requestCount{t, other} {
		for why, n := range one.failed {
			all.failed[why] += n
		}
	}
	return all
}

func (t requestCount) failures() int {
	n := 0
	for _, count := range t.failed {
		n += count
	}
	return n
}

// causes are why requests failed, in a fixed order.
func (t requestCount) causes() []string { return slices.Sorted(maps.Keys(t.failed)) }

// cause is the innermost error: the others name ports, which differ each time.
func cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + browserLimit.String()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
