package endpoint

import (
	"context"
	"os"

	"gorun/supervisor/sockets/intercept"
	"gorun/supervisor/spec"
)

// interception answers the program's own calls of bind and listen.
type interception struct {
	listener *os.File // nil: there is none
	stop     context.CancelFunc
}

// install installs the filter whose notifications are answered; it runs between fork
// and exec.
func (i *interception) install() (err error) {
	i.close() // a script without a #! line takes a second try
	i.listener, err = intercept.Install()
	return err //nolint:wrapcheck // it says what was attempted
}

func (i *interception) close() {
	if i.listener != nil {
		_ = i.listener.Close()
	}
}

// serve answers the calls of the endpoint's process until its tree is gone.
func (i *interception) serve(e *Endpoint) {
	if i.listener == nil {
		return
	}
	var ctx context.Context
	ctx, i.stop = context.WithCancel(context.Background())
	options := intercept.Options{
		Share: e.share, Wanted: e.ports.sharesAddress, Private: e.inspector.private, Tree: e.process.Members, Log: e.ports.deps.Log,
		Listening: e.listens,
		Observe:   e.ports.app.Sharing == spec.ShareNone,
		User:      e.ports.app.User.Credential(),
	}
	e.ports.Go(func() { _ = intercept.Serve(ctx, i.listener, options) }) // ends with the tree, or when it is cancelled
}
