package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"slices"
	"time"
)

// The contestants without a supervisor.
const (
	single = "one alone"
	twins  = "two alone"
)

const (
	sharers       = 2 // workers on the port
	roundsAStart  = 8 // rounds that the same processes serve
	sharingWindow = 250 * time.Millisecond
	warmUp        = 500 * time.Millisecond
)

// costly names the processor time of a quantity.
const costly = ", CPU"

const howSharing = "The same unmodified web server: one process, two that inherit a socket with `SO_REUSEPORT` each and have no\n" +
	"supervisor, two under gorun and (Node) two under pm2-runtime, both with `exec_mode: cluster`. 32 connections of\n" +
	"loopback, from one thread of the benchmark, on the same processors as the servers. Windows of 0.25 s take turns, forward\n" +
	"and backward; the processes are replaced after 8 rounds. The ratios are those within each round. \"One request each\":\n" +
	"the server closes the connection and the client answers by a reset (`SO_LINGER` 0), so that no TIME_WAIT is kept.\n" +
	"A Go process has one processor (`GOMAXPROCS=1`), as a Node process has. \"CPU\" is the processor time of an\n" +
	"answer, of workers and supervisor. Every contestant is in a session apart from the load (the kernel may schedule by session)."

//go:embed testdata/server.js
var nodeServer []byte

// service is a web server in one language.
type service struct {
	name  string
	words []string // that start one process
	env   []string // of that process
	app   app
}

func (l *lab) services() ([]service, error) {
	compiled := program(sharers, l.server)
	compiled.Mode = "cluster"
	compiled.Env = map[string]string{"GOMAXPROCS": "1"} // else two workers are no better than one
	all := []service{{"Go", []string{l.server}, []string{"GOMAXPROCS=1"}, compiled}}
	if l.node == "" {
		return all, nil
	}
	script := l.path("server") + ".js"
	if err := os.WriteFile(script, nodeServer, 0o600); err != nil {
		return nil, fmt.Errorf("write script: %w", err)
	}
	node := app{Name: "app", Script: script, Interpreter: "node", Mode: "cluster", Instances: sharers}
	return append(all, service{"Node", []string{l.node, script}, nil, node}), nil
}

func measureSharing(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howSharing, missing: l.missing(pm2)}
	services, err := l.services()
	if err != nil {
		return r, err
	}
	for first := 0; first < runs; first += roundsAStart {
		for _, s := range services {
			if err := l.share(ctx, &r, s, min(roundsAStart, runs-first)); err != nil {
				return r, fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	for _, t := range traffics() {
		for _, s := range []string{"Go", "Node"} {
			r.compare(s+", "+t.quantity, 0.98, twins)
		}
	}
	r.compare("Node, one request each", 2, pm2)
	return r, nil
}

// compare adds the ratios of gorun to another, and the budget for the rate.
func (r *result) compare(quantity string, limit float64, other string) {
	r.over(other, quantity+costly)
	r.atLeast(quantity+", gorun over "+other, limit, median(r.over(other, quantity)), "×")
}

// over adds gorun's ratio to another in each round.
func (r *result) over(other, quantity string) []float64 {
	over := r.of("gorun over "+other, quantity, "×")
	over.values = ratios(r.of(gorun, quantity, "").values, r.of(other, quantity, "").values)
	return over.values
}

// share lets the same processes serve some rounds.
func (l *lab) share(ctx context.Context, r *result, s service, n int) error {
	sites, err := l.sites(ctx, s)
	defer func() {
		for _, one := range sites {
			one.close()
		}
	}()
	if err != nil {
		return err
	}
	for _, t := range traffics() {
		for _, one := range sites {
			if _, err := one.serve(ctx, t, warmUp); err != nil {
				return err
			}
		}
		for round := range n {
			if err := r.shareRound(ctx, sites, round, t, s.name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *result) shareRound(ctx context.Context, sites []*site, round int, t traffic, service string) error {
	for _, i := range turns(round, len(sites)) {
		did, err := sites[i].serve(ctx, t, sharingWindow)
		if err != nil {
			return err
		}
		quantity := service + ", " + t.quantity
		r.of(sites[i].name, quantity, t.unit).add(did.rate)
		r.of(sites[i].name, quantity+costly, "µs").add(did.cost)
	}
	return nil
}

// turns is the order within a round: each comes first in its turn, and every
// other round runs backward, so that nobody always follows the same one.
func turns(round, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = (round/2 + i) % n
	}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// ratios are those of the values in the same place.
func ratios(these, those []float64) []float64 {
	all := make([]float64, min(len(these), len(those)))
	for i := range all {
		all[i] = these[i] / those[i]
	}
	return all
}
