package control

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/control/client"
	"gorun/supervisor/logs"
	"gorun/supervisor/status"
)

// defaultLines is how many lines are sent unless the query says, as in pm2.
const defaultLines = 15

// streamNames are the streams as the API names them.
var streamNames = map[logs.Stream]string{logs.Stdout: "out", logs.Stderr: "err"}

func (a *api) logs(w http.ResponseWriter, r *http.Request) error {
	asked, err := logQueryOf(r.URL.Query())
	if err != nil {
		return err
	}
	filter := logs.Filter{Streams: streamsOf(asked.Stream)}
	if len(asked.Targets) > 0 {
		targets, err := a.resolve(asked.Targets)
		if err != nil {
			return err
		}
		filter.Match = matching(targets)
	}
	s := &stream{w: w}
	if !asked.Follow {
		_ = s.sendLines(a.Output.History(filter, asked.Lines), 0) // the client has disconnected
		return nil
	}
	ctx, cancel := a.requestContext(r.Context())
	defer cancel()
	s.follow(ctx, a.Output.Follow(filter, asked.Lines))
	return nil
}

// follow ends when the client disconnects, or gorun ends.
func (s *stream) follow(ctx context.Context, from *logs.Follower) {
	var missed uint64
	for err := s.open(); err == nil; {
		lines, lost, over := from.Next(ctx)
		if over != nil {
			return
		}
		missed += lost
		if len(lines) > 0 {
			err = s.sendLines(lines, missed)
			missed = 0
		}
	}
}

// sendLines says with the first line how many the client has missed before it.
func (s *stream) sendLines(lines []logs.Line, missed uint64) error {
	if err := s.open(); err != nil {
		return err
	}
	for _, l := range lines {
		line := client.Line{
			Seq: l.Seq, Time: l.Time, App: l.Worker.App, Instance: l.Worker.Instance, ID: l.Worker.ID,
			Stream: streamNames[l.Stream], Text: l.Text, Missed: missed,
		}
		if err := s.write(line); err != nil {
			return err
		}
		missed = 0
	}
	return s.flush()
}

func (a *api) events(w http.ResponseWriter, r *http.Request) error {
	asked, err := eventQueryOf(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := a.requestContext(r.Context())
	defer cancel()
	if !asked.Follow {
		cancel() // only those that are kept
	}
	s := &stream{w: w}
	after := asked.After
	for err := s.open(); err == nil; {
		events, over := a.Apps.Events(ctx, after)
		if over != nil {
			return nil
		}
		for _, e := range events {
			after = e.Seq
			if err := s.write(eventOf(e)); err != nil {
				return nil // the client has disconnected
			}
		}
		err = s.flush()
	}
	return nil
}

func (a *api) flush(w http.ResponseWriter, r *http.Request, asked client.Targets) error {
	targets, err := a.resolve(asked.Targets)
	if err != nil {
		return err
	}
	if err := a.Output.Flush(r.Context(), matching(targets)); err != nil {
		return fmt.Errorf("empty the log files: %w", err)
	}
	return answer(w, struct{}{})
}

func (a *api) reopen(w http.ResponseWriter, r *http.Request) error {
	if err := a.Output.Reopen(r.Context()); err != nil {
		return fmt.Errorf("open the log files again: %w", err)
	}
	return answer(w, struct{}{})
}

func matching(targets []status.Target) func(logs.Identity) bool {
	return func(id logs.Identity) bool {
		return slices.ContainsFunc(targets, func(t status.Target) bool {
			return t.App == id.App && (t.Instance == status.EveryWorker || t.Instance == id.Instance)
		})
	}
}

func streamsOf(name string) []logs.Stream {
	for s, known := range streamNames {
		if known == name {
			return []logs.Stream{s}
		}
	}
	return nil
}

func logQueryOf(values url.Values) (client.LogQuery, error) {
	q := client.LogQuery{Targets: values["target"], Lines: defaultLines, Stream: values.Get("stream")}
	if q.Stream != "" && len(streamsOf(q.Stream)) == 0 {
		return q, badInput("unknown stream %q; the streams are out and err", q.Stream)
	}
	if text := values.Get("lines"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return q, badInput("lines is %q, not a number of lines", text)
		}
		q.Lines = n
	}
	var err error
	q.Follow, err = isOn(values, "follow")
	return q, err
}

func eventQueryOf(values url.Values) (client.EventQuery, error) {
	var q client.EventQuery
	var err error
	if text := values.Get("after"); text != "" {
		if q.After, err = strconv.ParseUint(text, 10, 64); err != nil {
			return q, badInput("after is %q, not the seq of an event", text)
		}
	}
	q.Follow, err = isOn(values, "follow")
	return q, err
}

func revisionOf(values url.Values) (client.Revision, error) {
	e := client.Revision{File: values.Get("file")}
	if list := values.Get("only"); list != "" {
		e.Only = strings.Split(list, ",")
	}
	var err error
	if e.All, err = isOn(values, "all"); err != nil {
		return e, err
	}
	e.Partial, err = isOn(values, "partial")
	return e, err
}

// isOn reads ?follow=1; ?follow alone is as good.
func isOn(values url.Values, name string) (bool, error) {
	text := values.Get(name)
	if text == "" {
		return values.Has(name), nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, badInput("%s is %q; write 1 or 0", name, text)
	}
	return on, nil
}
