package control

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"time"

	"gorun/signals"
	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

// endpoint is a row of the table from which the server and its documentation are
// made.
type endpoint struct {
	method, path string
	takes        string // query or body; "": nothing
	answers      string
	summary      string
	serve        endpointFunc
}

const progressStream = "stream of `{app, instance, text, failed}`, at last `{done, error}`"

// endpoints is everything under /v1/.
var endpoints = [...]endpoint{
	{"GET", "/v1/ping", "", "`{pid, version}`", "answers if gorun is running", (*api).ping},
	{"GET", "/v1/apps", "", "`{time, pid, version, shutting_down, apps}`", "lists every app with its workers and ports", (*api).apps},
	{"GET", "/v1/env", "`?target=3`", "`[\"NAME=value\"]`, sorted", "lists the environment variables of one worker", (*api).env},
	{"GET", "/v1/plan", "`?file=/abs/path&only=a,b&all=1&partial=1`", "`[{app, what, why}]`", "lists what `/v1/apply` would change, and changes nothing", (*api).plan},
	{"GET", "/v1/logs", "`?target=api&target=3&lines=15&stream=err&follow=1`", "stream of `{seq, time, app, instance, id, stream, text, missed}`", "sends the last lines that workers wrote; with `follow`, new lines as they come", (*api).logs},
	{"GET", "/v1/events", "`?after=0&follow=1`", "stream of `{seq, time, app, instance, kind, text, data}`", "sends the last thousand events; with `follow`, new events as they happen", (*api).events},
	{"POST", "/v1/orders", "`{\"verb\":\"reload\",\"targets\":[\"api\"],\"parallel\":2}`", progressStream, "carries out a verb: start, stop, restart, reload, delete or reset", decoded((*api).orders)},
	{"POST", "/v1/scale", "`{\"app\":\"api\",\"workers\":\"+3\",\"force\":true}`", progressStream, "changes the number of workers: `4`, `+3`, `-2` or `max`; `force`: also to more than CPUs and memory have room for", decoded((*api).scale)},
	{"POST", "/v1/apply", "`{\"file\":\"/abs/path\",\"parallel\":2}`, see below", progressStream, "applies the file; returns when new workers are online", decoded((*api).apply)},
	{"POST", "/v1/signal", "`{\"signal\":\"SIGUSR1\",\"targets\":[\"api\"]}`", "`{signalled}`", "sends a signal to the processes of workers that handle it; `signalled` is how many", decoded((*api).signal)},
	{"POST", "/v1/send", "`{\"targets\":[\"api\"],\"message\":{}}`", "`{sent, error}`", "sends any JSON to Node workers as an IPC message", decoded((*api).send)},
	{"POST", "/v1/input", "`{\"targets\":[\"api\"],\"line\":\"quit\"}`", "`{sent, error}`", "writes a line to the standard input of workers; a program that does not read it is an error", decoded((*api).input)},
	{"POST", "/v1/trigger", "`{\"targets\":[\"api\"],\"action\":\"gc\",\"params\":\"\"}`", "`{replies, error}`", "triggers an action of Node workers and waits for their replies; `error` names the workers without one", decoded((*api).trigger)},
	{"POST", "/v1/flush", "`{\"targets\":[\"api\"]}`", "`{}`", "empties log files and the lines kept for `/v1/logs`", decoded((*api).flush)},
	{"POST", "/v1/reopen", "", "`{}`", "opens the log files again, after they were moved away", (*api).reopen},
}

// decoded makes an endpoint of a method that takes the request's body.
func decoded[T any](serve func(a *api, w http.ResponseWriter, r *http.Request, asked T) error) endpointFunc {
	return func(a *api, w http.ResponseWriter, r *http.Request) error {
		var asked T
		if err := decode(w, r, &asked); err != nil {
			return err
		}
		return serve(a, w, r, asked)
	}
}

func (a *api) ping(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, client.Ping{Pid: os.Getpid(), Version: a.Version})
}

func (a *api) apps(w http.ResponseWriter, _ *http.Request) error {
	view := overviewOf(a.Apps.Sample(), time.Now())
	view.Pid, view.Version = os.Getpid(), a.Version
	return answer(w, view)
}

// resolve finds the targets among the present apps.
func (a *api) resolve(words []string) ([]status.Target, error) {
	return client.Resolve(words, a.Apps.Snapshot().Apps)
}

func (a *api) env(w http.ResponseWriter, r *http.Request) error {
	word := r.URL.Query().Get("target")
	if word == "" {
		return badInput("name a worker: ?target=3 or ?target=api/0")
	}
	apps := a.Apps.Snapshot().Apps
	targets, err := client.Resolve([]string{word}, apps)
	if err != nil {
		return err
	}
	worker, err := oneWorker(word, targets, apps)
	if err != nil {
		return err
	}
	pairs, err := a.Apps.Environ(worker)
	if err != nil {
		return err //nolint:wrapcheck // it says what was attempted
	}
	pairs = slices.Clone(pairs)
	slices.Sort(pairs)
	return answer(w, pairs)
}

// oneWorker returns the worker of a target; of an app, its only one.
func oneWorker(word string, targets []status.Target, apps []status.App) (status.Target, error) {
	if len(targets) == 1 && targets[0].Instance != status.EveryWorker {
		return targets[0], nil
	}
	var all []status.Target
	for _, t := range targets {
		all = append(all, workersOf(t.App, apps)...)
	}
	if len(all) != 1 {
		return status.Target{}, badInput("%s selects %d workers; name one, by its id or as app/instance", word, len(all))
	}
	return all[0], nil
}

func workersOf(name string, apps []status.App) []status.Target {
	i := slices.IndexFunc(apps, func(app status.App) bool { return app.Name == name })
	var all []status.Target
	for _, w := range apps[i].Workers {
		all = append(all, status.Target{App: name, Instance: w.Instance})
	}
	return all
}

func (a *api) orders(w http.ResponseWriter, r *http.Request, asked client.Order) error {
	order, err := parseOrder(asked, a.Apps.Snapshot().Apps)
	if err != nil {
		return err
	}
	return a.runOrder(w, r, func(ctx context.Context, report func(status.Progress)) error {
		return a.Orders.Do(ctx, order, report)
	})
}

func (a *api) scale(w http.ResponseWriter, r *http.Request, asked client.Scale) error {
	now := a.Apps.Sample()
	app, size, err := parseScale(asked, now.Apps, a.CPUs)
	if err == nil && !asked.Force {
		err = checkGrowth(app, size, now, a.CPUs)
	}
	if err != nil {
		return err
	}
	return a.runOrder(w, r, func(ctx context.Context, report func(status.Progress)) error {
		return a.Orders.Scale(ctx, app, size, report)
	})
}

func (a *api) apply(w http.ResponseWriter, r *http.Request, asked client.Revision) error {
	revision, err := parseRevision(asked, a.Load)
	if err != nil {
		return err
	}
	return a.runOrder(w, r, func(ctx context.Context, report func(status.Progress)) error {
		return a.Orders.Apply(ctx, revision, report)
	})
}

func (a *api) plan(w http.ResponseWriter, r *http.Request) error {
	asked, err := revisionOf(r.URL.Query())
	if err != nil {
		return err
	}
	revision, err := parseRevision(asked, a.Load)
	if err != nil {
		return err
	}
	return answer(w, changesOf(a.Orders.Plan(revision)))
}

func (a *api) signal(w http.ResponseWriter, _ *http.Request, asked client.Signal) error {
	sig, err := signals.Parse(asked.Signal)
	if err != nil {
		return badInputError{err}
	}
	targets, err := a.resolve(asked.Targets)
	if err != nil {
		return err
	}
	return answer(w, client.Signalled{Signalled: a.Messages.SignalTargets(targets, sig)})
}

func (a *api) send(w http.ResponseWriter, _ *http.Request, asked client.Message) error {
	if len(asked.Message) == 0 {
		return badInput("no message to send; set message to any JSON")
	}
	targets, err := a.resolve(asked.Targets)
	if err != nil {
		return err
	}
	n, err := a.Messages.Send(targets, asked.Message)
	return answerSent(w, n, err)
}

func (a *api) input(w http.ResponseWriter, _ *http.Request, asked client.Input) error {
	targets, err := a.resolve(asked.Targets)
	if err != nil {
		return err
	}
	n, err := a.Messages.Input(targets, asked.Line)
	return answerSent(w, n, err)
}

// answerSent answers how many workers got something, with an error about others.
func answerSent(w http.ResponseWriter, n int, err error) error {
	if err != nil && n == 0 {
		return err
	}
	return answer(w, client.Sent{Sent: n, Error: textOf(err)})
}

// triggerLimit is how long workers may take to reply.
const triggerLimit = 30 * time.Second

func (a *api) trigger(w http.ResponseWriter, r *http.Request, asked client.Trigger) error {
	if asked.Action == "" {
		return badInput("no action to trigger; set action")
	}
	targets, err := a.resolve(asked.Targets)
	if err != nil {
		return err
	}
	ctx, cancel := a.requestContext(r.Context())
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, triggerLimit)
	defer stop()
	given, err := a.Messages.Trigger(ctx, targets, asked.Action, asked.Params)
	if err != nil && len(given) == 0 {
		return err //nolint:wrapcheck // it says what was attempted
	}
	if given == nil {
		given = []json.RawMessage{}
	}
	return answer(w, client.Replies{Replies: given, Error: textOf(err)})
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
