package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Ping asks for the version and the pid.
func (c *Client) Ping(ctx context.Context) (Ping, error) {
	var p Ping
	err := c.ask(ctx, http.MethodGet, "/v1/ping", nil, &p)
	return p, err
}

// Apps asks for all apps and workers.
func (c *Client) Apps(ctx context.Context) (Overview, error) {
	var o Overview
	err := c.ask(ctx, http.MethodGet, "/v1/apps", nil, &o)
	return o, err
}

// Env asks for the environment of one worker.
func (c *Client) Env(ctx context.Context, target string) ([]string, error) {
	var pairs []string
	err := c.ask(ctx, http.MethodGet, "/v1/env?"+url.Values{"target": {target}}.Encode(), nil, &pairs)
	return pairs, err
}

// Plan asks what Apply would do.
func (c *Client) Plan(ctx context.Context, e Revision) ([]Change, error) {
	query := url.Values{}
	set(query, "file", e.File)
	set(query, "only", strings.Join(e.Only, ","))
	query.Set("all", strconv.FormatBool(e.All))
	query.Set("partial", strconv.FormatBool(e.Partial))
	var changes []Change
	err := c.ask(ctx, http.MethodGet, "/v1/plan?"+query.Encode(), nil, &changes)
	return changes, err
}

// Order gives an order and yields its progress. An order that has failed ends with
// an error; a caller that stops reading does not stop it.
func (c *Client) Order(ctx context.Context, o Order) iter.Seq2[Progress, error] {
	return c.progress(ctx, "/v1/orders", o)
}

// Scale changes the number of workers, and yields its progress as Order does.
func (c *Client) Scale(ctx context.Context, s Scale) iter.Seq2[Progress, error] {
	return c.progress(ctx, "/v1/scale", s)
}

// Apply applies a file, and yields its progress as Order does.
func (c *Client) Apply(ctx context.Context, e Revision) iter.Seq2[Progress, error] {
	return c.progress(ctx, "/v1/apply", e)
}

// Signal sends a signal and returns how many processes got it; 0: nobody
// handles it.
func (c *Client) Signal(ctx context.Context, s Signal) (int, error) {
	var given Signalled
	err := c.ask(ctx, http.MethodPost, "/v1/signal", s, &given)
	return given.Signalled, err
}

// Send sends a message and returns how many workers got it, also with an error
// about others.
func (c *Client) Send(ctx context.Context, m Message) (int, error) {
	var given Sent
	err := c.ask(ctx, http.MethodPost, "/v1/send", m, &given)
	return given.Sent, errors.Join(err, errorOf(given.Error))
}

// Input writes a line to standard input and returns how many workers got it, also with
// an error about others.
func (c *Client) Input(ctx context.Context, in Input) (int, error) {
	var given Sent
	err := c.ask(ctx, http.MethodPost, "/v1/input", in, &given)
	return given.Sent, errors.Join(err, errorOf(given.Error))
}

// Trigger triggers an action and returns the replies, also with an error about the
// workers that gave none.
func (c *Client) Trigger(ctx context.Context, t Trigger) ([]json.RawMessage, error) {
	var given Replies
	err := c.ask(ctx, http.MethodPost, "/v1/trigger", t, &given)
	return given.Replies, errors.Join(err, errorOf(given.Error))
}

// Flush empties the log files of the targets, and the lines that are kept.
func (c *Client) Flush(ctx context.Context, targets []string) error {
	var nothing struct{}
	return c.ask(ctx, http.MethodPost, "/v1/flush", Targets{targets}, &nothing)
}

// Reopen opens the log files again.
func (c *Client) Reopen(ctx context.Context) error {
	var nothing struct{}
	return c.ask(ctx, http.MethodPost, "/v1/reopen", nil, &nothing)
}

// Logs yields the last lines of workers and, with Follow, new ones until ctx is over
// or gorun ends.
func (c *Client) Logs(ctx context.Context, q LogQuery) iter.Seq2[Line, error] {
	query := url.Values{"target": q.Targets, "lines": {strconv.Itoa(q.Lines)}, "follow": {strconv.FormatBool(q.Follow)}}
	set(query, "stream", q.Stream)
	return streamOf[Line](ctx, c, http.MethodGet, "/v1/logs?"+query.Encode(), nil)
}

// Events yields the last events and, with Follow, new ones until ctx is over or
// gorun ends.
func (c *Client) Events(ctx context.Context, q EventQuery) iter.Seq2[Event, error] {
	query := url.Values{"after": {strconv.FormatUint(q.After, 10)}, "follow": {strconv.FormatBool(q.Follow)}}
	return streamOf[Event](ctx, c, http.MethodGet, "/v1/events?"+query.Encode(), nil)
}

// errorOf is the error beside an answer, about the workers that are not in it.
func errorOf(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// progress turns the last line into the end, or an error.
func (c *Client) progress(ctx context.Context, path string, body any) iter.Seq2[Progress, error] {
	return func(yield func(Progress, error) bool) {
		for line, err := range streamOf[Progress](ctx, c, http.MethodPost, path, body) {
			switch {
			case err == nil && line.Done && line.Error == "":
				return
			case err == nil && line.Done:
				yield(line, errors.New(line.Error))
				return
			case !yield(line, err) || err != nil:
				return
			}
		}
		yield(Progress{}, errors.New("the connection to gorun broke off; the order goes on unless gorun has ended"))
	}
}

// streamOf yields the values of a stream. An error comes last.
func streamOf[T any](ctx context.Context, c *Client, method, path string, body any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		response, err := c.open(ctx, method, path, body)
		if err != nil {
			yield(none, err)
			return
		}
		defer func() { _ = response.Body.Close() }()
		decoder := json.NewDecoder(response.Body)
		for {
			var line T
			err := decoder.Decode(&line)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(none, fmt.Errorf("read the answer of gorun: %w", err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}
