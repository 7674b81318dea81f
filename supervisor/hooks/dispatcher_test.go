package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// testDispatcher is a Dispatcher in a synctest bubble, and the log of its jobs.
type testDispatcher struct {
	*Dispatcher
	start time.Time

	mu   sync.Mutex
	log  []string
	text bytes.Buffer
}

// inBubble runs f in a synctest bubble.
func inBubble(t *testing.T, by http.RoundTripper, f func(o *testDispatcher)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		o := &testDispatcher{start: time.Now()}
		o.Dispatcher = New(Options{Log: slog.New(slog.NewTextHandler(o, &slog.HandlerOptions{ReplaceAttr: withoutTime})), Transport: by})
		f(o)
		o.Close(context.Background())
	})
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// Write takes the lines of its log.
func (o *testDispatcher) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *testDispatcher) output() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// record logs when something happened.
func (o *testDispatcher) record(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = append(o.log, fmt.Sprint(time.Since(o.start), " ", what))
}

func (o *testDispatcher) want(t *testing.T, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.log, want) {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(o.log, "\n  "), strings.Join(want, "\n  "))
	}
}

// advance lets so much time pass, and everything due in it happen.
func advance(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// responses is a network where each request gets the next status, and the last
// one for ever; 0 is no response.
type responses struct {
	mu        sync.Mutex
	statuses  []int
	header    http.Header
	onRequest func(text string)
}

func (a *responses) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	status := a.statuses[0]
	if len(a.statuses) > 1 {
		a.statuses = a.statuses[1:]
	}
	a.onRequest(fmt.Sprint(r.URL.Path, " ", status))
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Header: a.header, Body: io.NopCloser(strings.NewReader(""))}, nil
}

// web is a webhook with the defaults.
func web(path string) Hook {
	hook := Defaults()
	hook.Webhook = "https://hooks.example" + path
	return hook
}

// command is a command with the defaults.
func command(argv ...string) Hook {
	hook := Defaults()
	hook.Exec = argv
	return hook
}

func TestAWebhookIsTriedAgain(t *testing.T) {
	network := &responses{statuses: []int{500, 0, 429, 200}}
	inBubble(t, network, func(o *testDispatcher) {
		network.onRequest = o.record
		o.Dispatch(crash(), []Hook{web("/a")}, nil)
		advance(time.Minute)
		o.want(t, "0s /a 500", "1s /a 0", "3s /a 429", "7s /a 200")
		if o.output() != "" {
			t.Errorf("it logged: %s", o.output())
		}
	})
}

func TestAServerThatAsksForTimeGetsIt(t *testing.T) {
	network := &responses{statuses: []int{503, 200}, header: http.Header{"Retry-After": {"20"}}}
	inBubble(t, network, func(o *testDispatcher) {
		network.onRequest = o.record
		o.Dispatch(crash(), []Hook{web("/a")}, nil)
		advance(time.Minute)
		o.want(t, "0s /a 503", "20s /a 200")
	})
}

func TestAFailureIsLoggedOnceAndWithoutTheSecret(t *testing.T) {
	network := &responses{statuses: []int{404}, onRequest: func(string) {}}
	inBubble(t, network, func(o *testDispatcher) {
		o.Dispatch(crash(), []Hook{web("/SECRET")}, nil)
		advance(time.Minute)
		want := `level=ERROR msg="hook failed" worker=api/2 event=exit hook="webhook hooks.example" error="answered 404 Not Found" tries=1 lines=[]` + "\n"
		if got := o.output(); got != want {
			t.Errorf("it logged: %s", got)
		}
	})
}

func TestACommandThatFailsIsTriedAgainAndItsLastLinesAreLogged(t *testing.T) {
	inBubble(t, nil, func(o *testDispatcher) {
		o.Dispatch(crash(), []Hook{command("/bin/notify")}, func(_ context.Context, c Command) ([]string, error) {
			o.record(strings.Join(c.Argv, " ") + " " + c.Environ[0])
			return []string{"no such channel"}, errors.New("exit 3")
		})
		advance(time.Minute)
		o.want(t, "0s /bin/notify GORUN_EVENT=exit", "1s /bin/notify GORUN_EVENT=exit", "3s /bin/notify GORUN_EVENT=exit", "7s /bin/notify GORUN_EVENT=exit")
		if got := o.output(); !strings.Contains(got, `error="exit 3" tries=4 lines="[no such channel]"`) {
			t.Errorf("it logged: %s", got)
		}
	})
}

func TestACommandThatIsNotThereIsTriedOnce(t *testing.T) {
	inBubble(t, nil, func(o *testDispatcher) {
		o.Dispatch(crash(), []Hook{command("/gone")}, func(context.Context, Command) ([]string, error) {
			return nil, fmt.Errorf("start: %w", fs.ErrNotExist)
		})
		advance(time.Minute)
		if got := o.output(); !strings.Contains(got, "tries=1") {
			t.Errorf("it logged: %s", got)
		}
	})
}

// hang is a command that hangs.
func (o *testDispatcher) hang(ctx context.Context, c Command) ([]string, error) {
	o.record(c.Argv[0] + " began")
	<-ctx.Done()
	o.record(c.Argv[0] + " was ended")
	return nil, ctx.Err()
}

func TestATryEndsAtItsTimeLimit(t *testing.T) {
	inBubble(t, nil, func(o *testDispatcher) {
		hook := command("hang")
		hook.Retries = 1
		o.Dispatch(crash(), []Hook{hook}, o.hang)
		advance(time.Minute)
		o.want(t, "0s hang began", "10s hang was ended", "11s hang began", "21s hang was ended")
		if got := o.output(); !strings.Contains(got, "not done within its timeout of 10s") {
			t.Errorf("it logged: %s", got)
		}
	})
}

func TestAHookThatHangsHoldsUpNobodyElse(t *testing.T) {
	inBubble(t, nil, func(o *testDispatcher) {
		run := func(ctx context.Context, c Command) ([]string, error) {
			if c.Argv[0] == "hang" {
				return o.hang(ctx, c)
			}
			o.record(c.Argv[0])
			return nil, nil
		}
		hang := command("hang")
		hang.Retries = 0
		for range 2 {
			o.Dispatch(crash(), []Hook{hang, command("quick")}, run)
			advance(time.Second)
		}
		advance(time.Minute)
		if len(o.log) != 6 || !strings.Contains(strings.Join(o.log, "\n"), "1s quick") {
			t.Errorf("got %q", o.log)
		}
	})
}

func TestEventsOfOneHookStayInOrder(t *testing.T) {
	inBubble(t, nil, func(o *testDispatcher) {
		for i := range 10 {
			o.Dispatch(crash().with(func(n *Event) { n.Instance = i }), []Hook{command("a")}, func(_ context.Context, c Command) ([]string, error) {
				wait(context.Background(), time.Second)
				o.record(c.Environ[2])
				return nil, nil
			})
		}
		advance(time.Minute)
		if len(o.log) != 10 || o.log[9] != "10s GORUN_INSTANCE=9" {
			t.Errorf("got %q", o.log)
		}
	})
}

func TestOfTooManyEventsTheOldestAreDropped(t *testing.T) {
	inBubble(t, nil, func(o *testDispatcher) {
		dispatch := func(i int) {
			o.Dispatch(crash().with(func(n *Event) { n.Instance = i }), []Hook{command("slow")}, func(_ context.Context, c Command) ([]string, error) {
				wait(context.Background(), time.Second)
				o.record(c.Environ[2])
				return nil, nil
			})
		}
		dispatch(0)
		synctest.Wait() // that one is on its way
		for i := 1; i <= maxWaiting+5; i++ {
			dispatch(i)
		}
		advance(2 * time.Hour)
		if len(o.log) != 1+maxWaiting || o.log[1] != "2s GORUN_INSTANCE=6" {
			t.Errorf("%d events: %q", len(o.log), o.log[:2])
		}
		if got := o.output(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "events dropped\" app=api hook=\"exec slow\" events=5") {
			t.Errorf("it logged: %s", got)
		}
	})
}

func TestTheEndWaitsForWhatIsOnItsWay(t *testing.T) {
	network := &responses{statuses: []int{500, 200}}
	inBubble(t, network, func(o *testDispatcher) {
		network.onRequest = o.record
		o.Dispatch(crash(), []Hook{web("/a")}, nil)
		o.Close(context.Background())
		o.record("closed")
		o.want(t, "0s /a 500", "1s /a 200", "1s closed")
		o.Dispatch(crash(), []Hook{web("/too-late")}, nil)
		advance(time.Minute)
		if len(o.log) != 3 || o.output() != "" {
			t.Errorf("got %q, and it logged: %s", o.log, o.output())
		}
	})
}

func TestTheEndDoesNotWaitForEver(t *testing.T) {
	inBubble(t, nil, func(o *testDispatcher) {
		for range 3 {
			o.Dispatch(crash(), []Hook{command("hang")}, o.hang)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		o.Close(ctx)
		o.record("closed")
		o.want(t, "0s hang began", "5s hang was ended", "5s closed")
		if got := o.output(); !strings.Contains(got, "events not delivered to hooks\" events=3") {
			t.Errorf("it logged: %s", got)
		}
	})
}

func TestTheEndCutsAPauseShort(t *testing.T) {
	network := &responses{statuses: []int{500}, onRequest: func(string) {}}
	inBubble(t, network, func(o *testDispatcher) {
		o.Dispatch(crash(), []Hook{web("/a")}, nil)
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		o.Close(ctx)
		if took := time.Since(o.start); took != 0 || !strings.Contains(o.output(), "events=1") {
			t.Errorf("it took %v and said: %s", took, o.output())
		}
	})
}
