package ecosystem

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/hooks"
	"gorun/supervisor/logs"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// keyCase is a value of a key and what must come of it.
type keyCase struct {
	written string // as YAML
	seen    func(spec.App) any
	want    any
}

func variableOf(name string) func(spec.App) any {
	return func(a spec.App) any { return lookupEnv(a.Environ(1, 7), name) }
}

func lookupEnv(environ []string, name string) string {
	for _, pair := range environ {
		if words, ok := strings.CutPrefix(pair, name+"="); ok {
			return words
		}
	}
	return "(unset)"
}

func argv(a spec.App) any { return strings.Join(a.Argv[:len(a.Argv)], " ") }

// keyCases holds what each key that works does. dir is the folder of the test.
func keyCases(dir string) map[string][]keyCase {
	return map[string][]keyCase{
		"script": {{"app.py", func(a spec.App) any { return a.Script }, "app.py"}},
		"name": {
			{"api", func(a spec.App) any { return a.Name }, "api"},
			{"5", func(a spec.App) any { return a.Name }, "5"},
			{"null", func(a spec.App) any { return a.Name }, "server"},
		},
		"namespace": {
			{"shop", func(a spec.App) any { return a.Namespace }, "shop"},
			{"null", func(a spec.App) any { return a.Namespace }, "default"},
		},
		"cwd": {
			{dir, func(a spec.App) any { return a.Dir }, dir},
			{".", func(a spec.App) any { return a.Dir }, dir},
			{"null", func(a spec.App) any { return a.Dir }, dir},
		},
		"args": {
			{"start 'a b' c", argv, "/bin/node --enable-source-maps /server.js start a b c"},
			{"[--port, 3000, true, 'a b']", argv, "/bin/node --enable-source-maps /server.js --port 3000 true a b"},
			{"5", argv, "/bin/node --enable-source-maps /server.js 5"},
			{"''", argv, "/bin/node --enable-source-maps /server.js"},
		},
		"interpreter": {
			{"bash", argv, "/bin/bash /server.js"},
			{"./bin/ruby", argv, "/bin/ruby /server.js"},
		},
		"interpreter_args": {
			{"--inspect -r x", argv, "/bin/node --enable-source-maps --inspect -r x /server.js"},
			{"[--enable-source-maps]", argv, "/bin/node --enable-source-maps /server.js"},
		},
		"sharing": {
			{"none", func(a spec.App) any { return a.Sharing }, spec.ShareNone},
			{"auto", func(a spec.App) any { return a.Sharing }, spec.ShareNone}, // fork mode
		},
		"balance": {{"spread", func(a spec.App) any { return a.Balance }, sockets.Spread}},
		"listen": {
			{"8080", func(a spec.App) any { return fmt.Sprint(a.Listen, a.Sharing) }, "[{server [::]:8080 false}] inherit"},
			{"['127.0.0.1:80', ./x.sock]", func(a spec.App) any { return fmt.Sprint(a.Listen) }, "[{server 127.0.0.1:80 false} {server " + dir + "/x.sock false}]"},
			{"{http: '[::1]:80'}", func(a spec.App) any { return fmt.Sprint(a.Listen) }, "[{http [::1]:80 false}]"},
			{"[{address: 80, nonblock: true, type: udp}, 81]", func(a spec.App) any { return fmt.Sprint(a.Listen) }, "[{server udp/[::]:80 true} {server [::]:81 false}]"},
			{"{address: '127.0.0.1:80', type: udp}", func(a spec.App) any { return fmt.Sprint(a.Listen) }, "[{server udp/127.0.0.1:80 false}]"},
			{"{dns: {address: 53, type: UDP}, web: 80, also: {address: 81, name: other, nonblock: true}}", func(a spec.App) any { return fmt.Sprint(a.Listen) }, "[{dns udp/[::]:53 false} {web [::]:80 false} {other [::]:81 true}]"},
		},
		"wait_ready":     {{"true", func(a spec.App) any { return a.WaitReady }, true}},
		"relay_messages": {{"true", func(a spec.App) any { return a.RelayMessages }, true}, {"null", func(a spec.App) any { return a.RelayMessages }, false}},
		"drain_timeout":  {{"1s", func(a spec.App) any { return a.DrainTimeout }, time.Second}},
		"cron_restart": {
			{"'0 3 * * *'", func(a spec.App) any { return a.Cron }, "0 3 * * *"},
			{"'CRON_TZ=Europe/Berlin 0 0 3 * * *'", func(a spec.App) any { return a.Cron }, "CRON_TZ=Europe/Berlin 0 0 3 * * *"},
		},
		"watch": {
			{"true", func(a spec.App) any { return a.Watch.Paths }, []string{dir}},
			{"false", func(a spec.App) any { return a.Watch == nil }, true},
			{"[src, '/etc/app', 'lib/**/*.js']", func(a spec.App) any { return a.Watch.Paths }, []string{dir + "/src", "/etc/app", dir + "/lib"}},
			{"src", func(a spec.App) any { return fmt.Sprint(a.Watch.Dir, a.Watch.FollowSymlinks, a.Watch.Delay) }, dir + "true 200ms"},
		},
		"ignore_watch":  {{"[logs]\nwatch: true", func(a spec.App) any { return a.Watch.Ignore }, []string{"logs"}}},
		"watch_delay":   {{"1s\nwatch: true", func(a spec.App) any { return a.Watch.Delay }, time.Second}},
		"watch_options": {{"{followSymlinks: false, usePolling: true, interval: 50}\nwatch: true", func(a spec.App) any { return fmt.Sprint(a.Watch.FollowSymlinks, a.Watch.Poll) }, "false 50ms"}},
		"health": {
			{"/healthz", func(a spec.App) any { return a.Health.HTTP.Path }, "/healthz"},
			{"{http: /up, interval: 5s, timeout: 1s, retries: 2, start_period: 0, on_failure: unready}", func(a spec.App) any {
				return fmt.Sprint(a.Health.HTTP.Path, " ", a.Health.Interval, a.Health.Timeout, a.Health.Retries, a.Health.StartPeriod, a.Health.OnFailure)
			}, "/up 5s 1s 2 0s unready"},
			{"{http: {path: /up, port: 81, scheme: https, method: HEAD, headers: {Host: a}, status: '200-299'}}", func(a spec.App) any {
				return fmt.Sprint(*a.Health.HTTP)
			}, "{/up 81 https HEAD map[Host:a] [{200 299}]}"},
			{"{tcp: 3000}", func(a spec.App) any { return a.Health.TCP.Port }, 3000},
			{"{exec: [bash, -v]}", func(a spec.App) any { return a.Health.Exec }, []string{dir + "/bin/bash", "-v"}},
			{"false", func(a spec.App) any { return a.Health == nil }, true},
		},
		"on_exit": {
			{"{exec: [bash, -v]}", func(a spec.App) any { return a.OnExit }, []hooks.Hook{{Exec: []string{dir + "/bin/bash", "-v"}, Timeout: 10 * time.Second, Retries: 3}}},
			{"{exec: bash -c 'a b', timeout: 2s, retries: 0}", func(a spec.App) any { return a.OnExit }, []hooks.Hook{{Exec: []string{dir + "/bin/bash", "-c", "a b"}, Timeout: 2 * time.Second}}},
			{"[{webhook: 'https://a/b'}, {exec: bash}]", func(a spec.App) any { return fmt.Sprint(a.OnExit[0].Webhook, a.OnExit[1]) }, "https://a/b" + "exec bash"},
			{"false", func(a spec.App) any { return len(a.OnExit) }, 0},
			{"[]", func(a spec.App) any { return len(a.OnExit) }, 0},
		},
		"on_restart": {{"{exec: bash}", func(a spec.App) any { return fmt.Sprint(a.OnRestart) }, "[exec bash]"}},
		"on_giveup":  {{"{webhook: 'http://a:81/b'}", func(a spec.App) any { return fmt.Sprint(a.OnGiveup) }, "[webhook a:81]"}},
		"watchdog":   {{"30s", func(a spec.App) any { return a.Watchdog }, 30 * time.Second}},
		"metrics": {
			{"{path: /m, port: 81, aggregate: true, timeout: 1s, rules: {jobs: max}}", func(a spec.App) any { return fmt.Sprint(*a.Metrics) }, "{/m 81 false true map[jobs:max] 1s}"},
			{"{ipc: true}", func(a spec.App) any { return fmt.Sprint(*a.Metrics) }, "{ 0 true false map[] 2s}"},
			{"true", func(a spec.App) any { return a.Metrics.Path }, "/metrics"},
			{"false", func(a spec.App) any { return a.Metrics == nil }, true},
		},
		"drain_idle":                 durations(func(a spec.App) any { return a.DrainIdle }, time.Second),
		"reload_parallel":            {{"3", func(a spec.App) any { return a.ReloadParallel }, 3}, {"null", func(a spec.App) any { return a.ReloadParallel }, 0}},
		"reload_fallback":            {{"restart", func(a spec.App) any { return a.ReloadFallback }, true}, {"null", func(a spec.App) any { return a.ReloadFallback }, false}},
		"source_map_support":         {{"false", argv, "/bin/node /server.js"}, {"'false'", argv, "/bin/node /server.js"}},
		"disable_source_map_support": {{"true", argv, "/bin/node /server.js"}},
		"instances": {
			{"1", func(a spec.App) any { return a.Instances }, 1},
			{"'1'", func(a spec.App) any { return a.Instances }, 1},
			{"null", func(a spec.App) any { return a.Instances }, 1},
		},
		"exec_mode": {
			{"fork", func(a spec.App) any { return a.Mode }, spec.Fork},
			{"fork_mode", func(a spec.App) any { return a.Mode }, spec.Fork},
		},
		"uid": {{fmt.Sprint(os.Geteuid()), func(a spec.App) any { return a.User == nil }, true}},
		"gid": {{fmt.Sprint(os.Getegid()), func(a spec.App) any { return a.User == nil }, true}},
		"stdin": {
			{"null", func(a spec.App) any { return a.Stdin }, spec.StdinNull},
			{"'null'", func(a spec.App) any { return a.Stdin }, spec.StdinNull},
			{"/dev/null", func(a spec.App) any { return a.Stdin }, spec.StdinNull},
			{"pipe", func(a spec.App) any { return a.Stdin }, spec.StdinPipe},
		},
		"limits": {
			{"{nofile: 65536}", func(a spec.App) any { return a.Limits }, []spec.Limit{{Name: "nofile", Resource: unix.RLIMIT_NOFILE, Soft: 65536, Hard: 65536}}},
			{"{stack: '8M:unlimited'}", func(a spec.App) any { return a.Limits }, []spec.Limit{{Name: "stack", Resource: unix.RLIMIT_STACK, Soft: 8 << 20, Hard: unix.RLIM_INFINITY}}},
			{"{core: {soft: 0, hard: unlimited}}", func(a spec.App) any { return a.Limits }, []spec.Limit{{Name: "core", Resource: unix.RLIMIT_CORE, Soft: 0, Hard: unix.RLIM_INFINITY}}},
			{"{nproc: {hard: '9'}, cpu: null}", func(a spec.App) any { return a.Limits }, []spec.Limit{{Name: "nproc", Resource: unix.RLIMIT_NPROC, Soft: 9, Hard: 9}}},
		},
		"env": {
			{"{A: 1.10}", variableOf("A"), "1.10"},
			{"{A: True}", variableOf("A"), "true"},
			{"{A: ''}", variableOf("A"), ""},
			{"{LANG: null}", variableOf("LANG"), "(unset)"},
			{"{A: {b: [1, 'x<y', null, 0x10], c: {}}}", variableOf("A"), `{"b":[1,"x<y",null,16],"c":{}}`},
		},
		"env_file": {
			{"first.env", variableOf("FROM"), "first"},
			{"[first.env, second.env]", variableOf("FROM"), "second"},
		},
		"filter_env": {
			{"true", variableOf("SECRET_KEY"), "(unset)"},
			{"true", variableOf("HOME"), "/home/gorun"},
			{"[CRET]", variableOf("SECRET_KEY"), "(unset)"},
			{"[CRET]", variableOf("LANG"), "C"},
			{"LANG", variableOf("LANG"), "(unset)"},
			{"LAN", variableOf("LANG"), "C"},
			{"false", variableOf("SECRET_KEY"), "s"},
		},
		"instance_var":       {{"ME", variableOf("ME"), "1"}, {"ME", variableOf("NODE_APP_INSTANCE"), "(unset)"}},
		"increment_var":      {{"COUNT", variableOf("COUNT"), "3001"}},
		"append_env_to_name": {{"true", func(a spec.App) any { return a.Name }, "server-prod"}},
		"port": {
			{"3000", func(a spec.App) any { return a.Port }, 3000},
			{"'3000'", variableOf("PORT"), "3000"},
		},
		"autostart":   {{"false", func(a spec.App) any { return a.Autostart }, false}, {"null", func(a spec.App) any { return a.Autostart }, true}},
		"autorestart": {{"false", func(a spec.App) any { return a.Restart.Auto }, false}, {"null", func(a spec.App) any { return a.Restart.Auto }, true}},
		"stop_exit_codes": {
			{"[0, '3']", func(a spec.App) any { return a.Restart.StopCodes }, []int{0, 3}},
			{"0", func(a spec.App) any { return a.Restart.StopCodes }, []int{0}},
			{"'0, 143'", func(a spec.App) any { return a.Restart.StopCodes }, []int{0, 143}},
		},
		"min_uptime":                durations(func(a spec.App) any { return a.Restart.MinUptime }, time.Second),
		"restart_delay":             durations(func(a spec.App) any { return a.Restart.Delay }, 0),
		"exp_backoff_restart_delay": durations(func(a spec.App) any { return a.Restart.Backoff }, 100*time.Millisecond),
		"max_restart_delay":         durations(func(a spec.App) any { return a.Restart.MaxDelay }, 15*time.Second),
		"errored_retry":             durations(func(a spec.App) any { return a.Restart.ErroredRetry }, 5*time.Minute),
		"kill_timeout":              durations(func(a spec.App) any { return a.KillTimeout }, 8*time.Second),
		"listen_timeout":            durations(func(a spec.App) any { return a.ListenTimeout }, 30*time.Second),
		"max_restarts": {
			{"0", func(a spec.App) any { return a.Restart.MaxUnstable }, 0},
			{"'5'", func(a spec.App) any { return a.Restart.MaxUnstable }, 5},
			{"null", func(a spec.App) any { return a.Restart.MaxUnstable }, 16},
		},
		"max_memory_restart": {
			{"300M", func(a spec.App) any { return a.MaxMemory }, int64(300 << 20)},
			{"300mb", func(a spec.App) any { return a.MaxMemory }, int64(300 << 20)},
			{"300Mi", func(a spec.App) any { return a.MaxMemory }, int64(300 << 20)},
			{"1.5G", func(a spec.App) any { return a.MaxMemory }, int64(3 << 29)},
			{"1024", func(a spec.App) any { return a.MaxMemory }, int64(1024)},
			{"2 KiB", func(a spec.App) any { return a.MaxMemory }, int64(2048)},
			{"0", func(a spec.App) any { return a.MaxMemory }, int64(0)},
		},
		"stop_signal": {
			{"SIGTERM", func(a spec.App) any { return a.StopSignal }, unix.SIGTERM},
			{"quit", func(a spec.App) any { return a.StopSignal }, unix.SIGQUIT},
			{"15", func(a spec.App) any { return a.StopSignal }, unix.SIGTERM},
			{"SIGRTMIN+3", func(a spec.App) any { return a.StopSignal }, unix.Signal(37)},
			{"null", func(a spec.App) any { return a.StopSignal }, unix.SIGINT},
		},
		"shutdown_with_message": {{"true", func(a spec.App) any { return a.ShutdownWithMessage }, true}, {"null", func(a spec.App) any { return a.ShutdownWithMessage }, false}},
		"node_metrics":          {{"true", func(a spec.App) any { return a.NodeMetrics }, true}, {"false", func(a spec.App) any { return a.NodeMetrics }, false}},
		"treekill":              {{"false", func(a spec.App) any { return a.TreeKill }, false}, {"null", func(a spec.App) any { return a.TreeKill }, true}},
		"depends_on":            {{"[]", func(a spec.App) any { return len(a.DependsOn) }, 0}},
		"critical":              {{"true", func(a spec.App) any { return a.Critical }, true}, {"null", func(a spec.App) any { return a.Critical }, false}},
		"ready_min":             {{"0", func(a spec.App) any { return a.ReadyMin }, 0}, {"null", func(a spec.App) any { return a.ReadyMin }, 1}},
		"out_file": {
			{"logs/out.log", func(a spec.App) any { return a.Logs.OutFile }, dir + "/logs/out.log"},
			{"/dev/null", func(a spec.App) any { return a.Logs.OutFile }, ""},
			{"x.log", func(a spec.App) any { return a.Logs.Rotation }, logs.Rotation{MaxSize: 10 << 20, Retain: 10}},
		},
		"error_file":      {{"/var/err.log", func(a spec.App) any { return a.Logs.ErrorFile }, "/var/err.log"}},
		"log_file":        {{"all.log", func(a spec.App) any { return a.Logs.File }, dir + "/all.log"}},
		"pid_file":        {{"app.pid", func(a spec.App) any { return a.PidFile }, dir + "/app.pid"}},
		"merge_logs":      {{"true", func(a spec.App) any { return a.Logs.Merge }, true}},
		"log_date_format": {{"HH:mm", func(a spec.App) any { return a.Logs.DateFormat }, "HH:mm"}},
		"time":            {{"true", func(a spec.App) any { return a.Logs.DateFormat }, "YYYY-MM-DDTHH:mm:ss"}},
		"log_type":        {{"json", func(a spec.App) any { return a.Logs.JSONFiles }, true}, {"raw", func(a spec.App) any { return a.Logs.JSONFiles }, false}},
		"disable_logs":    {{"true", func(a spec.App) any { return a.Logs.Disabled }, true}},
		"log_rotate": {
			{"{max_size: 1M, retain: 3, compress: true}", func(a spec.App) any { return a.Logs.Rotation }, logs.Rotation{MaxSize: 1 << 20, Retain: 3, Compress: true}},
			{"false", func(a spec.App) any { return a.Logs.Rotation }, logs.Rotation{}},
		},
	}
}

func durations(seen func(spec.App) any, byDefault time.Duration) []keyCase {
	return []keyCase{
		{"1500", seen, 1500 * time.Millisecond},
		{"'1500'", seen, 1500 * time.Millisecond},
		{"500ms", seen, 500 * time.Millisecond},
		{"1.5s", seen, 1500 * time.Millisecond},
		{"10m", seen, 10 * time.Minute},
		{"1h", seen, time.Hour},
		{"1m30s", seen, 90 * time.Second},
		{"0", seen, time.Duration(0)},
		{"null", seen, byDefault},
	}
}

func TestEveryKeyWorksUnderEveryName(t *testing.T) {
	dir := scriptDir(t)
	write(t, dir, "first.env", "FROM=first\n", 0o644)
	write(t, dir, "second.env", "# comment\nexport FROM='second'\n", 0o644)
	cases := keyCases(dir)
	for _, key := range new(builder).keys() {
		if key.NoEffect || key.Name == "env_NAME" {
			continue
		}
		if len(cases[key.Name]) == 0 {
			t.Errorf("%s has no case", key.Name)
		}
		for _, name := range key.spellings() {
			for _, tt := range cases[key.Name] {
				checkKey(t, dir, name, tt)
			}
		}
	}
}

func checkKey(t *testing.T, dir, name string, tt keyCase) {
	t.Helper()
	content := "env_prod: {COUNT: 3000}\n" + name + ": " + tt.written + "\n"
	if !slices.Contains([]string{"script", "exec", "cmd", "command"}, name) {
		content += "script: server.js\n"
	}
	src := source(dir, content)
	src.EnvName = "prod"
	got := tt.seen(only(t, src))
	if words, ok := got.(string); ok && strings.HasPrefix(words, dir+"/bin/") {
		got = strings.ReplaceAll(words, dir, "")
	}
	if !reflect.DeepEqual(got, tt.want) {
		t.Errorf("%s: %s gives %v, want %v", name, tt.written, got, tt.want)
	}
}

func TestKeysWithoutEffectAreNamed(t *testing.T) {
	dir := scriptDir(t)
	for _, key := range ignoredKeys() {
		for _, name := range key.spellings() {
			file := mustLoad(t, source(dir, "apps: [{script: server.js, "+name+": [1]}, {script: app.py, "+name+": 2}]\n"))
			if !slices.Equal(file.Ignored, []string{name}) || len(file.Warnings) > 0 {
				t.Errorf("%s: ignored %v, warnings %v", name, file.Ignored, file.Warnings)
			}
		}
	}
}

func TestKeysAreDocumentedAndUnique(t *testing.T) {
	seen := map[string]string{}
	for _, d := range declared() {
		if !strings.HasSuffix(d.key.Doc, ".") {
			t.Errorf("%s: doc %q", d.path(), d.key.Doc)
		}
		for _, name := range d.key.spellings() {
			name = d.parent + "." + name
			if other, ok := seen[name]; ok {
				t.Errorf("%s belongs to %s and to %s", name, other, d.key.Name)
			}
			seen[name] = d.key.Name
		}
	}
}

func TestWrongValuesAreMistakes(t *testing.T) {
	dir := scriptDir(t)
	tests := []struct{ line, want string }{
		{"kill_timeout: [1]", "stdin:2:15: kill_timeout: a list is not a duration; write milliseconds, or 500ms, 5s, 10m, 1h"},
		{"kill_timeout: -1", "-1 is not a duration"},
		{"kill_timeout: 1e99", "1e99\" is not a duration"},
		{"max_memory_restart: {a: 1}", "max_memory_restart: a mapping is not a size"},
		{"max_restarts: 1.5", "max_restarts: 1.5 is not a whole number"},
		{"autorestart: maybe", "autorestart: \"maybe\" is neither true nor false"},
		{"source_map_support: maybe", "source_map_support: \"maybe\" is neither true nor false"},
		{"name: true", "name: true is not text; put it in quotes"},
		{"name: ''", "name: \"\" is empty"},
		{"name: \"a\\nb\"", "name: \"a\\nb\" contains a control character"},
		{"args: \"it's\"", "args: \"it's\" has a quote that is not closed"},
		{"env: {A=B: 1}", "stdin:2:7: env: \"A=B\" is not a variable name"},
		{"env_prod: 5", "env_prod: 5 is not a mapping"},
		{"env_file: gone.env", "env_file: " + dir + "/gone.env: no such file or directory"},
		{"env_file: folder", "is not a regular file"},
		{"env_file: bad.env", "line 2 is not NAME=value"},
		{"increment_var: PORT", "increment_var: variable PORT is not set to a number"},
		{"instance_var: A=B", "is not a variable name"},
		{"stop_exit_codes: 256", "256 is not between 0 and 255"},
		{"sharing: magic", "sharing: \"magic\" is not one of auto, node, intercept, inherit, none"},
		{"balance: sticky", "balance: workers share no port in fork mode; set exec_mode: cluster"},
		{"listen: [http]", "listen: \"http\" is not an address to listen on"},
		{"listen: [0]", "listen: \"0\" is not an address to listen on"},
		{"listen: [{address: /x, type: udp}]", "type: udp needs an IP address"},
		{"listen: [{address: 80, typ: udp}]", "unknown key \"typ\"; did you mean type?"},
		{"listen: [{nonblock: true}]", "listen: \"\" is not an address to listen on"},
		{"listen: {'a:b': 8080}", "a socket's name must have no colon"},
		{"instances: 20000", "20000 is not a number of instances"},
		{"exec_mode: clutser", "exec_mode: \"clutser\" is not one of fork, fork_mode, cluster, cluster_mode; did you mean cluster?"},
		{"cwd: gone", "cwd: " + dir + "/gone: no such file or directory; it is relative to " + dir},
		{"cwd: server.js", "server.js is not a directory"},
		{"gid: no-such-group", "gid: \"no-such-group\" is not a group in /etc/group"},
		{"limits: {nofile: {hard: 1, soft: 2}}", "limits.nofile: the soft limit is above the hard limit"},
		{"limits: {nofile: many}", "limits.nofile: \"many\" is not a limit"},
		{"limits: {nofile: {softt: 2}}", "unknown key \"softt\"; did you mean soft?"},
		{"log_type: xml", "log_type: \"xml\" is not one of json"},
		{"out_file: folder", "folder is a directory; name a file"},
		{"log_rotate: yes", "log_rotate: a text is not valid here; write log_rotate: {max_size"},
		{"on_exit: {exec: [bash], webhook: 'https://a/SECRET'}", "stdin:2:10: on_exit: exec and webhook are both given; make a list of two hooks of it"},
		{"on_exit: {timeout: 5s}", "stdin:2:10: on_exit: neither exec nor webhook is given; write exec: [./notify.sh] or webhook: https://…"},
		{"on_exit: {exec: []}", "on_exit: neither exec nor webhook is given"},
		{"on_exit: {webhok: 'https://a/SECRET'}", "stdin:2:11: on_exit: unknown key \"webhok\"; did you mean webhook?"},
		{"on_exit: {webhook: /services/SECRET}", "stdin:2:20: on_exit.webhook: the URL is not a complete one; write https://host/path"},
		{"on_exit: {webhook: 'ftp://a/SECRET'}", "on_exit.webhook: the URL begins neither with https:// nor with http://"},
		{"on_exit: https://a/SECRET", "stdin:2:10: on_exit: a text is not valid here; write on_exit: {exec: [./notify.sh]} or {webhook: https://…}"},
		{"on_exit: [{exec: bash}, 5]", "stdin:2:25: on_exit: 5 is not valid here"},
		{"on_exit: true", "on_exit: true is not valid here"},
		{"on_exit: {exec: [./gone.sh]}", "stdin:2:17: on_exit.exec: \"./gone.sh\" is not found"},
		{"on_exit: {exec: bash, timeout: 0}", "on_exit: its timeout is not above 0"},
		{"on_exit: {exec: bash, timeout: soon}", "on_exit.timeout: \"soon\" is not a duration"},
		{"on_exit: {exec: bash, retries: -1}", "on_exit.retries: -1 is not between 0 and 100"},
		{"on_restart: {}", "on_restart: neither exec nor webhook is given"},
		{"on_giveup: {exec: \"it's\"}", "on_giveup.exec: \"it's\" has a quote that is not closed"},
		{"metrics: {path: /m, rules: {'jobs[': max}}", "stdin:2:29: metrics.rules: \"jobs[\" is not a name or pattern"},
		{"ready_min: 2", "ready_min: 2 is more than the 1 instances of the app"},
		{"exec: app.py", "stdin:2:1: exec and script on line 1 are the same key; keep one of them"},
	}
	write(t, dir, "bad.env", "A=1\nTOP SECRET\n", 0o644)
	for _, tt := range tests {
		got := failure(t, source(dir, "script: server.js\n"+tt.line+"\n"))
		if !strings.Contains(got, tt.want) || strings.Count(got, "\n") > 0 || strings.Contains(got, "SECRET\n") || strings.Contains(got, "/SECRET") {
			t.Errorf("%s: %s\nwant %s", tt.line, got, tt.want)
		}
	}
}

func TestInstances(t *testing.T) {
	dir := scriptDir(t)
	for written, want := range map[string]int{"3": 3, "'3'": 3, "max": 4, "MAX": 4, "0": 4, "'0'": 4, "-1": 3, "-3": 1, "-9": 1} {
		if got := only(t, source(dir, "script: app.py\ninstances: "+written)).Instances; got != want {
			t.Errorf("instances: %s on 4 CPUs = %d, want %d", written, got, want)
		}
	}
}

// pm2.md: Node scripts are clustered where instances are given at all.
func TestExecModeByInstances(t *testing.T) {
	dir := scriptDir(t)
	for content, want := range map[string]spec.Mode{
		"script: server.js": spec.Fork, "{script: server.js, instances: null}": spec.Fork, "{script: app.py, instances: 3}": spec.Fork,
		"{script: server.js, instances: 1}": spec.Cluster, "{script: server.js, instances: '1'}": spec.Cluster, "{script: server.js, instances: max}": spec.Cluster,
		"{script: server.js, instances: 4, exec_mode: fork}": spec.Fork, "{script: app.py, instances: 1, exec_mode: cluster}": spec.Cluster,
	} {
		if got := only(t, source(dir, content)).Mode; got != want {
			t.Errorf("%s: mode %v, want %v", content, got, want)
		}
	}
}

func TestL23AMinUptimeThatIsWrittenHoldsForFailures(t *testing.T) {
	dir := scriptDir(t)
	for content, want := range map[string]time.Duration{
		"":                                 30 * time.Second,
		"min_uptime: null\n":               30 * time.Second,
		"min_uptime: 1s\n":                 time.Second,
		"min_uptime: 0\n":                  0,
		"minUptime: 5m\n":                  5 * time.Minute,
		"autorestart: false\n":             30 * time.Second,
		"exp_backoff_restart_delay: 0\n":   30 * time.Second,
		"min_uptime: 90000\nname: other\n": 90 * time.Second,
	} {
		if got := only(t, source(dir, "script: server.js\n"+content)).Restart.StableAfter(); got != want {
			t.Errorf("%q: a failure within %v is unstable, want %v", content, got, want)
		}
	}
}
