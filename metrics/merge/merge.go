// Package merge makes one exposition of all workers' own metrics: each
// worker's samples under labels, or all workers' added up.
package merge

import (
	"context"
	"errors"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// App is one whose workers are asked. While it has none it is still to be
// listed: else its sums are forgotten.
type App struct {
	Name    string
	Config  Config
	Workers []Worker // each that has a process, also one that cannot answer now
}

// Worker is one that is asked.
type Worker struct {
	Instance int
	Run      string // tells this run of the worker from those before and after
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

// Result is one scrape's. It is shared: nobody may change it.
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
	Parallel   int           // workers asked at a time, default 32
	MaxSamples int           // of all workers together, default 250,000: some 200 MB
	Reuse      time.Duration // how long a result is served again, default 1s
}

const (
	defaultParallel = 32
	defaultAll      = 250_000
	defaultReuse    = time.Second
)

// Merger remembers what the sums need: what workers had counted when they
// ended. Its methods may be called at the same time.
type Merger struct {
	options Options
	mu      sync.Mutex
	scrape  *scrape            // under way, or the last
	ledgers map[string]*ledger // by app; the scrape under way owns them
}

// scrape is one round of asking.
type scrape struct {
	done   chan struct{} // closed when what follows is there
	result Result
	ended  time.Time
}

// New returns a Merger that remembers nothing yet.
func New(o Options) *Merger {
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	if o.MaxSamples <= 0 {
		o.MaxSamples = defaultAll
	}
	if o.Reuse <= 0 {
		o.Reuse = defaultReuse
	}
	return &Merger{options: o, ledgers: map[string]*ledger{}}
}

// Collect asks all workers and merges what they say. One that fails is left
// out and reported. Callers at the same time share a result, and it is used
// again for a second. A tenth of the context's time is left for serving it.
func (m *Merger) Collect(ctx context.Context, apps []App) Result {
	s := m.join(ctx, apps)
	select {
	case <-s.done:
		return s.result
	case <-ctx.Done():
		return unanswered(apps, context.Cause(ctx).Error())
	}
}

// join returns the scrape to wait for, and begins it if need be.
func (m *Merger) join(ctx context.Context, apps []App) *scrape {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.scrape != nil && m.scrape.fresh(m.options.Reuse) {
		return m.scrape
	}
	m.scrape = &scrape{done: make(chan struct{})}
	go m.run(ctx, m.scrape, apps)
	return m.scrape
}

// fresh is whether a scrape is under way or has just ended.
func (s *scrape) fresh(reuse time.Duration) bool {
	select {
	case <-s.done:
		return time.Since(s.ended) < reuse
	default:
		return true
	}
}

// run does a scrape. It goes on when the caller that began it is gone:
// others may wait for it.
func (m *Merger) run(ctx context.Context, s *scrape, apps []App) {
	defer close(s.done)
	budget := defaultBudget
	if deadline, ok := ctx.Deadline(); ok {
		budget = time.Until(deadline)
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), budget-budget/10, errLate)
	defer cancel()
	groups := line(apps)
	ask(ctx, groups, m.options)
	s.result = m.merge(groups)
	s.ended = time.Now()
}

var errLate = errors.New("no answer before the scrape's end")

// unanswered is the result when nothing is known in time.
func unanswered(apps []App, reason string) Result {
	var r Result
	for _, g := range line(apps) {
		for _, t := range g.targets {
			t.report.Reason = reason
			r.Workers = append(r.Workers, t.report)
		}
	}
	return r
}
