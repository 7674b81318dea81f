package endpoint

import (
	"slices"
	"testing"
	"time"

	"gorun/supervisor/invocation/event"
	"gorun/supervisor/notify"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

func TestOnlyItsPortIsSharedWhereOneIsNamed(t *testing.T) {
	for _, test := range []struct {
		port, asked int
		want        bool
	}{{0, 3000, true}, {3000, 3000, true}, {3000, 9229, false}} {
		p := &SharedPorts{app: &spec.App{Port: test.port}}
		if got := p.sharesAddress(sockets.Address{Port: test.asked}); got != test.want {
			t.Errorf("with port %d, %d is shared: %v, want %v", test.port, test.asked, got, test.want)
		}
	}
}

func TestAnInstanceWithTwoRunsHasOneQueue(t *testing.T) {
	var all []status.Port
	for _, one := range []status.Port{{Address: "[::]:80", Instance: 0, Length: 1, Limit: 10}, {Address: "[::]:80", Instance: 1, Length: 2, Limit: 10}, {Address: "[::]:80", Instance: 0, Length: 3, Limit: 10}, {Address: "[::]:81", Instance: 0, Length: 4, Limit: 10}} {
		all = addQueue(all, one)
	}
	want := []status.Port{{Address: "[::]:80", Instance: 0, Length: 4, Limit: 20}, {Address: "[::]:80", Instance: 1, Length: 2, Limit: 10}, {Address: "[::]:81", Instance: 0, Length: 4, Limit: 10}}
	if !slices.Equal(all, want) {
		t.Errorf("queues %v, want %v", all, want)
	}
}

func TestOnlyWhoSpeaksForAWorkerSaysThatItEnds(t *testing.T) {
	const first, server, helper = 7, 8, 9
	stopping := func(sender int) notify.Message { return notify.Message{Stopping: true, Sender: sender} }
	ready := func(sender int) notify.Message { return notify.Message{Ready: true, Sender: sender} }
	for _, test := range []struct {
		name  string
		waits bool // for READY=1
		said  []notify.Message
		want  bool
	}{
		{"the process", false, []notify.Message{stopping(first)}, true},
		{"a helper", false, []notify.Message{stopping(helper)}, false},
		{"a helper that was ready", false, []notify.Message{ready(helper), stopping(helper)}, false},
		{"who was ready", true, []notify.Message{ready(server), stopping(server)}, true},
		{"a helper after that", true, []notify.Message{ready(server), ready(helper), stopping(helper)}, false},
	} {
		e := New(Request{Ports: &SharedPorts{app: &spec.App{}, runs: map[sockets.Owner]run{}}, Spec: &spec.App{WaitReady: test.waits}})
		e.notices.mainPid = first
		for _, m := range test.said {
			e.notices.receive(m)
		}
		got := slices.ContainsFunc(e.events.early, func(one event.Event) bool { return one.Kind == event.Stopping })
		if got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestL28NoticesOfTheWatchdogAreHeard(t *testing.T) {
	p := &SharedPorts{app: &spec.App{}, runs: map[sockets.Owner]run{}}
	e := New(Request{Ports: p, Spec: p.app})
	e.notices.receive(notify.Message{Watchdog: new(20 * time.Second)})
	e.notices.receive(notify.Message{KeepAlive: true, WatchdogTrigger: true})
	var heard []string
	for _, one := range e.events.early {
		switch {
		case one.Watchdog != nil:
			heard = append(heard, one.Watchdog.String())
		case one.Kind == event.WatchdogExpired:
			heard = append(heard, "trigger")
		default:
			heard = append(heard, "alive")
		}
	}
	if !slices.Equal(heard, []string{"20s", "alive", "trigger"}) {
		t.Errorf("%q", heard)
	}
}
