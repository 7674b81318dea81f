package control

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

var reloadAPI = client.Order{Verb: "reload", Targets: []string{"api"}}

// handOver works as the test lets it: it tells what it receives.
func handOver(texts <-chan string, result error) func(context.Context, func(string)) error {
	return func(ctx context.Context, report func(string)) error {
		for {
			select {
			case text, more := <-texts:
				if !more {
					return result
				}
				report(text)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func TestProgressArrivesWhileTheOrderIsUnderWay(t *testing.T) {
	texts := make(chan string)
	c := serve(t, &fake{apps: twoApps(), work: handOver(texts, nil)})
	next, stop := iter.Pull2(c.Order(t.Context(), reloadAPI))
	defer stop()
	for _, text := range []string{"one", "two < three"} {
		go func() { texts <- text }()
		line, err, _ := next()
		if err != nil || line.Text != text || line.App != "api" || *line.Instance != 1 {
			t.Fatalf("line %+v, %v, want %s", line, err, text)
		}
	}
	close(texts)
	if line, err, more := next(); more {
		t.Errorf("after the end: %+v, %v", line, err)
	}
}

func TestAnOrderThatFailsEndsWithItsError(t *testing.T) {
	texts := make(chan string, 1)
	texts <- "one"
	close(texts)
	c := serve(t, &fake{apps: twoApps(), work: handOver(texts, errors.New("worker 1 was not ready"))})
	err := drain(c.Order(t.Context(), reloadAPI))
	if err == nil || err.Error() != "worker 1 was not ready" {
		t.Errorf("Order: %v", err)
	}
}

func TestProgressIsOneJSONValueALine(t *testing.T) {
	texts := make(chan string, 1)
	texts <- "one"
	close(texts)
	c := serve(t, &fake{apps: twoApps(), work: handOver(texts, errors.New("no"))})
	_, header, body := request(t, c, "POST", "/v1/orders", `{"verb":"stop","targets":["all"]}`)
	const want = `{"app":"api","instance":1,"text":"one"}` + "\n" + `{"done":true,"error":"no"}` + "\n"
	if header.Get("Content-Type") != "application/x-ndjson" || body != want {
		t.Errorf("%s:\n%s", header.Get("Content-Type"), body)
	}
}

func TestAnOrderGoesOnWhenItsClientGoes(t *testing.T) {
	texts, ended := make(chan string), make(chan error, 1)
	hand := handOver(texts, nil)
	c := serve(t, &fake{apps: twoApps(), work: func(ctx context.Context, report func(string)) error {
		err := hand(ctx, report)
		ended <- err
		return err
	}})
	next, stop := iter.Pull2(c.Order(t.Context(), reloadAPI))
	go func() { texts <- "one" }()
	if _, err, _ := next(); err != nil {
		t.Fatal(err)
	}
	stop() // closes the connection
	for range 100 {
		select {
		case texts <- "more":
		case <-time.After(patience):
			t.Fatal("the order has ended with its client")
		}
	}
	close(texts)
	if err := receive(t, ended, "the end of the order"); err != nil {
		t.Errorf("the order was cut short: %v", err)
	}
}

func TestAClientThatDoesNotReadHoldsUpNothing(t *testing.T) {
	ended := make(chan struct{})
	f := &fake{apps: twoApps(), work: func(_ context.Context, report func(string)) error {
		for range 2 * maxProgress {
			report(strings.Repeat("x", 1000))
		}
		close(ended)
		return nil
	}}
	o := options(t, f)
	s, err := Serve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", o.Address.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := `{"verb":"stop","targets":["all"]}`
	if _, err := conn.Write([]byte("POST /v1/orders HTTP/1.1\r\nHost: gorun\r\nContent-Length: 33\r\n\r\n" + body)); err != nil {
		t.Fatal(err)
	}
	receive(t, ended, "the end of the order")
	closeServer(t, s)
}

func TestTheEndOfGorunEndsOrders(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	texts := make(chan string, 1)
	c, _ := serveWith(t, ctx, options(t, &fake{apps: twoApps(), work: handOver(texts, nil)}))
	texts <- "one"
	var last error
	for _, err := range c.Order(t.Context(), reloadAPI) {
		end()
		last = err
	}
	if last == nil || last.Error() != "gorun is ending" {
		t.Errorf("Order: %v", last)
	}
	if err := drain(c.Order(t.Context(), reloadAPI)); !isReply(err, http.StatusServiceUnavailable) {
		t.Errorf("an order after the end: %v", err)
	}
	if _, err := c.Apps(t.Context()); err != nil {
		t.Errorf("a question after the end: %v", err)
	}
}

func TestCloseWaitsForTheLastLineOfAnOrder(t *testing.T) {
	texts := make(chan string, 1)
	c, s := serveWith(t, t.Context(), options(t, &fake{apps: twoApps(), work: handOver(texts, nil)}))
	texts <- "one"
	var last error
	for _, err := range c.Order(t.Context(), reloadAPI) {
		if err == nil {
			closeServer(t, s)
		}
		last = err
	}
	if last == nil || last.Error() != "gorun is ending" {
		t.Errorf("Order: %v", last)
	}
}

func TestEvents(t *testing.T) {
	f := &fake{events: make(chan []status.Event, 1)}
	c := serve(t, f)
	f.events <- []status.Event{{Seq: 8, App: "api", Instance: status.EveryWorker, Kind: "reload"}, {Seq: 9, Kind: "state"}}
	var kinds []string
	for e, err := range c.Events(t.Context(), client.EventQuery{After: 7}) {
		if err != nil || e.Instance != nil {
			t.Fatalf("%+v, %v", e, err)
		}
		kinds = append(kinds, e.Kind)
	}
	if strings.Join(kinds, " ") != "reload state" || f.recorded() != "events after 7\nevents after 9" {
		t.Errorf("events %v, calls %s", kinds, f.recorded())
	}
}

func TestEventsAreFollowed(t *testing.T) {
	f := &fake{events: make(chan []status.Event)}
	c := serve(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	next, stop := iter.Pull2(c.Events(ctx, client.EventQuery{Follow: true}))
	defer stop()
	for seq := range uint64(3) {
		go func() { f.events <- []status.Event{{Seq: seq, App: "api", Instance: 2}} }()
		if e, err, _ := next(); err != nil || e.Seq != seq || *e.Instance != 2 {
			t.Fatalf("event %+v, %v", e, err)
		}
	}
	cancel()
	if _, err, _ := next(); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
}
