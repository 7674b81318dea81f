//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"path/filepath"
	"testing"

	"gorun/deploy/scenarios/freeport"
)

// The issue: `listen` opens sockets and passes them on.
func TestSocketsArePassedOnToThreeWorkers(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		t.Parallel()
		t.Run("Go", func(t *testing.T) {
			p := newPlace(t)
			passesOn(t, m, p, app{"script": workerBinary, "args": []string{"activated", "app"}, "listen": []string{p.address}}, p.address)
		})
		t.Run("Go behind a shell", func(t *testing.T) {
			p := newPlace(t)
			passesOn(t, m, p, app{"script": "exec " + workerBinary + " activated app", "listen": p.address}, p.address)
		})
		t.Run("two names", func(t *testing.T) {
			p, admin := newPlace(t), freeport.Address(t)
			// Names keep the order in which they are written.
			passesOn(t, m, p, app{
				"script": workerBinary, "args": []string{"activated", "admin", "web"},
				"listen": map[string]string{"admin": admin, "web": p.address},
			}, p.address, admin)
		})
		t.Run("gunicorn", func(t *testing.T) {
			p := newPlace(t)
			passesOn(t, m, p, app{"script": tool(t, "gunicorn"), "args": []string{"wsgi:app"}, "listen": []string{p.address}}, p.address)
		})
		t.Run("puma", func(t *testing.T) {
			p := newPlace(t)
			passesOn(t, m, p, app{
				"script": tool(t, "puma"), "args": []string{"-b", "tcp://" + p.address, "config.ru"},
				"listen": []string{p.address},
			}, p.address)
		})
	})
}

// passesOn wants answers from all three workers on each address.
func passesOn(t *testing.T, m mode, p place, a app, addresses ...string) {
	t.Helper()
	g := start(t, launch{mode: m, args: []string{p.file(t, a), "--no-web"}})
	g.awaitReady(t, "inherit")
	for _, address := range addresses {
		ask(t, address, 300).everyone(t)
	}
	g.endWell(t)
}

// One socket at a path is for all: the workers take turns as they can.
func TestAPathIsPassedOnToThreeWorkers(t *testing.T) {
	p := newPlace(t)
	p.address = filepath.Join(p.dir, "socket")
	g := start(t, launch{args: []string{p.file(t, app{
		"script": workerBinary, "args": []string{"activated", "app"}, "listen": []string{"./socket"}, "env": app{},
	}), "--no-web"}})
	g.awaitReady(t, "inherit")
	got := ask(t, p.address, 3000)
	t.Log(got)
	got.everyone(t)
	g.endWell(t)
}
