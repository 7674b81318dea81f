package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const howReload = "An unmodified Node web server with `exec_mode: cluster` and 4 workers gets a rolling reload (`gorun reload api`,\n" +
	"`pm2 reload api`) while 16 clients of Go's net/http send a GET each, 10 ms after their last answer, from 0.5 s before\n" +
	"the reload until 2 s after it. \"One request each\" has a connection per request, and nothing is retried. With \"keep-alive\"\n" +
	"net/http itself sends a GET once more when a kept connection was closed before the answer began: \"sent again\" counts that, and\n" +
	"is what a client without retries may lose. No answer within 5 s is a failure. \"Command\" is from its fork to its end, for pm2\n" +
	"with the start of its command in Node. A start-up is from start to listening, under the load, as `gorun reload` tells it. gorun\n" +
	"replaces a quarter of the workers at a time, so there are 4 rounds; pm2 replaces two at a time. The failed requests of a\n" +
	"budget are those of all runs."

const (
	reloadWorkers = 4
	reloadRounds  = 4 // a quarter of the workers at a time
	beforeReload  = 500 * time.Millisecond
	afterReload   = 2 * time.Second // longer than pm2's kill_timeout
)

// The quantities of a reload, after the name of the traffic.
const (
	failures = ", failed"
	command  = ", command"
	startUp  = ", slowest start-up"
	beyond   = ", command over slowest start-up × 4"
	rest     = ", command without its start-ups" // one a round
)

// reloading is one reload under load.
type reloading struct {
	took     time.Duration // of the command
	text     string        // that the command wrote
	browsers requestCount
}

func measureReload(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howReload, missing: l.missing(pm2)}
	if l.node == "" {
		r.missing = append(r.missing, "node")
		return r, nil
	}
	script := l.path("server") + ".js"
	if err := os.WriteFile(script, nodeServer, 0o600); err != nil {
		return r, fmt.Errorf("write script: %w", err)
	}
	all, err := l.supervisors(app{Name: "api", Script: script, Interpreter: "node", Mode: "cluster", Instances: reloadWorkers})
	if err != nil {
		return r, err
	}
	err = rounds(runs, all, func(c contestant) error { return l.reloadOnce(ctx, &r, c) })
	for _, t := range traffics() {
		what := "rolling reload of 4 workers, " + t.quantity
		r.atMost(what+": failed", 0, sum(r.of(gorun, t.quantity+failures, "").values), "requests")
		r.atMost(what+": time over slowest start-up × 4", 300, r.median(gorun, t.quantity+beyond), "ms")
	}
	return r, err
}

// reloadOnce starts a supervisor and reloads it under each kind of traffic.
func (l *lab) reloadOnce(ctx context.Context, r *result, c contestant) error {
	s := &site{name: c.name}
	defer s.close()
	env := []string{"GORUN_SOCKET=" + l.path("socket"), "PM2_HOME=" + l.path("home")}
	if err := l.supervised(ctx, s, c, reloadWorkers, env...); err != nil {
		return err
	}
	for _, t := range traffics() {
		done, err := l.reload(ctx, s, t, env)
		if err != nil {
			return s.fail(fmt.Errorf("%s: %w", t.quantity, err))
		}
		if err := r.addReload(c.name, t.quantity, done); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) reload(ctx context.Context, s *site, t traffic, env []string) (reloading, error) {
	before := s.workers
	browsers := browse(ctx, t, s.port)
	defer browsers.leave()
	if err := pause(ctx, beforeReload); err != nil {
		return reloading{}, err
	}
	var out bytes.Buffer
	one, err := l.start(ctx, l.reloadCommand(s.name), &out, env...)
	if err != nil {
		return reloading{}, err
	}
	if err := one.cmd.Wait(); err != nil {
		return reloading{}, one.fail(fmt.Errorf("reload: %w: %q", err, out.String()))
	}
	done := reloading{took: time.Since(one.begun), text: out.String()}
	if err := pause(ctx, afterReload); err != nil {
		return reloading{}, err
	}
	done.browsers = browsers.leave()
	if err := s.await(ctx, reloadWorkers); err != nil {
		return reloading{}, err
	}
	for pid := range before {
		if s.workers[pid] {
			return reloading{}, fmt.Errorf("reload did not replace process %d", pid)
		}
	}
	return done, nil
}

func (l *lab) reloadCommand(contestant string) []string {
	if contestant == pm2 {
		return []string{filepath.Join(filepath.Dir(l.pm2), "pm2"), "reload", "api"}
	}
	return []string{l.gorun, "reload", "api"}
}

// addReload adds the figures of one reload. Why requests failed has series of
// their own, with values of those runs only in which it happened.
func (r *result) addReload(name, kind string, done reloading) error {
	r.of(name, kind+failures, "requests").add(float64(done.browsers.failures()))
	for _, cause := range done.browsers.causes() {
		r.of(name, kind+failures+": "+cause, "requests").add(float64(done.browsers.failed[cause]))
	}
	if kind == "keep-alive" {
		r.of(name, kind+", sent again", "requests").add(float64(done.browsers.again))
	}
	r.of(name, kind+", answered", "requests").add(float64(done.browsers.answered))
	r.of(name, kind+command, "ms").add(milliseconds(done.took))
	if name != gorun {
		return nil
	}
	starts, err := startUps(done.text)
	if err != nil {
		return err
	}
	slowest, all := slices.Max(starts), time.Duration(0)
	for _, took := range starts {
		all += took
	}
	r.of(name, kind+startUp, "ms").add(milliseconds(slowest))
	r.of(name, kind+beyond, "ms").add(milliseconds(done.took - reloadRounds*slowest))
	r.of(name, kind+rest, "ms").add(milliseconds(done.took - all))
	return nil
}

// startUps reads what `gorun reload` tells, a line per worker such as
// "api/0  reloaded: pid 17 → 20, online after 78ms".
func startUps(text string) ([]time.Duration, error) {
	var all []time.Duration
	for line := range strings.Lines(text) {
		_, told, found := strings.Cut(strings.TrimSpace(line), ", online after ")
		if !found {
			continue
		}
		took, err := time.ParseDuration(told)
		if err != nil {
			return nil, fmt.Errorf("read a start-up: %w", err)
		}
		all = append(all, took)
	}
	if len(all) != reloadWorkers {
		return nil, fmt.Errorf("the reload tells %d start-ups, not %d: %q", len(all), reloadWorkers, text)
	}
	return all, nil
}
