package ecosystem

import (
	"fmt"
	"maps"
	"slices"
)

// Option is one option of the command line that applies to apps.
type Option struct {
	Flag     string   // without dashes: kill-timeout
	Aliases  []string // single letters
	Key      string   // key of Source.Options
	Usage    string
	Bool     bool // takes no value; Source.Options holds true or false
	NoEffect bool // accepted for pm2's sake

	key    string // key of the file that it sets
	negate bool   // --no-…: sets the opposite
}

// Options returns the options in the order of the help text.
func Options() []Option {
	return append([]Option(nil), options[:]...)
}

var options = [...]Option{
	{Flag: "name", Aliases: []string{"n"}, Key: "name", Usage: "name of the app"},
	{Flag: "instances", Aliases: []string{"i"}, Key: "instances", Usage: "number of workers, or max"},
	{Flag: "cwd", Key: "cwd", Usage: "working directory"},
	{Flag: "namespace", Key: "namespace", Usage: "namespace of the app"},
	{Flag: "interpreter", Key: "interpreter", Usage: "program that runs the script, or none"},
	{Flag: "node-args", Aliases: []string{"interpreter-args"}, Key: "interpreter_args", Usage: "arguments of the interpreter"},
	{Flag: "no-autostart", Key: "no_autostart", key: "autostart", Bool: true, negate: true, Usage: "do not start the app yet"},
	{Flag: "no-autorestart", Key: "no_autorestart", key: "autorestart", Bool: true, negate: true, Usage: "do not restart it when it exits"},
	{Flag: "stop-exit-codes", Key: "stop_exit_codes", Usage: "exit codes after which it is left stopped, such as 0,3"},
	{Flag: "restart-delay", Key: "restart_delay", Usage: "wait before every restart"},
	{Flag: "exp-backoff-restart-delay", Key: "exp_backoff_restart_delay", Usage: "first of the growing delays after unstable runs"},
	{Flag: "max-restarts", Key: "max_restarts", Usage: "unstable runs in a row that are tolerated"},
	{Flag: "max-memory-restart", Key: "max_memory_restart", Usage: "restart above this memory, such as 300M"},
	{Flag: "cron", Aliases: []string{"c", "cron-restart"}, Key: "cron_restart", Usage: "restart by schedule"},
	{Flag: "watch", Key: "watch", Bool: true, Usage: "restart when files change"},
	{Flag: "kill-timeout", Key: "kill_timeout", Usage: "from the stop signal to SIGKILL"},
	{Flag: "listen-timeout", Key: "listen_timeout", Usage: "time limit to become ready"},
	{Flag: "wait-ready", Key: "wait_ready", Bool: true, Usage: "wait until the app reports that it is ready"},
	{Flag: "shutdown-with-message", Key: "shutdown_with_message", Bool: true, Usage: "stop it by a message"},
	{Flag: "shutdown-delay", Key: "shutdown_delay", Usage: "between SIGTERM and the stop of the workers"},
	{Flag: "output", Aliases: []string{"o"}, Key: "out_file", Usage: "file for standard output"},
	{Flag: "error", Aliases: []string{"e"}, Key: "error_file", Usage: "file for standard error"},
	{Flag: "time", Key: "time", Bool: true, Usage: "put the time before each line, where its format is not raw"},
	{Flag: "min-uptime", Key: "min_uptime", Usage: "a shorter run is unstable"},
	{Flag: "uid", Aliases: []string{"u", "user"}, Key: "uid", Usage: "user to run as"},
	{Flag: "gid", Key: "gid", Usage: "group to run as"},
	{Flag: "no-treekill", Key: "no_treekill", key: "treekill", Bool: true, negate: true, Usage: "stop the worker's own process only"},
	{Flag: "ignore-watch", Key: "ignore_watch", Usage: "files that watch ignores"},
	{Flag: "watch-delay", Key: "watch_delay", Usage: "quiet time after a change"},
	{Flag: "log", Aliases: []string{"l"}, Key: "log_file", Usage: "file for both"},
	{Flag: "merge-logs", Key: "merge_logs", Bool: true, Usage: "one file for all workers of an app"},
	{Flag: "disable-logs", Key: "disable_logs", Bool: true, Usage: "write no log files"},
	{Flag: "log-type", Key: "log_type", Usage: "json: log files hold JSON objects"},
	{Flag: "log-date-format", Key: "log_date_format", Usage: "put the time before each line, in day.js tokens, where its format is not raw"},
	{Flag: "no-daemon", Key: "no_daemon", Bool: true, NoEffect: true, Usage: "no effect: gorun never leaves the foreground"},
	{Flag: "attach", Key: "attach", Bool: true, NoEffect: true, Usage: "no effect: the logs are here"},
	{Flag: "force", Aliases: []string{"f"}, Key: "force", Bool: true, NoEffect: true, Usage: "no effect"},
	{Flag: "update-env", Key: "update_env", Bool: true, NoEffect: true, Usage: "no effect: the environment is always the present one"},
	{Flag: "no-pmx", Key: "no_pmx", key: "node_metrics", Bool: true, negate: true, Usage: "do not report the metrics of Node's runtime (default)"},
	{Flag: "no-vizion", Key: "no_vizion", Bool: true, NoEffect: true, Usage: "no effect"},
	{Flag: "public", Key: "public", NoEffect: true, Usage: "no effect"},
	{Flag: "secret", Key: "secret", NoEffect: true, Usage: "no effect"},
	{Flag: "machine-name", Key: "machine_name", NoEffect: true, Usage: "no effect"},
	{Flag: "trace", Key: "trace", Bool: true, NoEffect: true, Usage: "no effect"},
	{Flag: "v8", Key: "v8", Bool: true, NoEffect: true, Usage: "no effect"},
	{Flag: "deep-monitoring", Key: "deep_monitoring", Bool: true, NoEffect: true, Usage: "no effect"},
}

// optionEntries converts the options given on the command line into entries of a
// file, and reports the options without effect.
func optionEntries(given map[string]string, r *report) []entry {
	known := make(map[string]Option, len(options))
	for _, o := range options {
		known[o.Key] = o
	}
	var entries []entry
	for _, key := range slices.Sorted(maps.Keys(given)) {
		o, ok := known[key]
		if !ok {
			r.mistake(position{option: "--" + key}, "unknown option")
			continue
		}
		at := position{option: "--" + o.Flag}
		if o.NoEffect {
			r.ignore(at.option)
			continue
		}
		entries = append(entries, o.entry(at, given[key], r))
	}
	return entries
}

func (o Option) entry(at position, words string, r *report) entry {
	key := o.Key
	if o.negate {
		key = o.key
		on, err := parseBool(words)
		if err != nil {
			r.mistake(at, "%s %v", quote(words), err)
		}
		words = fmt.Sprint(!on)
	}
	return entry{key: key, at: at, value: scalar(text, at, words)}
}

// arguments passes the arguments after "--" to the only app.
func (l *loader) arguments(builders []*builder) {
	if len(l.source.Args) == 0 {
		return
	}
	at := position{option: "--"}
	if len(builders) != 1 {
		l.report.mistake(at, "arguments apply to a single app, but there are %d; select one with --only", len(builders))
		return
	}
	items := make([]value, len(l.source.Args))
	for i, arg := range l.source.Args {
		items[i] = scalar(text, at, arg)
	}
	builders[0].settings["args"] = setting{name: "args", at: at, value: listOf(at, items)}
}

// checkNameOption reports --name for several apps.
func (l *loader) checkNameOption(builders []*builder) {
	if _, ok := l.source.Options["name"]; ok && len(builders) > 1 {
		l.report.mistake(position{option: "--name"}, "applies to a single app, but there are %d; select one with --only", len(builders))
	}
}

// checkEnvName warns when no app has the environment of --env.
func (l *loader) checkEnvName(builders []*builder) {
	name := l.source.EnvName
	var known []string
	for _, b := range builders {
		for env := range b.envs {
			known = append(known, env)
		}
	}
	slices.Sort(known)
	if name != "" && len(builders) > 0 && !slices.Contains(known, name) {
		l.report.warn(position{option: "--env"}, "no app has the key env_%s%s", name, didYouMean(name, known))
	}
}
