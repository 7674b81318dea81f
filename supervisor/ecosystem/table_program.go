package ecosystem

import (
	"time"

	"gorun/supervisor/spec"
)

// programKeys say what runs, as whom and how often.
var programKeys = [...]Key{
	{Name: "script", Aliases: []string{"exec", "cmd", "command"}, Kind: Text, Doc: "What to run: a file relative to cwd, a command on $PATH, or, with a space in it, a line for sh -c."},
	{Name: "name", Kind: Text, Doc: "The app's name; the script's base name without its extension by default."},
	{Name: "namespace", Kind: Text, Default: "default", Doc: "Groups apps; every command and --only select by it too.", set: into((*report).label, func(a *spec.App) *string { return &a.Namespace })},
	{Name: "cwd", Kind: Text, Doc: "Working directory, relative to the ecosystem file's folder; where gorun was started by default."},
	{Name: "args", Kind: Words, Doc: "Arguments: a list, or a string split as a shell would."},
	{Name: "interpreter", Aliases: []string{"exec_interpreter"}, Kind: Text, Doc: "Program that runs the script; by the script's extension by default; none executes the script itself."},
	{Name: "interpreter_args", Aliases: []string{"node_args"}, Kind: Words, Doc: "Arguments of the interpreter, put before the script."},
	{Name: "source_map_support", Kind: Bool, Default: "true", Doc: "Adds --enable-source-maps for Node."},
	{Name: "disable_source_map_support", Kind: Bool, Default: "false", Doc: "The same as source_map_support: false."},
	{Name: "instances", Kind: Mixed, Default: "1", Doc: "How many workers: a number; max or 0 = the CPUs this container may use; -1 = one fewer than that."},
	{Name: "exec_mode", Kind: Text, Doc: "fork: each worker on its own. cluster: the workers share their ports, unchanged; a Node script whose instances are given is in cluster mode by default."},
	{Name: "uid", Aliases: []string{"user"}, Kind: Text, Doc: "User to run as, a name or a number; gorun's own by default."},
	{Name: "gid", Kind: Text, Doc: "Group to run as, a name or a number; the user's primary group by default, and the number of the user where it is unknown."},
	{Name: "limits", Kind: Object, Doc: "Resource limits: nofile, nproc, core, memlock, stack, as, cpu, fsize, data, …: a number, unlimited, soft:hard or {soft, hard}.", set: setLimits},
}

// environmentKeys make up the environment of the workers.
var environmentKeys = [...]Key{
	{Name: "env", Kind: Object, Doc: "Environment variables; objects become JSON, null unsets."},
	{Name: "env_NAME", Kind: Object, Doc: "Environment variables that --env NAME adds over env."},
	{Name: "env_file", Kind: Texts, Doc: "One or more files of variables in dotenv format, relative to cwd; later files win, env wins over all."},
	{Name: "filter_env", Kind: Mixed, Default: "false", Doc: "true drops all of gorun's own environment but PATH, HOME, LANG and TZ; a list drops names with such a part; a text drops one name."},
	{Name: "instance_var", Kind: Text, Default: "NODE_APP_INSTANCE", Doc: "Variable that holds the worker's number within its app."},
	{Name: "increment_var", Kind: Text, Doc: "Variable that grows by one from worker to worker."},
	{Name: "append_env_to_name", Kind: Bool, Default: "false", Doc: "Appends -NAME of --env NAME to the app's name."},
	{Name: "port", Kind: Integer, Doc: "Sets PORT, and names the port that workers share.", set: setPort},
}

// lifeKeys say when workers start, stop and start again.
var lifeKeys = [...]Key{
	{Name: "autostart", Kind: Bool, Default: "true", Doc: "Whether the app starts with gorun.", set: into((*report).bool, func(a *spec.App) *bool { return &a.Autostart })},
	{Name: "autorestart", Kind: Bool, Default: "true", Doc: "Whether a worker that ended is started again.", set: into((*report).bool, func(a *spec.App) *bool { return &a.Restart.Auto })},
	{Name: "stop_exit_codes", Kind: Mixed, Doc: "Exit codes, one or a list, after which a worker is left stopped.", set: into((*report).codes, func(a *spec.App) *[]int { return &a.Restart.StopCodes })},
	{Name: "min_uptime", Kind: Duration, Default: "1s", Doc: "A run shorter than this is unstable.", set: into((*report).duration, func(a *spec.App) *time.Duration { return &a.Restart.MinUptime })},
	{Name: "max_restarts", Kind: Integer, Default: "16", Doc: "Unstable runs in a row that are forgiven; one more and the worker is errored.", set: into((*report).count, func(a *spec.App) *int { return &a.Restart.MaxUnstable })},
	{Name: "restart_delay", Kind: Duration, Default: "0", Doc: "Wait before every restart.", set: into((*report).duration, func(a *spec.App) *time.Duration { return &a.Restart.Delay })},
	{Name: "exp_backoff_restart_delay", Kind: Duration, Default: "100ms", Doc: "First delay after an unstable run; each is half as long again as the one before.", set: into((*report).duration, func(a *spec.App) *time.Duration { return &a.Restart.Backoff })},
	{Name: "max_restart_delay", Kind: Duration, Default: "15s", Doc: "Where the growing delay ends.", set: into((*report).duration, func(a *spec.App) *time.Duration { return &a.Restart.MaxDelay })},
	{Name: "max_memory_restart", Kind: Size, Doc: "Restart a worker whose process tree uses more memory than this.", set: into((*report).size, func(a *spec.App) *int64 { return &a.MaxMemory })},
	{Name: "kill_timeout", Kind: Duration, Default: "8s", Doc: "From the stop signal to SIGKILL.", set: into((*report).duration, func(a *spec.App) *time.Duration { return &a.KillTimeout })},
	{Name: "stop_signal", Kind: Text, Doc: "Signal that asks a worker to stop; SIGINT for Node, SIGTERM for others by default."},
	{Name: "shutdown_with_message", Kind: Bool, Default: "false", Doc: "Asks a worker that node runs itself to stop by the message shutdown, process.on('message'), instead of stop_signal.", set: into((*report).bool, func(a *spec.App) *bool { return &a.ShutdownWithMessage })},
	{Name: "treekill", Kind: Bool, Default: "true", Doc: "Whether a stop ends the worker's whole process tree.", set: into((*report).bool, func(a *spec.App) *bool { return &a.TreeKill })},
	{Name: "listen_timeout", Kind: Duration, Default: "30s", Doc: "How long a worker may take to become ready.", set: into((*report).duration, func(a *spec.App) *time.Duration { return &a.ListenTimeout })},
	{Name: "depends_on", Kind: Mixed, Doc: "Apps to wait for: a list of names, or {name: online} or {name: completed}."},
	{Name: "critical", Kind: Bool, Default: "false", Doc: "Whether its giving up ends gorun, with its exit code.", set: into((*report).bool, func(a *spec.App) *bool { return &a.Critical })},
	{Name: "ready_min", Kind: Integer, Default: "1", Doc: "Workers that must be online for /readyz to say yes.", set: into((*report).count, func(a *spec.App) *int { return &a.ReadyMin })},
}

// outputKeys say what becomes of what workers write.
var outputKeys = [...]Key{
	{Name: "out_file", Aliases: []string{"out", "output", "out_log"}, Kind: Text, Doc: "File for standard output, relative to cwd; none by default."},
	{Name: "error_file", Aliases: []string{"error", "err", "err_file", "err_log"}, Kind: Text, Doc: "File for standard error."},
	{Name: "log_file", Aliases: []string{"log"}, Kind: Text, Doc: "File for both."},
	{Name: "pid_file", Aliases: []string{"pid"}, Kind: Text, Doc: "File that holds the worker's process id; none by default."},
	{Name: "merge_logs", Aliases: []string{"combine_logs"}, Kind: Bool, Default: "false", Doc: "One log file for all workers; -0, -1, … before the extension otherwise.", set: into((*report).bool, func(a *spec.App) *bool { return &a.Logs.Merge })},
	{Name: "log_date_format", Kind: Text, Doc: "Date put before each line, in day.js tokens; on standard output not in the raw format, which is the default."},
	{Name: "time", Kind: Bool, Default: "false", Doc: "The same as log_date_format: YYYY-MM-DDTHH:mm:ss."},
	{Name: "log_type", Kind: Text, Doc: "json writes the log files as one object a line; raw, the default, as text.", set: setLogType},
	{Name: "disable_logs", Kind: Bool, Default: "false", Doc: "Writes no log files at all.", set: into((*report).bool, func(a *spec.App) *bool { return &a.Logs.Disabled })},
	{Name: "log_rotate", Kind: Object, Doc: "When log files are put aside: {max_size: 10M, retain: 10, compress: false}; false = never."},
}
