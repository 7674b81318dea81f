package merge

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gorun/supervisor/spec"
)

// after is a worker that answers after a delay.
func after(instance int, delay time.Duration) Worker {
	return Worker{Instance: instance, Fetch: func(ctx context.Context) (Answer, error) {
		select {
		case <-time.After(delay):
			return Answer{Body: []byte("x 1\n")}, nil
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		}
	}}
}

func TestPartialBeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		deaf := Worker{Instance: 2, Fetch: func(context.Context) (Answer, error) {
			<-time.After(time.Hour)
			return Answer{}, nil
		}}
		r := New(Options{}).Collect(t.Context(), []App{app("a", spec.Metrics{Timeout: 3 * time.Second}, after(0, time.Second), after(1, time.Minute), deaf)})
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("took %v, want the timeout", took)
		}
		if len(r.Families) != 1 || !r.Workers[0].Success() || r.Workers[0].Duration != time.Second {
			t.Errorf("%d families, report %+v, want what the first worker says", len(r.Families), r.Workers[0])
		}
		for _, w := range r.Workers[1:] {
			if w.Reason != "no answer within 3s" || w.Duration != 3*time.Second {
				t.Errorf("report %+v, want no answer within 3s", w)
			}
		}
		<-time.After(time.Hour) // the deaf one ends
	})
}

func TestAllIsDoneBeforeTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		r := New(Options{Parallel: 1}).Collect(ctx, []App{app("a", spec.Metrics{Timeout: time.Minute}, after(0, time.Second), after(1, time.Hour), after(2, 0))})
		if took := time.Since(begun); took != 9*time.Second {
			t.Errorf("took %v, want a tenth less than 10s", took)
		}
		if !r.Workers[0].Success() || r.Workers[1].Reason != errDeadline.Error() || !strings.HasPrefix(r.Workers[2].Reason, "not asked") {
			t.Errorf("reports %+v", r.Workers)
		}
	})
}

func TestACallerThatLeavesDoesNotEndTheScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, apps := New(Options{}), []App{app("a", spec.Metrics{}, after(0, time.Second))}
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if r := m.Collect(ctx, apps); r.Workers[0].Reason != "gone" || len(r.Families) != 0 {
				t.Errorf("first caller: %+v, want nothing", r)
			}
		})
		synctest.Wait()
		cancel(errors.New("gone"))
		wg.Go(func() {
			if r := m.Collect(t.Context(), apps); !r.Workers[0].Success() {
				t.Errorf("second caller: %+v, want the worker's answer", r)
			}
		})
		wg.Wait()
	})
}

func TestScrapesAreSharedAndReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		slow := Worker{Fetch: func(context.Context) (Answer, error) {
			asked.Add(1)
			<-time.After(500 * time.Millisecond)
			return Answer{Body: []byte("x 1\n")}, nil
		}}
		m, apps := New(Options{}), []App{app("a", spec.Metrics{}, slow)}
		for _, step := range []struct{ wait, want int64 }{{0, 1}, {999, 1}, {1, 2}, {1000, 3}} {
			<-time.After(time.Duration(step.wait) * time.Millisecond)
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() { m.Collect(t.Context(), apps) })
			}
			wg.Wait()
			if got := asked.Load(); got != step.want {
				t.Errorf("after %d ms more: asked %d times, want %d", step.wait, got, step.want)
			}
		}
	})
}

func TestOnlySoManyAreAskedAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, most atomic.Int64
		var workers []Worker
		for i := range 10 {
			workers = append(workers, Worker{Instance: i, Fetch: func(context.Context) (Answer, error) {
				most.Store(max(most.Load(), inside.Add(1)))
				<-time.After(time.Second)
				inside.Add(-1)
				return Answer{}, nil
			}})
		}
		begun := time.Now()
		New(Options{Parallel: 3}).Collect(t.Context(), []App{app("a", spec.Metrics{}, workers...)})
		if most.Load() != 3 || time.Since(begun) != 4*time.Second {
			t.Errorf("%d at a time, %v, want 3 and 4s", most.Load(), time.Since(begun))
		}
	})
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/large":
			_, _ = w.Write(make([]byte, 100))
		case r.URL.Path != "/metrics" || !strings.HasPrefix(r.Header.Get("Accept"), "text/plain;version=0.0.4"):
			http.NotFound(w, r)
		default:
			w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0")
			_, _ = w.Write([]byte("# TYPE x counter\nx_total 1\n# EOF\n"))
		}
	}))
	defer server.Close()
	m := New(Options{MaxBytes: 50})
	var workers []Worker
	for i, url := range []string{server.URL + "/metrics", server.URL + "/large", server.URL, ":"} {
		workers = append(workers, Worker{Instance: i, Fetch: m.HTTP(server.Client().Do, url)})
	}
	r := scrapeOf(t, m, app("a", spec.Metrics{}, workers...))
	if got := textOf(t, r.Families); got != "# TYPE x_total counter\nx_total{app=\"a\",worker=\"0\"} 1\n" {
		t.Errorf("got %s", got)
	}
	for i, want := range []string{"", "larger than 50 bytes", "404 Not Found", "missing protocol scheme"} {
		if got := r.Workers[i].Reason; !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("worker %d: %q, want %q", i, got, want)
		}
	}
}

func TestScrapeTimeout(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": defaultScrapeTimeout, "x": defaultScrapeTimeout, "0": defaultScrapeTimeout, "-1": defaultScrapeTimeout, "NaN": defaultScrapeTimeout,
		"2.5": 2500 * time.Millisecond, "1e9": maxScrapeTimeout, "+Inf": maxScrapeTimeout,
	} {
		h := http.Header{}
		h.Set("X-Prometheus-Scrape-Timeout-Seconds", header)
		if got := ScrapeTimeout(h); got != want {
			t.Errorf("ScrapeTimeout(%q) = %v, want %v", header, got, want)
		}
	}
}
