package control

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// api is what the endpoints work with.
type api struct {
	Options
	ending       <-chan struct{} // closed: no more orders
	closing      <-chan struct{} // closed: no more streams
	closeStreams func()          // closes closing
	requests     inFlight        // orders, too
}

func newAPI(ctx context.Context, o Options) *api {
	closing := make(chan struct{})
	return &api{
		Options: o, ending: ctx.Done(), closing: closing,
		closeStreams: sync.OnceFunc(func() { close(closing) }),
	}
}

// handler serves all endpoints to clients that may ask.
func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, e := range endpoints {
		mux.Handle(e.method+" "+e.path, a.serve(e.serve))
		methods[e.path] = append(methods[e.path], e.method)
	}
	for path, allowed := range methods {
		mux.Handle(path, otherMethod(allowed))
	}
	mux.HandleFunc("/v1/", noEndpoint)
	if a.Health != nil {
		mux.Handle("/", a.Health)
	} else {
		mux.HandleFunc("/", noEndpoint)
	}
	return a.authorized(mux)
}

// authorized serves gorun's own user and root only, and counts the requests under
// way for Close.
func (a *api) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := connOf(r.Context())
		if conn.refusal != nil {
			w.Header().Set("Connection", "close")
			fail(w, &statusError{http.StatusForbidden, conn.refusal})
			return
		}
		if !a.requests.add() {
			fail(w, errEnding)
			return
		}
		conn.inRequest = true // until connStateChanged
		ended := make(chan struct{})
		defer close(ended)
		go a.enforceShutdown(http.NewResponseController(w), ended)
		next.ServeHTTP(w, r)
	})
}

// connStateChanged is the http.Server's ConnState. A request is under way until its
// answer's end is written, which net/http does when the handler has returned.
func (a *api) connStateChanged(conn net.Conn, state http.ConnState) {
	if c, ok := conn.(*clientConn); ok && c.inRequest && state != http.StateActive {
		c.inRequest = false
		a.requests.done()
	}
}

// enforceShutdown gives an answer a deadline once gorun ends: a client that does
// not read must not hold that up.
func (a *api) enforceShutdown(w *http.ResponseController, ended <-chan struct{}) {
	select {
	case <-a.closing:
		_ = w.SetWriteDeadline(time.Now().Add(shutdownTimeout)) // a unix socket has deadlines
	case <-ended:
	}
}

// endpointFunc serves an endpoint. Its error becomes the answer.
type endpointFunc func(a *api, w http.ResponseWriter, r *http.Request) error

func (a *api) serve(do endpointFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := do(a, w, r); err != nil {
			fail(w, err)
		}
		_ = http.NewResponseController(w).Flush() // while enforceShutdown watches
	})
}

// detachedContext returns a context for what must not be cut in half when the
// client disconnects: it ends with gorun only.
func (a *api) detachedContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return until(context.WithoutCancel(ctx), a.ending, a.closing)
}

// requestContext returns a context that also ends when the client disconnects.
func (a *api) requestContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return until(ctx, a.closing, nil)
}

// until ends the context when one of the channels is closed.
func until(ctx context.Context, one, other <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-one:
		case <-other:
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func (a *api) close(ctx context.Context) {
	a.closeStreams()
	a.requests.wait(ctx)
}

func otherMethod(allowed []string) http.Handler {
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	list := strings.Join(allowed, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", list)
		fail(w, statusErrorf(http.StatusMethodNotAllowed, "%s does not accept %s, only %s", r.URL.Path, r.Method, list))
	})
}

func noEndpoint(w http.ResponseWriter, r *http.Request) {
	var paths []string
	for _, e := range endpoints {
		paths = append(paths, e.path)
	}
	fail(w, statusErrorf(http.StatusNotFound, "no endpoint %s; known endpoints: %s", r.URL.Path, strings.Join(paths, ", ")))
}
