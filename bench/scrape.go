package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const howScrape = "One GET of `/metrics` over a kept connection, every 50 ms, while 64 workers are online.\n" +
	"pm2-runtime has no such page."

const scrapeWorkers = 64

func measureScrape(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howScrape}
	port, err := freePort(ctx)
	if err != nil {
		return r, err
	}
	all, err := l.supervisors(program(scrapeWorkers, find("sleep"), "600"))
	if err != nil {
		return r, err
	}
	words := slices.Concat(all[0].before, []string{"--web", "127.0.0.1:" + port})
	one, err := l.start(ctx, words, nil)
	if err != nil {
		return r, err
	}
	defer one.stop()
	page := "http://127.0.0.1:" + port + "/metrics"
	if err := until(ctx, 50*time.Millisecond, func() error { return allOnline(ctx, page) }); err != nil {
		return r, one.fail(err)
	}
	before, err := cpuOf(one.pid())
	if err != nil {
		return r, err
	}
	for range runs {
		begun := time.Now()
		text, err := get(ctx, page)
		if err != nil {
			return r, one.fail(err)
		}
		r.of(gorun, "answer", "ms").add(milliseconds(time.Since(begun)))
		r.of(gorun, "size", "kB").add(float64(len(text)) / 1e3)
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return r, err
		}
	}
	after, err := cpuOf(one.pid())
	r.of(gorun, "processor time of each, on average", "ms").add((after - before) * 1e3 / float64(runs))
	r.atMost("`/metrics` with 64 workers", 10, r.median(gorun, "answer"), "ms")
	return r, err
}

func allOnline(ctx context.Context, page string) error {
	text, err := get(ctx, page)
	if err != nil {
		return err
	}
	online := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "gorun_worker_ready{") && strings.HasSuffix(line, " 1\n") {
			online++
		}
	}
	if online != scrapeWorkers {
		return fmt.Errorf("%d workers of %d are ready", online, scrapeWorkers)
	}
	return nil
}

func get(ctx context.Context, page string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("ask for metrics: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask for metrics: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", fmt.Errorf("read metrics: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("metrics: %s", answer.Status)
	}
	return string(text), nil
}
