// Package web is gorun's HTTP listener: the health family, metrics and the status
// page, read-only. No control, no environment and no secret is ever served here.
// Each request takes one snapshot of the supervisor. Serve starts the one goroutine
// of its own, which ends with Close.
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
	Asked   bool   // the operator chose the address: failing to listen is an error
	Source  Source
	Signals func() map[string]uint64 // received so far, by name
	Build   metrics.Build
	Log     *slog.Logger
}

// Source is the supervisor.
type Source interface {
	metrics.Source
	metrics.Workers
	Recent(n int) []status.Event // the latest n, in any order
}

// Server is the listener. Close ends it.
type Server struct {
	http *http.Server // nil: serves nothing
}

// Limits of a connection: clients send their request at once.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Serve starts to answer with the pages, which are Handler's. If it cannot listen at
// an address that the operator did not choose, gorun runs without health and metrics,
// and logs that.
func Serve(o Options, pages http.Handler) (*Server, error) {
	if o.Address == "" {
		return &Server{}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", o.Address)
	if err != nil && o.Asked {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err != nil {
		o.Log.Warn("cannot listen for health and metrics; choose another address with --web", "address", o.Address, "error", err)
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
	mux := http.NewServeMux()
	mux.Handle("/", health.Handler(healthSource{o.Source}))
	// Most containers never show their page: it is made for the first request.
	page := sync.OnceValue(func() *statusPage { return newPage(o.Source, o.Build.Version) })
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { page().ServeHTTP(w, r) })
	mux.Handle("/metrics", metrics.Handler(metrics.Options{
		Source: o.Source, Workers: o.Source, Signals: o.Signals, Build: o.Build, Log: o.Log,
		Health: func(snapshot status.Snapshot) (live, ready bool) {
			report := healthReport(snapshot)
			return report.Live(), report.Ready()
		},
	}))
	return mux
}

// healthSource makes the supervisor's snapshot a health.Report.
type healthSource struct{ source Source }

// Health implements health.Source.
func (h healthSource) Health() health.Report { return healthReport(h.source.Snapshot()) }

func healthReport(snapshot status.Snapshot) health.Report {
	report := health.Report{Stopping: snapshot.ShuttingDown}
	for _, app := range snapshot.Apps {
		report.Apps = append(report.Apps, healthOf(app))
	}
	return report
}

func healthOf(app status.App) health.App {
	one := health.App{
		Name: app.Name, Desired: app.Desired, Online: app.Serving(), ReadyMin: app.ReadyMin, Errored: app.Errored(), Grace: app.Grace,
		EverReady: app.EverReady, Completed: app.Completed, NotStarted: app.NotStarted, Restarts: app.Restarts(), Reasons: app.Troubles(),
	}
	one.Waiting, one.Scheduled = app.Waiting(time.Now()), app.Scheduled
	if exit := app.LastExit(); exit != nil {
		one.LastExit = exit.Text
	}
	if !app.DownSince.IsZero() {
		one.Down = time.Since(app.DownSince)
	}
	return one
}
