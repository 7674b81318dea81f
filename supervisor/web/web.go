// Package web is gorun's HTTP listener: health and metrics, read-only. No
// control, no environment and no secret is ever served here.
package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"gorun/health"
	"gorun/metrics"
	"gorun/supervisor/status"
)

// Options is what is served, and where.
type Options struct {
	Address string // "" = nowhere
	Asked   bool   // somebody chose the address: it must work
	Source  Source
	Signals func() map[string]uint64 // received so far, by name
	Build   metrics.Build
	Log     *slog.Logger
}

// Source is whoever runs the apps.
type Source interface {
	Sample() status.Snapshot
	Recent(n int) []status.Event
	metrics.Workers
}

// Server is the listener. Close ends it.
type Server struct {
	http *http.Server // nil: serves nothing
}

// Limits of a connection: whoever asks here asks for a page, and at once.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Serve starts to answer with the pages, which are Handler's. Where nobody chose the address and it cannot be had,
// gorun runs without health and metrics, and says so.
func Serve(o Options, pages http.Handler) (*Server, error) {
	if o.Address == "" {
		return &Server{}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", o.Address)
	if err != nil && o.Asked {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err != nil {
		o.Log.Warn("no health and no metrics: their address cannot be had; choose another with --web", "address", o.Address, "error", err)
		return &Server{}, nil
	}
	url := "http://" + listener.Addr().String()
	o.Log.Info("listening", "health", url+"/health", "metrics", url+"/metrics")
	server := &http.Server{
		Handler: pages, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return &Server{server}, nil
}

// Close stops to answer, at once.
func (s *Server) Close() {
	if s.http != nil {
		_ = s.http.Close() // what is under way is cut off either way
	}
}

// Handler answers on any listener.
func (o Options) Handler() http.Handler {
	judge := judge{o.Source}
	mux := http.NewServeMux()
	mux.Handle("/", health.Handler(judge))
	// Most containers are never looked at: the page is made for the first who does.
	page := sync.OnceValue(func() *Page { return NewPage(o.Source, o.Build.Version) })
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { page().ServeHTTP(w, r) })
	mux.Handle("/metrics", metrics.Handler(metrics.Options{
		Source: o.Source, Workers: o.Source, Signals: o.Signals, Build: o.Build, Log: o.Log,
		Live: func() (live, ready bool) {
			report := judge.Health()
			return report.Live(), report.Ready()
		},
	}))
	return mux
}

// judge tells package health what the supervisor knows.
type judge struct{ source Source }

// Health implements health.Source.
func (j judge) Health() health.Report {
	snapshot := j.source.Snapshot()
	report := health.Report{Stopping: snapshot.ShuttingDown}
	for _, app := range snapshot.Apps {
		report.Apps = append(report.Apps, judgeApp(app))
	}
	return report
}

func judgeApp(app status.App) health.App {
	one := health.App{
		Name: app.Name, Desired: app.Desired, Online: app.Serving(), ReadyMin: app.ReadyMin, Errored: app.Errored(), Grace: app.Grace,
		EverReady: app.EverReady, Completed: app.Completed, Resting: app.Resting, Restarts: app.Restarts(), Reasons: app.Troubles(),
	}
	if exit := app.LastExit(); exit != nil {
		one.LastExit = exit.Text
	}
	if !app.DownSince.IsZero() {
		one.Down = time.Since(app.DownSince)
	}
	return one
}
