package app

import (
	"testing"
	"time"

	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
)

func TestTheGraceAllowsForThePausesOfTheRestartPolicy(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*spec.App)
		want   time.Duration
	}{
		{"nothing special", func(*spec.App) {}, minGrace},
		{"restart_delay", func(a *spec.App) { a.Restart.Delay = time.Minute }, 2 * time.Minute},
		{"listen_timeout", func(a *spec.App) { a.ListenTimeout = time.Minute }, time.Minute},
		{"max_restart_delay", func(a *spec.App) { a.Restart.Backoff, a.Restart.MaxDelay = 1, time.Hour }, 2 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			conf := spec.App{Restart: restart.Policy{Delay: time.Second}}
			test.change(&conf)
			a := &Published{Spec: &conf}
			if got := a.grace(); got != test.want {
				t.Errorf("grace = %v, want %v", got, test.want)
			}
		})
	}
}
