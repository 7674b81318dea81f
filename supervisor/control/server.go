package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/control/client"
	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Apps tells how things stand.
type Apps interface {
	Snapshot() status.Snapshot
	Sample() status.Snapshot
	Events(ctx context.Context, after uint64) ([]status.Event, error)
	Environ(worker status.Target) ([]string, error)
}

// Orders carries out what is asked for. Each method returns when it is done, or
// soon after ctx is over. An error with a method Conflict means that something
// else is under way.
type Orders interface {
	Do(ctx context.Context, order spec.Order, tell func(status.Progress)) error
	Scale(ctx context.Context, app string, size spec.Size, tell func(status.Progress)) error
	Apply(ctx context.Context, revision spec.Revision, tell func(status.Progress)) error
	Plan(revision spec.Revision) []status.Change
}

// Messages reaches the processes of workers.
type Messages interface {
	SignalTargets(targets []status.Target, sig unix.Signal) int
	Send(targets []status.Target, message json.RawMessage) (int, error)
	Trigger(ctx context.Context, targets []status.Target, action, params string) ([]json.RawMessage, error)
}

// Load reads an ecosystem file, "" for gorun's own. Its error has all mistakes.
type Load func(file string, only []string) ([]spec.App, error)

// Options is what is served, and where.
type Options struct {
	Address  client.Address
	Apps     Apps
	Orders   Orders
	Messages Messages
	Output   *logs.Output
	Load     Load
	CPUs     int          // what "max" means
	Health   http.Handler // serves what is not under /v1/; nil: nothing
	Version  string
	Log      *slog.Logger
}

// Server answers on the socket. Close ends it.
type Server struct {
	listener *Listener // nil: there is none
	http     *http.Server
	api      *api
}

// Limits of a connection.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	lastWords     = time.Second // for who is still being told something when gorun ends
)

// Serve starts to answer. The end of ctx ends the orders under way and refuses
// new ones; what is only looked at can be until Close. Where nobody chose a
// socket and none can be had, gorun runs without control, and says so.
func Serve(ctx context.Context, o Options) (*Server, error) {
	listener, err := Listen(o.Address)
	if err != nil && o.Address.Socket != "" {
		return nil, fmt.Errorf("serve control at GORUN_SOCKET: %w", err)
	}
	if err != nil {
		o.Log.Warn("no control: its socket cannot be had; choose another with GORUN_SOCKET", "error", err)
		return &Server{}, nil
	}
	s := &Server{listener: listener, api: newAPI(ctx, o)}
	s.http = &http.Server{
		Handler: s.api.handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog:    slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		ConnContext: rememberVisitor, ConnState: s.api.changed,
	}
	go func() { _ = s.http.Serve(listener) }() // ends with Close
	o.Log.Debug("listening", "control", listener.Address())
	return s, nil
}

// Address is where clients find it, "" if there is no control.
func (s *Server) Address() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Address()
}

// Close removes the socket, ends orders and streams, and waits until the last
// word is said, or ctx is over.
func (s *Server) Close(ctx context.Context) error {
	if s.listener == nil {
		return nil
	}
	err := s.listener.Close()
	s.api.close(ctx)
	return errors.Join(err, s.http.Close())
}

// visitorKey is the key of the visitor in a connection's context.
type visitorKey struct{}

func rememberVisitor(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, visitorKey{}, conn)
}

func visitorOf(ctx context.Context) *visitor {
	if v, ok := ctx.Value(visitorKey{}).(*visitor); ok {
		return v
	}
	return &visitor{refusal: errors.New("it did not come through gorun's socket")}
}
