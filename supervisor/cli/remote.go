package cli

import (
	"context"

	"gorun/supervisor/control/client"
)

// remote is what monit works with: the client, with functions for its streams.
type remote struct{ client *client.Client }

// Overview implements monit.Source.
func (r remote) Overview(ctx context.Context) (client.Overview, error) { return r.client.Apps(ctx) }

// Logs implements monit.Source.
func (r remote) Logs(ctx context.Context, target string, lines int, each func(client.Line)) error {
	for line, err := range r.client.Logs(ctx, client.LogQuery{Targets: []string{target}, Lines: lines, Follow: true}) {
		if err != nil {
			return err
		}
		each(line)
	}
	return nil
}

// Order implements monit.Operator.
func (r remote) Order(ctx context.Context, verb string, targets []string, each func(client.Progress)) error {
	for line, err := range r.client.Order(ctx, client.Order{Verb: verb, Targets: targets}) {
		if err != nil {
			return err
		}
		each(line)
	}
	return nil
}

// Scale implements monit.Operator.
func (r remote) Scale(ctx context.Context, app, workers string, each func(client.Progress)) error {
	for line, err := range r.client.Scale(ctx, client.Scale{App: app, Workers: workers}) {
		if err != nil {
			return err
		}
		each(line)
	}
	return nil
}
