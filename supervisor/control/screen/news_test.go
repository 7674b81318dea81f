package screen

import (
	"bytes"
	"testing"

	"gorun/supervisor/control/client"
)

func TestNewsGoldens(t *testing.T) {
	one := 1
	news := []client.Progress{
		{App: "api", Instance: &one, Text: "replaced: pid 41 → 52 in 1.2 s"},
		{App: "api", Instance: &one, Text: "the replacement is not ready after 30 s; the old worker (pid 41) stays in place", Failed: true},
		{App: "api", Text: "reloading 4 workers"},
		{Done: true},
		{App: "api", Text: "4 workers replaced in 3.1 s", Done: true},
		{App: "api", Error: "reload stopped", Done: true},
		{Error: "no such app: ap; there are api, mailer", Done: true},
	}
	for look, style := range looks {
		t.Run(look, func(t *testing.T) {
			golden(t, "news-"+look, printed(t, func(out *bytes.Buffer) error {
				for _, n := range news {
					if err := Progress(out, style, n); err != nil {
						return err
					}
				}
				return nil
			}))
		})
	}
}

func TestEventGoldens(t *testing.T) {
	one := 1
	events := []client.Event{
		{Time: noon, App: "api", Instance: &one, Kind: "exit", Text: "137 = SIGKILL, out of memory: limit 512 MiB; restarted in 100 ms"},
		{Time: noon, App: "api", Kind: "scale", Text: "2 → 4 workers"},
		{Time: noon, Kind: "config", Text: "read anew\x1b[2J"},
	}
	for look, style := range looks {
		t.Run(look, func(t *testing.T) {
			golden(t, "events-"+look, printed(t, func(out *bytes.Buffer) error {
				for _, e := range events {
					if err := Event(out, style, e); err != nil {
						return err
					}
				}
				return nil
			}))
		})
	}
}

func TestPlanGoldens(t *testing.T) {
	changes := []client.Change{
		{App: "web", What: "add"},
		{App: "old", What: "remove"},
		{App: "api", What: "reload", Why: []string{"env", "args", "interpreter_args", "max_memory_restart"}},
		{App: "proxy", What: "restart", Why: []string{"listen"}},
		{App: "mailer", What: "keep"},
		{App: "jobs", What: "keep"},
	}
	for look, style := range looks {
		t.Run(look, func(t *testing.T) {
			golden(t, "plan-"+look, printed(t, func(out *bytes.Buffer) error { return Plan(out, style, changes) }))
		})
	}
	golden(t, "plan-empty", printed(t, func(out *bytes.Buffer) error { return Plan(out, wide, nil) }))
}
