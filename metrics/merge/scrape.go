package merge

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// appScrape is one app during a scrape.
type appScrape struct {
	App     // its config with the defaults
	targets []*target
	reason  string // why it is left out
}

// target is one worker during a scrape.
type target struct {
	app      *appScrape
	worker   Worker
	report   Report
	parsed   []*family
	labelled []*dto.MetricFamily // parsed, with labels, unless it is added up
}

// newScrapes puts all workers into the order that decides which of them is
// first. An app or a worker that would serve another's series again is refused.
func newScrapes(apps []App) []*appScrape {
	scrapes := make([]*appScrape, 0, len(apps))
	for _, app := range apps {
		app.Name = strings.ToValidUTF8(app.Name, "\uFFFD")
		app.Config = withDefaults(app.Config)
		scrapes = append(scrapes, &appScrape{App: app})
	}
	slices.SortStableFunc(scrapes, func(a, b *appScrape) int { return strings.Compare(a.Name, b.Name) })
	for i, app := range scrapes {
		if i > 0 && scrapes[i-1].Name == app.Name {
			app.reason = "another app has this name"
		}
		app.addTargets()
	}
	return scrapes
}

func (a *appScrape) addTargets() {
	for _, w := range a.Workers {
		a.targets = append(a.targets, &target{app: a, worker: w, report: Report{App: a.Name, Instance: w.Instance, Reason: a.reason}})
	}
	slices.SortStableFunc(a.targets, func(a, b *target) int { return a.worker.Instance - b.worker.Instance })
	for i, t := range a.targets[min(1, len(a.targets)):] {
		before := a.targets[i].worker
		if before.Instance == t.worker.Instance && (!a.Config.Aggregate || before.Run == t.worker.Run) {
			t.report.Reason = "another run of this worker is scraped"
		}
	}
}

// scrapeAll scrapes all workers, some at a time, and returns when each has
// answered or failed.
func scrapeAll(ctx context.Context, apps []*appScrape, o Options) {
	var wg sync.WaitGroup
	var quota sampleQuota
	quota.left.Store(int64(o.MaxSamples))
	next := make(chan *target)
	for range o.Parallel {
		wg.Go(func() {
			for t := range next {
				t.scrape(ctx, o, &quota)
			}
		})
	}
	for _, app := range apps {
		for _, t := range app.targets {
			if t.report.Success() {
				next <- t
			}
		}
	}
	close(next)
	wg.Wait()
}

// scrape asks one worker and reads its answer.
func (t *target) scrape(ctx context.Context, o Options, quota *sampleQuota) {
	begun := time.Now()
	answer, err := t.fetch(ctx)
	t.report.Duration = time.Since(begun)
	if err == nil {
		err = t.read(answer, o)
	}
	if err == nil && !quota.acquire(int64(t.report.Samples)) {
		err = errQuota
	}
	if err != nil {
		t.parsed, t.labelled, t.report.Samples, t.report.Reason = nil, nil, 0, err.Error()
	}
}

// sampleQuota is how many samples all workers together may still have.
type sampleQuota struct{ left atomic.Int64 }

// acquire takes all n or nothing: a worker that needs too much does not take
// from the others even for a moment.
func (q *sampleQuota) acquire(n int64) bool {
	for {
		left := q.left.Load()
		if left < n {
			return false
		}
		if q.left.CompareAndSwap(left, left-n) {
			return true
		}
	}
}

// fetch waits no longer than the config allows, even for a Fetch that does
// not listen to its context.
func (t *target) fetch(ctx context.Context) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, fmt.Errorf("not asked: %w", err)
	}
	limit := t.app.Config.Timeout
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	type outcome struct {
		Answer
		error
	}
	done := make(chan outcome, 1)
	go func() {
		answer, err := t.worker.Fetch(ctx)
		done <- outcome{answer, err}
	}()
	select {
	case o := <-done:
		if o.error != nil && ctx.Err() != nil {
			return Answer{}, context.Cause(ctx)
		}
		return o.Answer, o.error
	case <-ctx.Done():
		return Answer{}, context.Cause(ctx)
	}
}

// read turns an answer into families.
func (t *target) read(a Answer, o Options) error {
	if int64(len(a.Body)) > o.MaxBytes {
		return fmt.Errorf("%w than %d bytes", errTooLarge, o.MaxBytes)
	}
	b := newBuilder(o.MaxWorkerSamples)
	if err := b.parse(a); err != nil {
		return err
	}
	parsed, err := b.finish()
	t.report.Samples, t.report.Dropped = b.samples, b.dropped
	if err != nil {
		return err
	}
	t.parsed = parsed
	if !t.app.Config.Aggregate {
		t.addLabels()
	}
	return nil
}

// addLabels makes of what was parsed what is served.
func (t *target) addLabels() {
	emit := newEmitter(label{"app", t.app.Name}, label{"worker", strconv.Itoa(t.worker.Instance)})
	for _, f := range t.parsed {
		family := newFamily(f.name, f.help, f.kind)
		family.Metric = emit.metrics(f)
		t.labelled = append(t.labelled, family)
	}
	t.parsed = nil
}
