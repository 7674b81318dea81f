package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorun/supervisor/app/jobs"
	"gorun/supervisor/hooks"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// mail is a network where webhooks are answered at once; at /hangs never.
type mail struct {
	begun time.Time

	mu   sync.Mutex
	seen []string
}

func (m *mail) RoundTrip(r *http.Request) (*http.Response, error) {
	var n struct{ Event, Reason, Exit, Next string }
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.seen = append(m.seen, fmt.Sprintf("%v %s by %s: %s, %s", time.Since(m.begun), n.Event, n.Reason, n.Exit, n.Next))
	m.mu.Unlock()
	if r.URL.Path == "/hangs" {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("ok"))}, nil
}

func wantMail(t *testing.T, s *stage, want ...string) {
	t.Helper()
	s.mail.mu.Lock()
	defer s.mail.mu.Unlock()
	if got := slices.Sorted(slices.Values(s.mail.seen)); !slices.Equal(got, want) {
		t.Errorf("hooks heard:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// webhooks makes an app tell of everything.
func webhooks(path string) func(*spec.App) {
	return func(a *spec.App) {
		hook := hooks.Defaults()
		hook.Webhook = "https://hooks.example" + path
		a.OnExit, a.OnRestart, a.OnGiveup = []hooks.Hook{hook}, []hooks.Hook{hook}, []hooks.Hook{hook}
	}
}

const resumes = "online when it is ready"

func TestHooksHearOfEveryEndUntilTheWorkerIsGivenUp(t *testing.T) {
	enact(t, []part{daemon("api", crashes).but(webhooks("/"))}, Options{}, func(s *stage) {
		wantEnd(t, s, 1, 2*time.Second)
		wantMail(t, s,
			"0s exit by exit: exit 1, restart in 1s",
			"1s exit by exit: exit 1, restart in 1s",
			"1s restart by exit: exit 1, "+resumes,
			"2s exit by exit: exit 1, given up: errored",
			"2s giveup by exit: exit 1, given up: errored",
			"2s restart by exit: exit 1, "+resumes)
	})
}

func TestHooksHearOfAJobsEnd(t *testing.T) {
	enact(t, []part{job("api", crashes.with(0).after(time.Second)).but(webhooks("/"))}, Options{}, func(s *stage) {
		wantEnd(t, s, 0, time.Second)
		wantMail(t, s, "1s exit by exit: exit 0, stays stopped")
	})
}

func TestHooksHearOfAProgramThatCannotBeStarted(t *testing.T) {
	gone := fate{err: &os.PathError{Op: "exec", Path: "/gone", Err: os.ErrNotExist}}
	enact(t, []part{job("api", gone).but(webhooks("/"))}, Options{}, func(s *stage) {
		wantEnd(t, s, 127, 0)
		wantMail(t, s, "0s exit by exit: exit 127 = exec /gone: file does not exist, stays stopped")
	})
}

func TestHooksHearNothingOfWhatSomebodyHasAskedFor(t *testing.T) {
	enact(t, []part{daemon("api", serves).but(webhooks("/"))}, Options{}, func(s *stage) {
		for _, verb := range []spec.Verb{spec.Restart, spec.Reload, spec.Stop, spec.Start, spec.Restart} {
			if _, _, err := s.do(spec.Order{Verb: verb, Targets: theAPI[:]}); err != nil {
				t.Fatal(err)
			}
			s.passes(time.Minute)
		}
		s.cancel()
		s.end()
		wantMail(t, s)
	})
}

func TestHooksHearOfARestartByTheClock(t *testing.T) {
	for name, change := range map[string]func(*spec.App){"beside": shares, "after": func(*spec.App) {}} {
		t.Run(name, func(t *testing.T) {
			enact(t, []part{daemon("api", serves).but(change).but(webhooks("/"))}, Options{}, func(s *stage) {
				s.passes(time.Minute)
				if err := do(context.Background(), s.apps.all()[0], &jobs.Command{Verb: spec.Reload, Reason: status.ByCron}, func(status.Progress) {}); err != nil {
					t.Fatal(err)
				}
				s.passes(time.Minute)
				want := "1m0s restart by cron: exit 143 = SIGTERM, " + resumes
				if name == "beside" { // told when it takes over; the other has not ended yet
					want = "1m1s restart by cron: , " + resumes
				}
				wantMail(t, s, want)
			})
		})
	}
}

func TestHooksHearOfAWorkerThatMisbehaves(t *testing.T) {
	api := daemon("api", serves).but(func(a *spec.App) { a.Watchdog = 10 * time.Second }).but(webhooks("/"))
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(12 * time.Second)
		wantMail(t, s, "10.1s exit by watchdog: exit 143 = SIGTERM, restart in 1s", "11.1s restart by watchdog: exit 143 = SIGTERM, "+resumes)
	})
}

func TestAHookThatHangsDelaysNoRestart(t *testing.T) {
	var want []string
	for _, hooked := range []bool{false, true} {
		api := daemon("api", crashes.after(5*time.Second))
		if hooked {
			api = api.but(webhooks("/hangs"))
		}
		enact(t, []part{api}, Options{}, func(s *stage) {
			s.passes(time.Minute)
			if steps := s.film.of("api/0"); hooked && !slices.Equal(steps, want) {
				t.Errorf("steps %q, without hooks %q", steps, want)
			} else if !hooked {
				want = steps
			}
		})
	}
}

func TestTheEndOfGorunWaitsForAHookALittle(t *testing.T) {
	enact(t, []part{job("api", crashes).but(webhooks("/hangs"))}, Options{}, func(s *stage) {
		wantEnd(t, s, 1, hookGrace)
		if !s.film.said("events not delivered to hooks events=1") {
			t.Error("it is not said")
		}
	})
}

func TestASecondSignalDoesNotWaitForAHook(t *testing.T) {
	enact(t, []part{job("api", crashes).but(webhooks("/hangs"))}, Options{}, func(s *stage) {
		s.passes(time.Second)
		s.kill()
		wantEnd(t, s, 1, time.Second)
	})
}

func TestAStopThatTakesLongDoesNotWaitForAHookBesides(t *testing.T) {
	parts := []part{daemon("slow", refuses), daemon("api", crashes).critical().but(webhooks("/hangs"))}
	enact(t, parts, Options{}, func(s *stage) {
		wantEnd(t, s, 1, 10*time.Second) // 2 s until it is given up, and kill_timeout
	})
}

// What follows runs real commands.

// hookOf is a hook that runs this binary with the given words.
func hookOf(words ...string) hooks.Hook {
	hook := hooks.Defaults()
	hook.Exec, hook.Retries = append([]string{os.Args[0], "worker"}, words...), 0
	return hook
}

func TestACommandIsToldOfAnEnd(t *testing.T) {
	app := once("api", "exit", "3")
	app.Dir = t.TempDir()
	app.OnExit = []hooks.Hook{hookOf("note", "told.json")}
	r := run(t, app)
	r.wait(t, 3)
	text, err := os.ReadFile(filepath.Join(app.Dir, "told.json"))
	if err != nil {
		t.Fatalf("%v; gorun said:\n%s", err, r.err)
	}
	var told struct {
		Environ []string
		Input   struct {
			Event string
			Code  int
			Pid   int
		}
	}
	if err := json.Unmarshal(text, &told); err != nil || told.Input.Event != "exit" || told.Input.Code != 3 || told.Input.Pid == 0 {
		t.Errorf("%v: %+v", err, told.Input)
	}
	for _, want := range []string{"GORUN_EVENT=exit", "GORUN_APP=api", "GORUN_INSTANCE=0", "GORUN_EXIT=exit 3", "GORUN_EXIT_CODE=3", "GORUN_NEXT=stays stopped", "name=api"} {
		if !slices.Contains(told.Environ, want) {
			t.Errorf("%s is not in its environment: %q", want, told.Environ)
		}
	}
}

func TestACommandThatFailsIsQuoted(t *testing.T) {
	app := once("api", "exit", "3")
	app.OnExit = []hooks.Hook{hookOf("complain", "no such channel")}
	r := run(t, app)
	r.wait(t, 3)
	for _, part := range []string{"hook failed", "worker=api/0", `error="exit 1"`, "\n  no such channel\n"} {
		if !strings.Contains(r.err.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, r.err)
		}
	}
}

func TestAFloodOfACommandIsBounded(t *testing.T) {
	app := once("api", "exit", "3")
	app.OnExit = []hooks.Hook{hookOf("complain", strings.Repeat("x", 100<<10))}
	r := run(t, app)
	r.wait(t, 3)
	if n := len(r.err.String()); n > 8<<10 {
		t.Errorf("gorun wrote %d bytes", n)
	}
}
