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

// Apps reports the state of the apps.
type Apps interface {
	Snapshot() status.Snapshot
	Sample() status.Snapshot
	Events(ctx context.Context, after uint64) ([]status.Event, error)
	Environ(worker status.Target) ([]string, error)
}

// Orders changes the apps. Each method returns when it is done, or soon after ctx
// is over, and reports progress by a function that never waits. An error with a
// method Conflict means that another order is under way.
type Orders interface {
	Do(ctx context.Context, order spec.Order, report func(status.Progress)) error
	Scale(ctx context.Context, app string, size spec.Size, report func(status.Progress)) error
	Apply(ctx context.Context, revision spec.Revision, report func(status.Progress)) error
	Plan(revision spec.Revision) []status.Change
}

// Messages reaches the processes of workers.
type Messages interface {
	SignalTargets(targets []status.Target, sig unix.Signal) int
	Send(targets []status.Target, message json.RawMessage) (int, error)
	Input(targets []status.Target, line string) (int, error)
	Trigger(ctx context.Context, targets []status.Target, action, params string) ([]json.RawMessage, error)
}

// Load reads an ecosystem file, "" for gorun's own. Its error has all mistakes.
type Load func(file string, only []string) ([]spec.App, error)

// Options says what is served, and where.
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
	headerTimeout   = 5 * time.Second
	idleTimeout     = 2 * time.Minute
	maxHeader       = 64 << 10
	shutdownTimeout = time.Second // for answers that are being sent when gorun ends
)

// Serve starts the server. The end of ctx ends the orders under way and refuses new
// ones; queries are answered until Close. Where no socket was asked for and no
// default works, gorun runs without control, and says so.
func Serve(ctx context.Context, o Options) (*Server, error) {
	listener, err := Listen(o.Address)
	if err != nil && o.Address.Socket != "" {
		return nil, fmt.Errorf("serve control at GORUN_SOCKET: %w", err)
	}
	if err != nil {
		o.Log.Warn("no control socket: cannot listen; set GORUN_SOCKET to another address", "error", err)
		return &Server{}, nil
	}
	s := &Server{listener: listener, api: newAPI(ctx, o)}
	s.http = &http.Server{
		Handler: s.api.handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog:    slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		ConnContext: withConn, ConnState: s.api.connStateChanged,
	}
	go func() { _ = s.http.Serve(listener) }() // ends with Close
	o.Log.Debug("listening", "control", listener.Address())
	return s, nil
}

// Close removes the socket, ends orders and streams, and waits until every answer is
// sent, or ctx is over.
func (s *Server) Close(ctx context.Context) error {
	if s.listener == nil {
		return nil
	}
	err := s.listener.Close()
	s.api.close(ctx)
	return errors.Join(err, s.http.Close())
}

// connKey is the key of the clientConn in a connection's context.
type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

func connOf(ctx context.Context) *clientConn {
	if conn, ok := ctx.Value(connKey{}).(*clientConn); ok {
		return conn
	}
	return &clientConn{refusal: errors.New("it did not come through gorun's socket")}
}
