package ecosystem

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func withOptions(src Source, pairs ...string) Source {
	src.Options = map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		src.Options[pairs[i]] = pairs[i+1]
	}
	return src
}

func TestOptionsActWithAFileToo(t *testing.T) {
	dir := scriptDir(t)
	content := "apps: [{script: server.js, killTimeout: 1}, {script: app.py}]"
	file := mustLoad(t, withOptions(source(dir, content), "kill_timeout", "5s", "no_autorestart", "true", "no_autostart", "true",
		"max_restarts", "0", "stop_exit_codes", "0,3", "interpreter_args", "-X dev", "exp_backoff_restart_delay", "0",
		"namespace", "shop", "time", "true", "wait_ready", "false", "secret", "s"))
	for _, app := range file.Apps {
		if app.KillTimeout != 5*time.Second || app.Restart.Auto || app.Autostart || app.Restart.MaxUnstable != 0 ||
			!slices.Equal(app.Restart.StopCodes, []int{0, 3}) || app.Restart.Backoff != 0 || app.Namespace != "shop" ||
			app.Logs.DateFormat == "" || !slices.Contains(app.Argv, "dev") {
			t.Errorf("app = %+v", app)
		}
	}
	if !slices.Equal(file.Ignored, []string{"--secret"}) || len(file.Warnings) > 0 {
		t.Errorf("ignored %v, warnings %v", file.Ignored, file.Warnings)
	}
}

func TestOptionsAreKeysOfTheFile(t *testing.T) {
	app, top := indexOf(new(builder).keys()), indexOf(new(loader).keys())
	for _, o := range Options() {
		key := o.Key
		if o.key != "" {
			key = o.key
		}
		_, inApp := app.find(key)
		_, atTop := top.find(key)
		if !o.NoEffect && !inApp && !atTop {
			t.Errorf("--%s sets %s, which is no key", o.Flag, key)
		}
		if strings.ContainsAny(o.Flag, "_ ") || o.Usage == "" {
			t.Errorf("--%s: usage %q", o.Flag, o.Usage)
		}
	}
}

func TestOptionsNameThemselvesInMistakes(t *testing.T) {
	dir := scriptDir(t)
	tests := []struct{ key, value, want string }{
		{"kill_timeout", "soon", `option --kill-timeout: "soon" is not a duration; write milliseconds, or 500ms, 5s, 10m, 1h`},
		{"no_autorestart", "maybe", `option --no-autorestart: "maybe" is neither true nor false`},
		{"instances", "two", `option --instances: "two" is not a number of instances`},
		{"cron_restart", "* * *", "option --cron: "},
		{"wait_ready", "maybe", `option --wait-ready: "maybe" is neither true nor false`},
		{"cwd", "gone", "option --cwd: " + dir + "/gone: no such file or directory"},
		{"interpreter", "lua", `option --interpreter: "lua" is not found`},
		{"shutdown_delay", "x", `option --shutdown-delay: "x" is not a duration`},
		{"nonsense", "x", "option --nonsense: unknown option"},
	}
	for _, tt := range tests {
		got := failure(t, withOptions(source(dir, "script: server.js"), tt.key, tt.value))
		if !strings.HasPrefix(got, tt.want) || strings.Count(got, "\n") > 0 {
			t.Errorf("%s: %s\nwant %s", tt.key, got, tt.want)
		}
	}
}

func TestOptionsForOneApp(t *testing.T) {
	dir := scriptDir(t)
	content := "apps: [{script: server.js}, {script: app.py, args: x}]"
	src := withOptions(source(dir, content), "name", "api")
	src.Args = []string{"--port", "1"}
	got := failure(t, src)
	want := "option --: arguments apply to a single app, but there are 2; select one with --only\n" +
		"option --name: applies to a single app, but there are 2; select one with --only"
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
	src = withOptions(source(dir, content), "name", "api")
	src.Args, src.Only = []string{"--port", "1"}, []string{"app"}
	app := only(t, src)
	if app.Name != "api" || !slices.Equal(app.Argv[2:], []string{"--port", "1"}) {
		t.Errorf("app = %+v", app)
	}
}

func TestEnvNameThatNobodyHasIsWarnedOf(t *testing.T) {
	src := source(scriptDir(t), "{script: server.js, env_production: {}}")
	src.EnvName = "prodution"
	file := mustLoad(t, src)
	want := "option --env: no app has the key env_prodution; did you mean production?"
	if len(file.Warnings) != 1 || file.Warnings[0].String() != want {
		t.Errorf("warnings = %v, want %s", file.Warnings, want)
	}
}
