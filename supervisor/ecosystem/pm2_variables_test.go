package ecosystem

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// L5: images set pm2's variables with ENV.
func TestL5VariablesOfPM2AreDefaults(t *testing.T) {
	dir := scriptDir(t)
	src := source(dir, "apps: [{script: server.js}, {script: app.py}, {script: server.js, name: own, kill_timeout: 1s, stop_signal: QUIT, listen_timeout: 2s, instance_var: MINE, shutdown_with_message: false}]")
	src.Environ = append(src.Environ, "PM2_KILL_SIGNAL=SIGTERM", "PM2_KILL_TIMEOUT=20000", "PM2_GRACEFUL_LISTEN_TIMEOUT=9000",
		"PM2_PROCESS_INSTANCE_VAR=INST", "PM2_KILL_USE_MESSAGE=true", "PM2_HOME=/x", "PM2_EMPTY=", "PM2_API_PORT=1", "MY_PM2_THING=1")
	file := mustLoad(t, src)
	for _, app := range file.Apps[:2] {
		if app.StopSignal != unix.SIGTERM || app.KillTimeout != 20*time.Second || app.ListenTimeout != 9*time.Second ||
			app.Env.InstanceVar != "INST" || !app.ShutdownWithMessage {
			t.Errorf("%s: %+v", app.Name, app)
		}
	}
	if own := file.Apps[2]; own.StopSignal != unix.SIGQUIT || own.KillTimeout != time.Second || own.ListenTimeout != 2*time.Second ||
		own.Env.InstanceVar != "MINE" || own.ShutdownWithMessage {
		t.Errorf("the file does not go before: %+v", own)
	}
	if want := []string{"PM2_API_PORT", "PM2_HOME"}; !slices.Equal(file.Ignored, want) || len(file.Warnings) > 0 {
		t.Errorf("without effect: %q, want %q; warnings %v", file.Ignored, want, file.Warnings)
	}
	again := source(dir, "apps: [{script: server.js}]")
	again.Environ = src.Environ
	options := mustLoad(t, withOptions(again, "kill_timeout", "3s"))
	if got := options.Apps[0].KillTimeout; got != 3*time.Second {
		t.Errorf("kill_timeout %v: the option does not go before", got)
	}
}

func TestL5AVariableOfPM2ThatIsWrongIsAMistake(t *testing.T) {
	dir := scriptDir(t)
	for variable, part := range map[string]string{"PM2_KILL_TIMEOUT=soon": "soon", "PM2_KILL_SIGNAL=SIGNONE": "SIGNONE"} {
		src := source(dir, "apps: [{script: server.js}, {script: app.py}]")
		src.Environ = append(src.Environ, variable)
		_, err := Load(src)
		name, _, _ := strings.Cut(variable, "=")
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", variable, err)
		}
		src = source(dir, "apps: [{script: server.js, kill_timeout: 1s, stop_signal: TERM}]")
		src.Environ = append(src.Environ, variable)
		mustLoad(t, src) // it is not asked
	}
}
