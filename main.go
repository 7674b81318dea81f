// Command gorun is a container's first process: it keeps the workers of an
// ecosystem file running, or one command under init.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/health"
	"gorun/metrics"
	"gorun/signals"
	"gorun/signals/reaper"
	"gorun/supervisor"
	"gorun/supervisor/container"
	"gorun/supervisor/control"
	"gorun/supervisor/control/command"
	"gorun/supervisor/ecosystem"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/spec"
	"gorun/supervisor/usage"
	"gorun/supervisor/web"
)

// The exit codes that are gorun's own.
const (
	codeFailure = 1 // gorun itself cannot go on, or the answer is no
	codeUsage   = 2 // bad input: nothing was started
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version = "devel"

// flushLimit bounds the wait for whoever reads gorun's output at the end.
const flushLimit = 2 * time.Second

func main() {
	// The main thread cannot end: no goroutine may get it that is to end with
	// its thread, see reaper.Spec.Prepare.
	runtime.LockOSThread()
	os.Exit(run(os.Args, os.Environ(), streams{os.Stdin, os.Stdout, os.Stderr}))
}

type streams struct{ in, out, err *os.File }

// invocation is one run of gorun.
type invocation struct {
	streams
	environ []string
	rest    []string // arguments after "--"
	signals *signals.Listener
	code    int
}

func run(args, environ []string, std streams) int {
	if process.Launching(args) {
		return process.Launch(args, environ, std.err)
	}
	// The listener is not closed: giving back each signal costs the exit 2 ms.
	inv := &invocation{streams: std, environ: environ, signals: signals.NewListener()}
	var app *cli.App
	if len(args) > 1 && args[1] == "exec" {
		app, args = inv.execApp(), args[1:]
	} else {
		app = inv.app()
		args, inv.rest = command.Arrange(args, app)
	}
	if err := app.Run(args); err != nil {
		fmt.Fprintf(std.err, "gorun: %v\n", err)
		return codeUsage
	}
	return inv.code
}

func (inv *invocation) app() *cli.App {
	running := slices.Concat(command.RunFlags(), command.AppFlags())
	app := &cli.App{
		Name:                 "gorun",
		Usage:                "a container's first process: keeps the workers of an ecosystem file running",
		UsageText:            "gorun FILE|SCRIPT [options] [-- args]\ngorun exec [options] [--] COMMAND [ARG...]\ngorun COMMAND [options] [NAME...]",
		HideHelpCommand:      true,
		Version:              version,
		EnableBashCompletion: true,
		Flags:                running,
		Action:               inv.act(inv.supervise),
		Writer:               inv.out,
		ErrWriter:            inv.err,
		ExitErrHandler:       func(*cli.Context, error) {},
		OnUsageError:         usageError,
		Commands: []*cli.Command{
			{Name: "run", Usage: "run an ecosystem file or a script in the foreground", ArgsUsage: "FILE|SCRIPT", Flags: running, Action: inv.act(inv.supervise)},
			{Name: "start", Usage: "the same; where a gorun runs already, start apps, workers or the apps of a file in it", ArgsUsage: "FILE|SCRIPT|NAME...", Flags: running, Action: inv.start},
			inv.execCommand(),
			{Name: "check", Usage: "print all mistakes of a file; exit 0 or 2", ArgsUsage: "FILE", Flags: append(command.AppFlags(),
				&cli.StringFlag{Name: "env"}, &cli.StringFlag{Name: "only"},
				&cli.BoolFlag{Name: "strict", Usage: "an unknown key is a mistake"}), Action: inv.act(inv.check)},
			{Name: "health", Usage: "ask the running gorun; exit 0 or 1", ArgsUsage: "[APP]", Flags: []cli.Flag{command.WebFlag()}, Action: inv.act(inv.health)},
			{Name: "version", Usage: "print the version", Action: inv.act(inv.version)},
		},
	}
	app.Commands = append(app.Commands, inv.world().Commands()...)
	for _, one := range app.Commands {
		one.OnUsageError = app.OnUsageError
	}
	return app
}

// world is where the commands run that talk to another gorun.
func (inv *invocation) world() command.World {
	return command.World{In: inv.in, Out: inv.out, Err: inv.err, Environ: inv.environ, CPUs: usage.CPUs, Watch: inv.watch, Act: inv.act}
}

// watch hears signals for a command in a terminal.
func (inv *invocation) watch(ctx context.Context, stop func(), resized chan<- struct{}) {
	nothing := func() {}
	inv.signals.Run(ctx, signals.Supervising, signals.Actions{
		Reap: nothing, Reload: stop, Reopen: nothing, Stop: func(syscall.Signal) { stop() },
		Forward: func(sig syscall.Signal) {
			if sig == syscall.SIGWINCH {
				select {
				case resized <- struct{}{}:
				default: // one is pending
				}
			}
		},
	})
}

// start starts things in the gorun that runs already, if there is one.
func (inv *invocation) start(c *cli.Context) error {
	if world := inv.world(); world.Reaches() {
		return world.Start(inv.rest)(c)
	}
	return inv.act(inv.supervise)(c)
}

func (inv *invocation) execCommand() *cli.Command {
	return &cli.Command{Name: "exec", Usage: "run one command under init, as tini does", ArgsUsage: "COMMAND [ARG...]", Flags: execFlags(), Action: inv.act(inv.execute)}
}

// execApp is `gorun exec` alone: it starts before every command of an image, and
// the options of the rest take a millisecond to set up. Its own options stand
// before its command.
func (inv *invocation) execApp() *cli.App {
	of := inv.execCommand()
	return &cli.App{
		Name: "gorun exec", Usage: of.Usage, ArgsUsage: of.ArgsUsage, Flags: of.Flags, Action: of.Action,
		HideHelpCommand: true, Writer: inv.out, ErrWriter: inv.err, ExitErrHandler: func(*cli.Context, error) {}, OnUsageError: usageError,
	}
}

func usageError(_ *cli.Context, err error, _ bool) error {
	return fmt.Errorf("%w; see gorun --help", err)
}

// act makes a cli action of one that returns an exit code.
func (inv *invocation) act(do func(*cli.Context) (int, error)) cli.ActionFunc {
	return func(c *cli.Context) (err error) {
		inv.code, err = do(c)
		return err
	}
}

func execFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "grace", Value: 8 * time.Second, Usage: "`TIME` that what the command leaves behind has to end; when given, the command itself too, after SIGTERM"},
		&cli.StringSliceFlag{Name: "rewrite", Usage: "pass on another signal: `TERM=QUIT`; INT=0 drops it"},
		&cli.BoolFlag{Name: "child-only", Usage: "pass signals to the command alone, not to its whole tree"},
	}
}

// load reads what the command line names.
func (inv *invocation) load(c *cli.Context) (ecosystem.File, error) {
	if c.NArg() != 1 {
		return ecosystem.File{}, fmt.Errorf("name one ecosystem file or script, not %d: gorun FILE|SCRIPT [options] [-- args]", c.NArg())
	}
	source, err := inv.source(c)
	if err != nil {
		return ecosystem.File{}, err
	}
	return ecosystem.Load(source) //nolint:wrapcheck // its errors are for people, with positions
}

func (inv *invocation) source(c *cli.Context) (ecosystem.Source, error) {
	dir, err := os.Getwd()
	if err != nil {
		return ecosystem.Source{}, fmt.Errorf("find the working directory: %w", err)
	}
	return ecosystem.Source{
		Path: c.Args().First(), Stdin: inv.in, Dir: dir, Environ: inv.environ, CPUs: usage.CPUs(),
		EnvName: c.String("env"), Only: command.List(c.String("only")), Args: inv.rest, Options: command.Given(c), Strict: c.Bool("strict"),
		Console: inv.err,
	}, nil
}

// loader reads the file of this run anew, or another one.
func (inv *invocation) loader(c *cli.Context, log *slog.Logger) control.Load {
	return func(path string, only []string) ([]spec.App, error) {
		source, err := inv.source(c)
		if err != nil {
			return nil, err
		}
		if path != "" && !source.Is(path) { // the options of this run are for its own file
			source.Path, source.Options, source.Args, source.Only = path, nil, nil, nil
		}
		if source.Path == "-" {
			return nil, errors.New("gorun read its file from standard input, which cannot be read again; name a file")
		}
		if len(only) > 0 {
			source.Only = only
		}
		file, err := ecosystem.Load(source)
		for _, warning := range file.Warnings {
			log.Warn("not understood", "at", warning)
		}
		return file.Apps, err //nolint:wrapcheck // its errors are for people, with positions
	}
}

func (inv *invocation) check(c *cli.Context) (int, error) {
	file, err := inv.load(c)
	for _, warning := range file.Warnings {
		fmt.Fprintln(inv.err, "warning:", warning)
	}
	if err != nil {
		fmt.Fprintln(inv.err, err)
		return codeUsage, nil
	}
	if len(file.Ignored) > 0 {
		fmt.Fprintln(inv.err, "without effect:", strings.Join(file.Ignored, ", "))
	}
	fmt.Fprintln(inv.out, "ok:", file.Summary())
	return 0, nil
}

// health asks over the control socket where there is one, else over HTTP.
func (inv *invocation) health(c *cli.Context) (int, error) {
	ctx, cancel := context.WithTimeout(c.Context, 5*time.Second)
	defer cancel()
	ok, text, err := inv.world().Health(ctx, c.Args().First())
	if err != nil || c.IsSet("web") {
		ok, text, err = health.Ask(ctx, c.String("web"), c.Args().First())
	}
	if err != nil {
		fmt.Fprintln(inv.err, "gorun:", err)
		return codeFailure, nil
	}
	fmt.Fprint(inv.out, text)
	if !ok {
		return codeFailure, nil
	}
	return 0, nil
}

func (inv *invocation) version(*cli.Context) (int, error) {
	build := buildInfo()
	fmt.Fprintf(inv.out, "gorun %s (%s, %s, %s/%s)\n", build.Version, build.Revision, build.GoVersion, runtime.GOOS, runtime.GOARCH)
	return 0, nil
}

// buildInfo tells what the Go linker knows of this binary.
func buildInfo() metrics.Build {
	build := metrics.Build{Version: version, Revision: "unknown", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			build.Revision = setting.Value
		}
	}
	return build
}

func (inv *invocation) execute(c *cli.Context) (int, error) {
	if c.NArg() == 0 {
		return codeUsage, errors.New("exec: name a command: gorun exec [options] [--] COMMAND [ARG...]")
	}
	rewrite, err := signals.ParseRewrite(c.StringSlice("rewrite"))
	if err != nil {
		return codeUsage, fmt.Errorf("exec: %w", err)
	}
	output := logs.New(logs.Options{Stdout: inv.out, Stderr: inv.err})
	defer flush(output)
	log := slog.New(output.Handler())
	r, err := reaper.New()
	if err != nil {
		log.Warn("orphans will not be reaped", "error", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	passed := make(chan syscall.Signal, 128)
	go inv.signals.Run(ctx, signals.Forwarding, signals.Actions{
		Reap:    r.Reap,
		Forward: func(sig syscall.Signal) { passed <- sig },
	})
	child := process.Command{
		Argv: c.Args().Slice(), Environ: inv.environ, Grace: c.Duration("grace"), Alone: c.Bool("child-only"), Log: log,
		Rewrite: rewrite,
	}
	if c.IsSet("grace") {
		child.Limit = child.Grace
	}
	<-inv.signals.Complete()
	return child.Run(r, passed), nil
}

func flush(output *logs.Output) {
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	_ = output.Close(ctx) // cut short: nobody reads
}

// supervise runs the apps of a file until they have ended or a signal comes.
func (inv *invocation) supervise(c *cli.Context) (int, error) {
	if c.NArg() == 0 && c.NumFlags() == 0 {
		return codeUsage, cli.ShowAppHelp(c)
	}
	file, err := inv.load(c)
	if err != nil {
		fmt.Fprintln(inv.err, err)
		return codeUsage, nil
	}
	settings, err := command.SettingsOf(c, inv.out)
	if err != nil {
		return codeUsage, err
	}
	process.KeepDescriptors()
	if inv.world().Variable("GOGC") == "" {
		debug.SetGCPercent(usage.GCPercent(file.Workers()))
	}
	output := logs.New(logs.Options{
		Stdout: inv.out, Stderr: inv.err, Format: settings.Format, Color: settings.Color, Level: settings.Level,
	})
	defer flush(output)
	r, err := reaper.New()
	if err != nil {
		return codeFailure, fmt.Errorf("reap orphans: %w", err)
	}
	log := slog.New(output.Handler())
	container.Announce(log, file, buildInfo().Version)
	s, err := supervisor.New(file.Apps, supervisor.Options{
		Reaper: r, Output: output, Log: log, Cgroup: usage.Find(), Starting: 2 * usage.CPUs(),
		ShutdownDelay: file.ShutdownDelay, Stay: c.Bool("no-auto-exit"),
		NotifySocket: inv.world().Variable("NOTIFY_SOCKET"), Trim: usage.Trim,
	})
	if err != nil {
		return codeUsage, fmt.Errorf("prepare: %w", err)
	}
	return inv.serve(c, s, container.Options{
		Signals: inv.signals, Reaper: r, Output: output, Log: log, Load: inv.loader(c, log),
		Delay: settings.Delay, TerminationLog: settings.TerminationLog,
	}, settings)
}

// serve runs the apps with their listeners: health and metrics for everybody,
// control for gorun's own user and root.
func (inv *invocation) serve(c *cli.Context, s *supervisor.Supervisor, run container.Options, settings command.Settings) (int, error) {
	listener := web.Options{
		Address: settings.Web, Asked: settings.WebAsked, Source: s, Signals: inv.signals.Received,
		Build: buildInfo(), Log: run.Log,
	}
	pages := listener.Handler()
	server, err := web.Serve(listener, pages)
	if err != nil {
		return codeUsage, fmt.Errorf("serve health and metrics, see --web: %w", err)
	}
	defer server.Close()
	operate, err := control.Serve(c.Context, control.Options{
		Place: inv.world().Place(), Apps: s, Orders: s, Mail: s, Output: run.Output, Load: control.Load(run.Load), CPUs: usage.CPUs(),
		Health: pages, Version: version, Log: run.Log,
	})
	if err != nil {
		return codeUsage, err //nolint:wrapcheck // it says what was attempted
	}
	defer hangUp(operate)
	return container.Run(c.Context, s, run), nil
}

func hangUp(server *control.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	_ = server.Close(ctx) // cut short: somebody does not read
}
