// Package merge makes one exposition of all workers' own metrics: each
// worker's samples under labels, or all workers' added up.
//
// A Merger runs one scrape at a time, on a goroutine of its own, with one more for
// each worker that is asked; all end with the context of the request. Callers at the
// same time share its Result, which nobody may change. The accumulators of the sums
// belong to the scrape that is under way. How a worker is reached is the caller's Fetch.
package merge

import (
	"context"
	"errors"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"

	"gorun/supervisor/spec"
)

// App is an app whose workers are scraped. While it has no worker it is still to
// be listed: else its sums are forgotten.
type App struct {
	Name    string
	Config  spec.Metrics // its Path, Port and IPC are for the one that makes the Fetch
	Workers []Worker     // each that has a process, also one that cannot answer now
}

// Worker is a worker that is scraped.
type Worker struct {
	Instance int
	Run      string // differs between this run of the worker and those before and after
	Fetch    Fetch
}

// Fetch asks for a worker's metrics. It must return when the context ends.
type Fetch func(ctx context.Context) (Answer, error)

// Answer is what a worker serves: text by default, OpenMetrics, or
// application/json with prom-client's message.
type Answer struct {
	Body        []byte
	ContentType string
}

// Result is what one scrape found. It is shared: it must not be changed.
type Result struct {
	Families []*dto.MetricFamily // sorted by name
	Workers  []Report
	Dropped  Dropped // by this scrape, the workers' included
}

// Report is how one worker answered.
type Report struct {
	App      string
	Instance int
	Reason   string // why it was left out; empty if it was not
	Duration time.Duration
	Samples  int
	Dropped  Dropped
}

// Success is whether the worker's metrics are in the result.
func (r Report) Success() bool { return r.Reason == "" }

// Options of a Merger. Zero stands for the default.
type Options struct {
	Parallel         int           // workers asked at a time, default 32
	MaxBytes         int64         // of one worker's answer, default 4 MiB
	MaxWorkerSamples int           // of one worker, and series of an app's sums, default 20,000
	MaxSamples       int           // of all workers together, default 250,000: some 200 MB
	Reuse            time.Duration // how long a result is served again, default 1s
}

func (o Options) withDefaults() Options {
	if o.Parallel <= 0 {
		o.Parallel = 32
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 4 << 20
	}
	if o.MaxWorkerSamples <= 0 {
		o.MaxWorkerSamples = 20_000
	}
	if o.MaxSamples <= 0 {
		o.MaxSamples = 250_000
	}
	if o.Reuse <= 0 {
		o.Reuse = time.Second
	}
	return o
}

// Merger scrapes workers. It remembers what the sums need: what workers had
// counted when they ended. Its methods may be called at the same time.
type Merger struct {
	options      Options
	mu           sync.Mutex
	scrape       *scrape                 // under way, or the last
	accumulators map[string]*accumulator // by app; the scrape under way owns them
}

// scrape is one scrape of all workers.
type scrape struct {
	done   chan struct{} // closed when what follows is there
	result Result
	ended  time.Time
}

// New returns a Merger that remembers nothing yet.
func New(o Options) *Merger {
	return &Merger{options: o.withDefaults(), accumulators: map[string]*accumulator{}}
}

// Collect scrapes all workers and merges their answers. A worker that fails is
// left out and reported. Callers at the same time share a result, and it is used
// again for a second. A tenth of the context's time is left for serving it.
func (m *Merger) Collect(ctx context.Context, apps []App) Result {
	s := m.join(ctx, apps)
	select {
	case <-s.done:
		return s.result
	case <-ctx.Done():
		return failed(apps, context.Cause(ctx).Error())
	}
}

// join returns the scrape to wait for, and begins it if need be.
func (m *Merger) join(ctx context.Context, apps []App) *scrape {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.scrape != nil && m.scrape.reusable(m.options.Reuse) {
		return m.scrape
	}
	m.scrape = &scrape{done: make(chan struct{})}
	go m.scrapeOnce(ctx, m.scrape, apps)
	return m.scrape
}

// reusable is whether a scrape is under way or has just ended.
func (s *scrape) reusable(reuse time.Duration) bool {
	select {
	case <-s.done:
		return time.Since(s.ended) < reuse
	default:
		return true
	}
}

var errDeadline = errors.New("no answer before the scrape's end")

// scrapeOnce does a scrape. It goes on when the caller that began it is gone:
// others may wait for it.
func (m *Merger) scrapeOnce(ctx context.Context, s *scrape, apps []App) {
	defer close(s.done)
	timeout := defaultScrapeTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), timeout-timeout/10, errDeadline)
	defer cancel()
	scrapes := newScrapes(apps)
	scrapeAll(ctx, scrapes, m.options)
	s.result = m.merge(scrapes)
	s.ended = time.Now()
}

// failed is the result when nothing is known in time.
func failed(apps []App, reason string) Result {
	var r Result
	for _, app := range newScrapes(apps) {
		for _, t := range app.targets {
			t.report.Reason = reason
			r.Workers = append(r.Workers, t.report)
		}
	}
	return r
}

// merge puts the answers together.
func (m *Merger) merge(apps []*appScrape) Result {
	var r Result
	set := newFamilySet()
	accumulators := map[string]*accumulator{}
	for _, app := range apps {
		if app.Config.Aggregate && app.reason == "" {
			accumulators[app.Name] = m.accumulator(app)
			r.Dropped[Conflict] += app.sum(accumulators[app.Name], set)
		}
		for _, t := range app.targets {
			for _, f := range t.labelled {
				if !set.add(f) {
					t.report.Dropped[Conflict] += len(f.GetMetric())
				}
			}
			r.Workers = append(r.Workers, t.report)
			r.Dropped.add(t.report.Dropped)
		}
	}
	m.accumulators = accumulators
	r.Families = set.sorted()
	return r
}

// accumulator is the app's from the scrape before, without the runs that have
// ended since; or a new one.
func (m *Merger) accumulator(app *appScrape) *accumulator {
	a := m.accumulators[app.Name]
	if a == nil {
		a = newAccumulator(m.options.MaxWorkerSamples)
	}
	a.config = app.Config
	present := map[runID]bool{}
	for _, t := range app.targets {
		present[t.id()] = true
	}
	a.fold(present)
	return a
}

// sum adds the app's workers up. It returns how many sums are not served.
func (a *appScrape) sum(into *accumulator, set *familySet) (dropped int) {
	for _, t := range a.targets {
		for _, f := range t.parsed {
			into.add(t.id(), f, &t.report.Dropped)
		}
	}
	emit := newEmitter(label{"app", a.Name})
	for _, f := range into.sums() {
		family := newFamily(f.name, f.help, f.kind)
		if family.Metric = emit.metrics(f); !set.add(family) {
			dropped += len(f.series)
		}
	}
	return dropped
}

func (t *target) id() runID { return runID{t.worker.Instance, t.worker.Run} }
