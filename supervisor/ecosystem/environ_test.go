package ecosystem

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gorun/supervisor/spec"
)

func TestEnvironIsLayered(t *testing.T) {
	dir := scriptDir(t)
	write(t, dir, "x.env", "FILE=file\nENV=file\nNAMED=file\nHOME=file\n", 0o644)
	src := source(dir, `
name: api
namespace: shop
script: app.py
instances: 3
port: 8000
increment_var: PORT
env_file: x.env
env: {ENV: env, NAMED: env, GONE: null, SECRET_KEY: null, name: mine}
env_prod: {NAMED: prod}
env_dev: {NAMED: dev}
`)
	src.EnvName = "prod"
	src.Environ = append(src.Environ, "GONE=own", "PATH=second", "broken", "=odd")
	app := only(t, src)
	want := []string{
		"ENV=env", "FILE=file", "HOME=file", "LANG=C", "NAMED=prod", "NODE_APP_INSTANCE=2", "PATH=" + dir + "/bin",
		"PORT=8002", "PYTHONUNBUFFERED=1", "exec_mode=fork_mode", "instances=3", "name=api", "namespace=shop", "pm_id=7",
	}
	if got := app.Environ(2, 7); !slices.Equal(got, want) {
		t.Errorf("Environ(2, 7) = %q\nwant %q", got, want)
	}
	if got := app.Environ(0, 5); lookupEnv(got, "PORT") != "8000" {
		t.Errorf("asking twice changed the environment: %q", got)
	}
}

func TestPythonIsUnbufferedUnlessTheAppSaysOtherwise(t *testing.T) {
	dir := scriptDir(t)
	for env, want := range map[string]string{"{}": "1", "{PYTHONUNBUFFERED: ''}": "", "{PYTHONUNBUFFERED: null}": "(unset)"} {
		app := only(t, source(dir, "{script: app.py, env: "+env+"}"))
		if got := lookupEnv(app.Environ(0, 0), "PYTHONUNBUFFERED"); got != want {
			t.Errorf("env %s: %q, want %q", env, got, want)
		}
	}
}

func TestOtherUserGetsTheirHome(t *testing.T) {
	e := environment{vars: map[string]string{"HOME": "/root", "USER": "root", "LOGNAME": "kept"}, own: map[string]bool{"LOGNAME": true}}
	e.setHome(spec.User{UID: 7, Home: "/home/u", Name: "u"})
	if e.vars["HOME"] != "/home/u" || e.vars["USER"] != "u" || e.vars["LOGNAME"] != "kept" {
		t.Errorf("known user: %v", e.vars)
	}
	e.setHome(spec.User{UID: 7})
	if _, ok := e.vars["USER"]; ok || e.vars["HOME"] != "/" {
		t.Errorf("unknown user: %v", e.vars)
	}
}

func TestUserByNameAndNumber(t *testing.T) {
	dir := scriptDir(t)
	if os.Geteuid() != 0 {
		got := failure(t, source(dir, "{script: app.py, uid: 0}"))
		if !strings.Contains(got, "cannot switch to another user") {
			t.Errorf("as an ordinary user: %s", got)
		}
		return
	}
	for content, want := range map[string]spec.User{
		"uid: 54321":             {UID: 54321, GID: 54321},
		"uid: '54321', gid: 12":  {UID: 54321, GID: 12},
		"user: daemon":           {UID: 1, GID: 1},
		"user: daemon, gid: bin": {UID: 1, GID: 2},
		"gid: 12":                {UID: 0, GID: 12},
	} {
		app := only(t, source(dir, "{script: app.py, "+content+"}"))
		if app.User == nil || app.User.UID != want.UID || app.User.GID != want.GID {
			t.Errorf("%s: %+v, want %+v", content, app.User, want)
		}
	}
}

func TestDotenvMistakesKeepSecrets(t *testing.T) {
	for _, content := range []string{"A=1\nTOP SECRET=x\n", "A='SECRET\n", "A=1\n\n=SECRET", "SECRET"} {
		_, err := parseDotenv([]byte(content))
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", content, err)
		}
	}
}
