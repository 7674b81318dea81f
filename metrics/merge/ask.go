package merge

import (
	"context"
	"fmt"
	"mime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// group is one app during a scrape.
type group struct {
	App     // its config filled
	targets []*target
	reason  string // why it is left out
}

// target is one worker during a scrape.
type target struct {
	group  *group
	worker Worker
	report Report
	found  []*family
	served []*dto.MetricFamily // found, with labels, unless it is added up
}

// line puts all workers into the order that decides who is first. Whoever
// would serve another's series again is refused.
func line(apps []App) []*group {
	groups := make([]*group, 0, len(apps))
	for _, app := range apps {
		app.Name = strings.ToValidUTF8(app.Name, "\uFFFD")
		app.Config = app.Config.filled()
		groups = append(groups, &group{App: app})
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return strings.Compare(a.Name, b.Name) })
	for i, g := range groups {
		if i > 0 && groups[i-1].Name == g.Name {
			g.reason = "another app has this name"
		}
		g.line()
	}
	return groups
}

// line puts the app's workers into order.
func (g *group) line() {
	workers := slices.Clone(g.Workers)
	slices.SortStableFunc(workers, func(a, b Worker) int { return a.Instance - b.Instance })
	for i, w := range workers {
		t := &target{group: g, worker: w, report: Report{App: g.Name, Instance: w.Instance, Reason: g.reason}}
		if i > 0 && workers[i-1].Instance == w.Instance && (!g.Config.Aggregate || workers[i-1].Run == w.Run) {
			t.report.Reason = "another run of this worker is asked"
		}
		g.targets = append(g.targets, t)
	}
}

// ask asks all, some at a time, and returns when all have answered or failed.
func ask(ctx context.Context, groups []*group, o Options) {
	var wg sync.WaitGroup
	var room atomic.Int64 // for samples
	room.Store(int64(o.MaxSamples))
	next := make(chan *target)
	for range o.Parallel {
		wg.Go(func() {
			for t := range next {
				t.ask(ctx, &room)
			}
		})
	}
	for _, g := range groups {
		for _, t := range g.targets {
			if t.report.Success() {
				next <- t
			}
		}
	}
	close(next)
	wg.Wait()
}

// ask asks one worker and reads its answer.
func (t *target) ask(ctx context.Context, room *atomic.Int64) {
	begun := time.Now()
	answer, err := t.fetch(ctx)
	t.report.Duration = time.Since(begun)
	if err == nil {
		err = t.read(answer)
	}
	if err == nil && !claim(room, int64(t.report.Samples)) {
		err = errNoRoom
	}
	if err != nil {
		t.found, t.served, t.report.Samples, t.report.Reason = nil, nil, 0, err.Error()
	}
}

// claim takes all n from the room, or nothing: who needs too much must not be in
// the way of others for a moment.
func claim(room *atomic.Int64, n int64) bool {
	for {
		left := room.Load()
		if left < n {
			return false
		}
		if room.CompareAndSwap(left, left-n) {
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
	limit := t.group.Config.Timeout
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
func (t *target) read(a Answer) error {
	config := t.group.Config
	if int64(len(a.Body)) > config.MaxBytes {
		return fmt.Errorf("%w: %d", errTooLarge, config.MaxBytes)
	}
	b := newBuilder(config.MaxSamples)
	if err := b.parse(a); err != nil {
		return err
	}
	found, err := b.finish()
	t.report.Samples, t.report.Dropped = b.samples, b.dropped
	if err != nil {
		return err
	}
	t.found = found
	if !config.Aggregate {
		t.label()
	}
	return nil
}

// parse reads the format that the answer says it has.
func (b *builder) parse(a Answer) error {
	media, _, err := mime.ParseMediaType(a.ContentType)
	if err != nil {
		media = "" // as bad as none: text, as ever
	}
	switch media {
	case "application/json":
		return parsePromClient(a.Body, b)
	case "application/openmetrics-text":
		return parseText(a.Body, openMetrics, b)
	case "", "text/plain":
		return parseText(a.Body, plain, b)
	}
	return fmt.Errorf("content type %s is no format of metrics", media)
}

// label makes what is served of what was found.
func (t *target) label() {
	emit := newEmitter(label{"app", t.group.Name}, label{"worker", strconv.Itoa(t.worker.Instance)})
	for _, f := range t.found {
		family := serve(f.name, f.help, f.kind)
		family.Metric = emit.metrics(f)
		t.served = append(t.served, family)
	}
	t.found = nil
}

// merge puts the answers together.
func (m *Merger) merge(groups []*group) Result {
	var r Result
	p := newPool()
	ledgers := map[string]*ledger{}
	for _, g := range groups {
		if g.Config.Aggregate && g.reason == "" {
			ledgers[g.Name] = m.ledgers[g.Name].settled(g)
			r.Dropped[Conflict] += g.sum(ledgers[g.Name], p)
		}
		for _, t := range g.targets {
			for _, f := range t.served {
				if !p.add(f) {
					t.report.Dropped[Conflict] += len(f.GetMetric())
				}
			}
			r.Workers = append(r.Workers, t.report)
			r.Dropped.add(t.report.Dropped)
		}
	}
	m.ledgers = ledgers
	r.Families = p.sorted()
	return r
}
