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

// office is a herald in a bubble, where minutes pass in no time, and what came
// of its errands.
type office struct {
	*Dispatcher
	begun time.Time

	mu    sync.Mutex
	notes []string
	text  bytes.Buffer
}

// inOffice runs f in a bubble.
func inOffice(t *testing.T, by http.RoundTripper, f func(o *office)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		o := &office{begun: time.Now()}
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
func (o *office) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *office) said() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// note notes when something happened.
func (o *office) note(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = append(o.notes, fmt.Sprint(time.Since(o.begun), " ", what))
}

func (o *office) want(t *testing.T, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.notes, want) {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(o.notes, "\n  "), strings.Join(want, "\n  "))
	}
}

// passes lets so much time pass, and all that happens in it happen.
func passes(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// answers is a network where each request is answered with the next status, the
// last one for ever; 0 is none.
type answers struct {
	mu       sync.Mutex
	statuses []int
	header   http.Header
	heard    func(text string)
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	status := a.statuses[0]
	if len(a.statuses) > 1 {
		a.statuses = a.statuses[1:]
	}
	a.heard(fmt.Sprint(r.URL.Path, " ", status))
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
	network := &answers{statuses: []int{500, 0, 429, 200}}
	inOffice(t, network, func(o *office) {
		network.heard = o.note
		o.Dispatch(crash(), []Hook{web("/a")}, nil)
		passes(time.Minute)
		o.want(t, "0s /a 500", "1s /a 0", "3s /a 429", "7s /a 200")
		if o.said() != "" {
			t.Errorf("it said: %s", o.said())
		}
	})
}

func TestAServerThatAsksForTimeGetsIt(t *testing.T) {
	network := &answers{statuses: []int{503, 200}, header: http.Header{"Retry-After": {"20"}}}
	inOffice(t, network, func(o *office) {
		network.heard = o.note
		o.Dispatch(crash(), []Hook{web("/a")}, nil)
		passes(time.Minute)
		o.want(t, "0s /a 503", "20s /a 200")
	})
}

func TestAFailureIsToldOnceAndWithoutTheSecret(t *testing.T) {
	network := &answers{statuses: []int{404}, heard: func(string) {}}
	inOffice(t, network, func(o *office) {
		o.Dispatch(crash(), []Hook{web("/SECRET")}, nil)
		passes(time.Minute)
		want := `level=ERROR msg="hook failed" worker=api/2 event=exit hook="webhook hooks.example" error="answered 404 Not Found" tries=1 lines=[]` + "\n"
		if got := o.said(); got != want {
			t.Errorf("it said: %s", got)
		}
	})
}

func TestACommandThatFailsIsTriedAgainAndItsLastWordsAreTold(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.Dispatch(crash(), []Hook{command("/bin/notify")}, func(_ context.Context, c Command) ([]string, error) {
			o.note(strings.Join(c.Argv, " ") + " " + c.Environ[0])
			return []string{"no such channel"}, errors.New("exit 3")
		})
		passes(time.Minute)
		o.want(t, "0s /bin/notify GORUN_EVENT=exit", "1s /bin/notify GORUN_EVENT=exit", "3s /bin/notify GORUN_EVENT=exit", "7s /bin/notify GORUN_EVENT=exit")
		if got := o.said(); !strings.Contains(got, `error="exit 3" tries=4 lines="[no such channel]"`) {
			t.Errorf("it said: %s", got)
		}
	})
}

func TestACommandThatIsNotThereIsTriedOnce(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.Dispatch(crash(), []Hook{command("/gone")}, func(context.Context, Command) ([]string, error) {
			return nil, fmt.Errorf("start: %w", fs.ErrNotExist)
		})
		passes(time.Minute)
		if got := o.said(); !strings.Contains(got, "tries=1") {
			t.Errorf("it said: %s", got)
		}
	})
}

// hang is a command that hangs.
func (o *office) hang(ctx context.Context, c Command) ([]string, error) {
	o.note(c.Argv[0] + " began")
	<-ctx.Done()
	o.note(c.Argv[0] + " was ended")
	return nil, ctx.Err()
}

func TestATryEndsAtItsTimeLimit(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		hook := command("hang")
		hook.Retries = 1
		o.Dispatch(crash(), []Hook{hook}, o.hang)
		passes(time.Minute)
		o.want(t, "0s hang began", "10s hang was ended", "11s hang began", "21s hang was ended")
		if got := o.said(); !strings.Contains(got, "not done within its timeout of 10s") {
			t.Errorf("it said: %s", got)
		}
	})
}

func TestAHookThatHangsHoldsUpNobodyElse(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		run := func(ctx context.Context, c Command) ([]string, error) {
			if c.Argv[0] == "hang" {
				return o.hang(ctx, c)
			}
			o.note(c.Argv[0])
			return nil, nil
		}
		hang := command("hang")
		hang.Retries = 0
		for range 2 {
			o.Dispatch(crash(), []Hook{hang, command("quick")}, run)
			passes(time.Second)
		}
		passes(time.Minute)
		if len(o.notes) != 6 || !strings.Contains(strings.Join(o.notes, "\n"), "1s quick") {
			t.Errorf("got %q", o.notes)
		}
	})
}

func TestNotesOfOneHookStayInOrder(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		for i := range 10 {
			o.Dispatch(crash().with(func(n *Event) { n.Instance = i }), []Hook{command("a")}, func(_ context.Context, c Command) ([]string, error) {
				wait(context.Background(), time.Second)
				o.note(c.Environ[2])
				return nil, nil
			})
		}
		passes(time.Minute)
		if len(o.notes) != 10 || o.notes[9] != "10s GORUN_INSTANCE=9" {
			t.Errorf("got %q", o.notes)
		}
	})
}

func TestOfTooManyNotesTheOldestAreDropped(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		tell := func(i int) {
			o.Dispatch(crash().with(func(n *Event) { n.Instance = i }), []Hook{command("slow")}, func(_ context.Context, c Command) ([]string, error) {
				wait(context.Background(), time.Second)
				o.note(c.Environ[2])
				return nil, nil
			})
		}
		tell(0)
		synctest.Wait() // that one is on its way
		for i := 1; i <= maxWaiting+5; i++ {
			tell(i)
		}
		passes(2 * time.Hour)
		if len(o.notes) != 1+maxWaiting || o.notes[1] != "2s GORUN_INSTANCE=6" {
			t.Errorf("%d notes: %q", len(o.notes), o.notes[:2])
		}
		if got := o.said(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "notes dropped\" app=api hook=\"exec slow\" notes=5") {
			t.Errorf("it said: %s", got)
		}
	})
}

func TestTheEndWaitsForWhatIsOnItsWay(t *testing.T) {
	network := &answers{statuses: []int{500, 200}}
	inOffice(t, network, func(o *office) {
		network.heard = o.note
		o.Dispatch(crash(), []Hook{web("/a")}, nil)
		o.Close(context.Background())
		o.note("closed")
		o.want(t, "0s /a 500", "1s /a 200", "1s closed")
		o.Dispatch(crash(), []Hook{web("/too-late")}, nil)
		passes(time.Minute)
		if len(o.notes) != 3 || o.said() != "" {
			t.Errorf("got %q, and it said: %s", o.notes, o.said())
		}
	})
}

func TestTheEndDoesNotWaitForEver(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		for range 3 {
			o.Dispatch(crash(), []Hook{command("hang")}, o.hang)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		o.Close(ctx)
		o.note("closed")
		o.want(t, "0s hang began", "5s hang was ended", "5s closed")
		if got := o.said(); !strings.Contains(got, "hooks were not told\" notes=3") {
			t.Errorf("it said: %s", got)
		}
	})
}

func TestTheEndCutsAPauseShort(t *testing.T) {
	network := &answers{statuses: []int{500}, heard: func(string) {}}
	inOffice(t, network, func(o *office) {
		o.Dispatch(crash(), []Hook{web("/a")}, nil)
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		o.Close(ctx)
		if took := time.Since(o.begun); took != 0 || !strings.Contains(o.said(), "notes=1") {
			t.Errorf("it took %v and said: %s", took, o.said())
		}
	})
}
