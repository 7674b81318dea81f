package ecosystem

import "gorun/supervisor/spec"

// programKeys configure the program, its user and the number of workers.
func (b *builder) programKeys() []Key {
	a := &b.app
	return []Key{
		{Name: "script", Aliases: []string{"exec", "cmd", "command"}, Type: textVar(nil), Doc: "Program to run: a file relative to cwd, a command on $PATH, or, with a space in it, a shell command line (sh -c)."},
		{Name: "name", Type: textVar(nil), Doc: "The app's name; the script's base name without its extension by default."},
		{Name: "namespace", Type: typeOf(setting.label, &a.Namespace, ref("text")), Default: "default", Doc: "Groups apps; every command and --only select by it too."},
		{Name: "cwd", Type: textVar(nil), Doc: "Working directory, relative to the ecosystem file's folder; where gorun was started by default."},
		{Name: "args", Type: wordsVar(nil), Doc: "Arguments: a list, or a string split as a shell would."},
		{Name: "interpreter", Aliases: []string{"exec_interpreter"}, Type: textVar(nil), Doc: "Program that runs the script; by the script's extension by default; none executes the script itself."},
		{Name: "interpreter_args", Aliases: []string{"node_args"}, Type: wordsVar(nil), Doc: "Arguments of the interpreter, put before the script."},
		{Name: "source_map_support", Type: boolVar(nil), Default: "true", Doc: "Adds --enable-source-maps for Node."},
		{Name: "disable_source_map_support", Type: boolVar(nil), Default: "false", Doc: "The same as source_map_support: false."},
		{Name: "instances", Type: instancesVar(&a.Instances), Default: "1", Doc: "How many workers: a number; max or 0 = the CPUs this container may use; -1 = one fewer than that."},
		{Name: "exec_mode", Type: enumVar(&b.execMode, "fork", "fork_mode", "cluster", "cluster_mode"), Doc: "fork: each worker on its own. cluster: the workers share their ports, unchanged; a Node script whose instances are given is in cluster mode by default."},
		{Name: "uid", Aliases: []string{"user"}, Type: textVar(nil), Doc: "User to run as, a name or a number; gorun's own by default."},
		{Name: "gid", Type: textVar(nil), Doc: "Group to run as, a name or a number; the user's primary group by default, and the number of the user where it is unknown."},
		{Name: "stdin", Type: stdinVar(&a.Stdin), Null: true, Default: "pipe", Doc: "Standard input: pipe (stays open; `gorun input` writes to it) or null (/dev/null)."},
		{Name: "limits", Type: limitsVar(&a.Limits), Doc: "Resource limits (setrlimit), for each of its keys a number, unlimited, soft:hard or {soft, hard}."},
	}
}

// environmentKeys configure the environment of the workers.
func environmentKeys(a *spec.App) []Key {
	variables := Type{forms: []any{shape{"type": "object"}}}
	return []Key{
		{Name: "env", Type: variables, Doc: "Environment variables; objects become JSON, null unsets."},
		{Name: "env_NAME", Type: variables, Doc: "Environment variables that --env NAME adds over env."},
		{Name: "env_file", Type: textsVar(nil), Doc: "One or more files of variables in dotenv format, relative to cwd; later files win, env wins over all."},
		{Name: "filter_env", Type: Type{forms: []any{ref("boolean"), ref("words")}}, Default: "false", Doc: "true drops all of gorun's own environment but PATH, HOME, LANG and TZ; a list drops names with such a part; a text drops one name."},
		{Name: "instance_var", Type: typeOf(setting.variableName, &a.Env.InstanceVar, ref("text")), Default: "NODE_APP_INSTANCE", Environ: "PM2_PROCESS_INSTANCE_VAR", Doc: "Variable that holds the worker's number within its app."},
		{Name: "increment_var", Type: typeOf(setting.variableName, &a.Env.IncrementVar, ref("text")), Doc: "Variable that grows by one from worker to worker."},
		{Name: "append_env_to_name", Type: boolVar(nil), Default: "false", Doc: "Appends -NAME of --env NAME to the app's name."},
		{Name: "port", Type: portVar(&a.Port), Doc: "Sets PORT, and names the port that workers share."},
	}
}

// lifecycleKeys configure start, stop and restart.
func (b *builder) lifecycleKeys() []Key {
	a := &b.app
	return []Key{
		{Name: "autostart", Type: boolVar(&a.Autostart), Default: "true", Doc: "Whether the app starts with gorun."},
		{Name: "autorestart", Type: boolVar(&a.Restart.Auto), Default: "true", Doc: "Whether a worker that ended is started again."},
		{Name: "stop_exit_codes", Type: typeOf(setting.codes, &a.Restart.StopCodes, shape{"type": []string{"integer", "string", "array"}, "items": ref("integer")}), Doc: "Exit codes, one or a list, after which a worker is left stopped."},
		{Name: "min_uptime", Type: durationVar(&a.Restart.MinUptime), Default: "1s", Doc: "A run shorter than this is unstable. Unless it is written, a run that fails within 30 s is unstable, too."},
		{Name: "max_restarts", Type: countVar(&a.Restart.MaxUnstable), Default: "16", Doc: "Unstable runs in a row that are tolerated; after one more the worker is errored."},
		{Name: "restart_delay", Type: durationVar(&a.Restart.Delay), Default: "0", Doc: "Wait before every restart."},
		{Name: "exp_backoff_restart_delay", Type: durationVar(&a.Restart.Backoff), Default: "100ms", Doc: "First delay after an unstable run; each is half as long again as the one before."},
		{Name: "max_restart_delay", Type: durationVar(&a.Restart.MaxDelay), Default: "15s", Doc: "Where the growing delay ends."},
		{Name: "errored_retry", Type: durationVar(&a.Restart.ErroredRetry), Default: "5m", Doc: "How long after it was given up a worker is tried again, for as long as gorun runs; 0 = never."},
		{Name: "max_memory_restart", Type: sizeVar(&a.MaxMemory), Doc: "Restart a worker whose process tree uses more memory than this: one at a time, in cluster mode without a gap; after 30 s at the earliest, then 1, 2, … up to 10 min, where it passes the limit soon after each start."},
		{Name: "kill_timeout", Type: durationVar(&a.KillTimeout), Default: "8s", Environ: "PM2_KILL_TIMEOUT", Doc: "From the stop signal to SIGKILL."},
		{Name: "stop_signal", Type: typeOf(setting.signal, &a.StopSignal, ref("text")), Environ: "PM2_KILL_SIGNAL", Doc: "Signal that asks a worker to stop; SIGINT for Node, SIGTERM for others by default. A Node app that handles SIGTERM alone needs it."},
		{Name: "shutdown_with_message", Type: boolVar(&a.ShutdownWithMessage), Default: "false", Environ: "PM2_KILL_USE_MESSAGE", Doc: "Asks a worker that node runs itself to stop by the message shutdown, process.on('message'), instead of stop_signal."},
		{Name: "treekill", Type: boolVar(&a.TreeKill), Default: "true", Doc: "Whether a stop ends the worker's whole process tree."},
		{Name: "listen_timeout", Type: durationVar(&a.ListenTimeout), Default: "30s", Environ: "PM2_GRACEFUL_LISTEN_TIMEOUT", Doc: "Time limit for a worker to become ready. One that has only not listened, and is not busy starting up, counts as online after 3 s, unless `port` is set or it has listened before."},
		{Name: "depends_on", Type: dependenciesVar(&b.depends), Doc: "Apps to wait for: a list of names, or {name: online} or {name: completed}."},
		{Name: "critical", Type: boolVar(&a.Critical), Default: "false", Doc: "Whether gorun exits, with the app's exit code, when a worker is errored."},
		{Name: "ready_min", Type: countVar(&a.ReadyMin), Default: "1", Doc: "Workers that must be online for /readyz to succeed."},
	}
}
