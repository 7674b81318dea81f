package spec

import (
	"cmp"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"gorun/health"
	"gorun/supervisor/hooks"
	"gorun/supervisor/logs"
	"gorun/supervisor/restart"
	"gorun/supervisor/sockets"
)

// Mode says how an app's workers relate to each other.
type Mode int

// The modes, in pm2's words.
const (
	Fork    Mode = iota // each worker on its own
	Cluster             // the workers share their ports
)

// String returns pm2's word for the mode.
func (m Mode) String() string {
	if m == Cluster {
		return "cluster"
	}
	return "fork"
}

// Stdin is what a worker has as its standard input.
type Stdin int

// The kinds of standard input.
const (
	StdinPipe Stdin = iota // a pipe that stays open while the worker runs, see Input
	StdinNull              // /dev/null
)

// Condition is what an app waits for in another one before it starts.
type Condition int

// The conditions of depends_on.
const (
	Online    Condition = iota // at least one worker is online
	Completed                  // it ended with success
)

// Dependency is one entry of depends_on.
type Dependency struct {
	App       string
	Condition Condition
}

// Limit is one resource limit (setrlimit) of a worker.
type Limit struct {
	Name       string // as in the file: nofile
	Resource   int    // unix.RLIMIT_NOFILE
	Soft, Hard uint64 // unix.RLIM_INFINITY for unlimited
}

// User is the user that a worker runs as.
type User struct {
	UID, GID uint32
	Groups   []uint32 // supplementary groups
	Home     string   // home directory, "" where unknown
	Name     string   // user name, "" where unknown

	Switched bool // gorun becomes another user, not only another group
}

// Credential returns the user and its groups as execve's callers need them; nil for
// nil, which is gorun's own user.
func (u *User) Credential() *syscall.Credential {
	if u == nil {
		return nil
	}
	return &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
}

// App is one entry of an ecosystem file, ready to run. It is a value: nobody
// changes it after Load.
type App struct {
	Name      string
	Namespace string
	Position  string // file:line:column of its entry

	Script      string   // what the file calls it, for people
	Interpreter string   // "node", "python3", …; "none" when the script runs itself
	Argv        []string // program and arguments; Argv[0] is an absolute path
	ScriptAt    int      // where in Argv the interpreter's options end; 0: it has none
	Dir         string   // working directory, absolute
	Stdin       Stdin    // standard input
	Mode        Mode
	Instances   int // ≥ 1
	Autostart   bool

	Restart       restart.Policy
	DependsOn     []Dependency
	Critical      bool
	ReadyMin      int // workers that must be online for the app to be ready
	StopSignal    unix.Signal
	KillTimeout   time.Duration // from the stop signal to SIGKILL
	ListenTimeout time.Duration
	TreeKill      bool
	MaxMemory     int64 // bytes of the whole tree; 0 = no limit
	User          *User // nil: gorun's own
	Limits        []Limit
	Port          int  // 0: none
	Node          bool // run by node itself: gets an IPC channel
	Sharing       Sharing
	ChannelOnly   bool // sharing: node was asked for: nothing is intercepted beside it
	Balance       sockets.Balance
	Listen        []Socket      // to pass on
	WaitReady     bool          // online when it says so
	DrainTimeout  time.Duration // part of KillTimeout
	DrainIdle     time.Duration // of a connection that is done with

	ReloadParallel int  // workers replaced at a time; 0: a quarter
	ReloadFallback bool // restart a worker whose replacement does not become ready

	PidFile  string
	Logs     logs.Config
	Cron     string        // see trigger.ParseSchedule; "": none
	Watch    *Watch        // nil: no files are watched
	Health   *health.Check // nil: none
	Watchdog time.Duration // 0: none
	Metrics  *Metrics      // nil: those of the workers are not served

	OnExit, OnRestart, OnGiveup []hooks.Hook // who is told of what
	NodeMetrics                 bool         // Node tells gorun of its inner life
	RelayMessages               bool         // from each of Node's workers to the others
	ShutdownWithMessage         bool         // instead of StopSignal, where there is an IPC channel

	Env Environment // see Environ
}

// ScriptPath is where the script is, if it is a file.
func (a App) ScriptPath() string {
	if filepath.IsAbs(a.Script) {
		return a.Script
	}
	return filepath.Join(a.Dir, a.Script)
}

// PIDFile is where the process id of one worker is written, "" for nowhere: with
// several instances -0, -1, … comes before the extension, as in the names of log files.
func (a App) PIDFile(instance int) string {
	if a.PidFile == "" || a.Instances <= 1 {
		return a.PidFile
	}
	extension := filepath.Ext(a.PidFile)
	return strings.TrimSuffix(a.PidFile, extension) + "-" + strconv.Itoa(instance) + extension
}

// Hooks are those that get an event.
func (a App) Hooks(kind hooks.EventKind) []hooks.Hook {
	switch kind {
	case hooks.Exit:
		return a.OnExit
	case hooks.Restart:
		return a.OnRestart
	case hooks.GiveUp:
		return a.OnGiveup
	}
	return nil
}

// MaxUnavailable is how many of the workers a rolling update replaces at a time: asked,
// or as the app says, or a quarter.
func (a App) MaxUnavailable(asked, workers int) int {
	return cmp.Or(asked, a.ReloadParallel, (workers+3)/4)
}

// Changes names what differs between two revisions of an app, in the words of
// the file; nothing when workers of the one are as good as of the other.
func (a App) Changes(other App) []string {
	var changed []string
	before, after := reflect.ValueOf(a), reflect.ValueOf(other)
	for i := range before.NumField() {
		field := before.Type().Field(i)
		if field.Name == "Position" || field.Name == "ScriptAt" || field.Name == "Env" || reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
			continue
		}
		changed = append(changed, keyOf(field.Name))
	}
	if !reflect.DeepEqual(a.Env, other.Env) {
		changed = append(changed, "env")
	}
	return changed
}

// keyOf returns the key that a field of App is made from.
func keyOf(field string) string {
	if key, found := keyOfField[field]; found {
		return key
	}
	var words strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 {
			words.WriteByte('_')
		}
		words.WriteRune(unicode.ToLower(r))
	}
	return words.String()
}

// keyOfField has the fields of an App that are not called after their key.
var keyOfField = map[string]string{
	"Argv": "script, args or interpreter", "Dir": "cwd", "Mode": "exec_mode", "MaxMemory": "max_memory_restart", "User": "uid or gid",
	"TreeKill": "treekill", "ChannelOnly": "sharing", "Logs": "log files", "Restart": "restart policy", "Cron": "cron_restart",
}
