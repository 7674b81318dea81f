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
	ending  <-chan struct{} // closed: no more orders
	closing <-chan struct{} // closed: no more streams
	shut    func()          // closes closing
	under   crowd           // what is under way
}

func newAPI(ctx context.Context, o Options) *api {
	closing := make(chan struct{})
	return &api{
		Options: o, ending: ctx.Done(), closing: closing,
		shut: sync.OnceFunc(func() { close(closing) }),
	}
}

// handler is all endpoints, for those who may ask.
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
	return a.guarded(mux)
}

// guarded answers only gorun's own user and root, and keeps count for Close.
func (a *api) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := visitorOf(r.Context())
		if who.refusal != nil {
			w.Header().Set("Connection", "close")
			fail(w, &statusError{http.StatusForbidden, who.refusal})
			return
		}
		if !a.under.enter() {
			fail(w, errEnding)
			return
		}
		who.inside = true // until changed
		ended := make(chan struct{})
		defer close(ended)
		go a.hurry(http.NewResponseController(w), ended)
		next.ServeHTTP(w, r)
	})
}

// changed hears what becomes of a connection. A request is under way until its
// answer's end is written, which net/http does when the handler has returned.
func (a *api) changed(conn net.Conn, state http.ConnState) {
	if who, ok := conn.(*visitor); ok && who.inside && state != http.StateActive {
		who.inside = false
		a.under.leave()
	}
}

// hurry keeps a reader that does not read from holding up the end of gorun.
func (a *api) hurry(w *http.ResponseController, ended <-chan struct{}) {
	select {
	case <-a.closing:
		_ = w.SetWriteDeadline(time.Now().Add(lastWords)) // a unix socket has deadlines
	case <-ended:
	}
}

// action is what an endpoint does; its error is told to the client.
type action func(a *api, w http.ResponseWriter, r *http.Request) error

func (a *api) serve(do action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := do(a, w, r); err != nil {
			fail(w, err)
		}
		_ = http.NewResponseController(w).Flush() // while hurry watches
	})
}

// outlive is for what must not be cut in half when the client goes: it ends with
// gorun only.
func (a *api) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	return until(context.WithoutCancel(ctx), a.ending, a.closing)
}

// attend is for what nobody needs when the client has gone.
func (a *api) attend(ctx context.Context) (context.Context, context.CancelFunc) {
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
	a.shut()
	a.under.wait(ctx)
}

// crowd counts what is under way. Nothing enters once it is waited for.
type crowd struct {
	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

func (c *crowd) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.group.Add(1)
	return true
}

func (c *crowd) leave() { c.group.Done() }

// wait closes the door and waits until all have left, or ctx is over.
func (c *crowd) wait(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	empty := make(chan struct{})
	go func() {
		c.group.Wait()
		close(empty)
	}()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

func otherMethod(allowed []string) http.Handler {
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	list := strings.Join(allowed, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", list)
		fail(w, statusErrorf(http.StatusMethodNotAllowed, "%s does not take %s, only %s", r.URL.Path, r.Method, list))
	})
}

func noEndpoint(w http.ResponseWriter, r *http.Request) {
	var paths []string
	for _, e := range endpoints {
		paths = append(paths, e.path)
	}
	fail(w, statusErrorf(http.StatusNotFound, "there is no %s; there are: %s", r.URL.Path, strings.Join(paths, ", ")))
}
