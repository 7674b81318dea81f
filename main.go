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
	"strconv"
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
	"gorun/supervisor/ecosystem"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
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
	inv := &invocation{streams: std, environ: environ, signals: signals.Begin()}
	var app *cli.App
	if len(args) > 1 && args[1] == "exec" {
		app, args = inv.execApp(), args[1:]
	} else {
		app = inv.app()
		args, inv.rest = arrange(args, app)
	}
	if err := app.Run(args); err != nil {
		fmt.Fprintf(std.err, "gorun: %v\n", err)
		return codeUsage
	}
	return inv.code
}

func (inv *invocation) app() *cli.App {
	address := &cli.StringFlag{Name: "web", Value: ":9615", Usage: "`ADDRESS` of /health and /metrics"}
	running := slices.Concat(runFlags(address), appFlags())
	app := &cli.App{
		Name:            "gorun",
		Usage:           "a container's first process: keeps the workers of an ecosystem file running",
		UsageText:       "gorun FILE|SCRIPT [options] [-- args]\ngorun exec [options] [--] COMMAND [ARG...]",
		HideHelpCommand: true,
		Flags:           running,
		Action:          inv.act(inv.supervise),
		Writer:          inv.out,
		ErrWriter:       inv.err,
		ExitErrHandler:  func(*cli.Context, error) {},
		OnUsageError:    usageError,
		Commands: []*cli.Command{
			{Name: "run", Aliases: []string{"start"}, Usage: "run an ecosystem file or a script in the foreground", ArgsUsage: "FILE|SCRIPT", Flags: running, Action: inv.act(inv.supervise)},
			{Name: "exec", Usage: "run one command under init, as tini does", ArgsUsage: "COMMAND [ARG...]", Flags: execFlags(), Action: inv.act(inv.execute)},
			{Name: "check", Usage: "print all mistakes of a file; exit 0 or 2", ArgsUsage: "FILE", Flags: append(appFlags(),
				&cli.StringFlag{Name: "env"}, &cli.StringFlag{Name: "only"},
				&cli.BoolFlag{Name: "strict", Usage: "an unknown key is a mistake"}), Action: inv.act(inv.check)},
			{Name: "health", Usage: "ask the running gorun; exit 0 or 1", ArgsUsage: "[APP]", Flags: []cli.Flag{address}, Action: inv.act(inv.health)},
			{Name: "version", Usage: "print the version", Action: inv.act(inv.version)},
		},
	}
	for _, command := range app.Commands {
		command.OnUsageError = app.OnUsageError
	}
	return app
}

// execApp is `gorun exec` alone: it starts before every command of an image, and
// the options of the rest take a millisecond to set up. Its own options stand
// before its command.
func (inv *invocation) execApp() *cli.App {
	return &cli.App{
		Name: "gorun exec", Usage: "run one command under init, as tini does", ArgsUsage: "COMMAND [ARG...]",
		Flags: execFlags(), Action: inv.act(inv.execute), HideHelpCommand: true, Writer: inv.out, ErrWriter: inv.err,
		ExitErrHandler: func(*cli.Context, error) {}, OnUsageError: usageError,
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

// runFlags are the options of a run that are not about apps.
func runFlags(address cli.Flag) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "env", Usage: "use env_`NAME` of the file"},
		&cli.StringFlag{Name: "only", Usage: "run only these apps or namespaces: `A,B`"},
		address,
		&cli.BoolFlag{Name: "no-web", Usage: "serve no health and metrics"},
		&cli.BoolFlag{Name: "no-auto-exit", Usage: "run on when every app has ended"},
		&cli.BoolFlag{Name: "raw", Usage: "workers' lines as they are (default)"},
		&cli.BoolFlag{Name: "formatted", Usage: "lines as 0|app | line"},
		&cli.BoolFlag{Name: "format", Usage: "lines as key=value"},
		&cli.BoolFlag{Name: "json", Usage: "lines as JSON objects"},
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "of gorun's own lines: debug, info, warn, error"},
		&cli.StringFlag{Name: "delay", Usage: "wait so many `SECONDS` before the first start"},
		&cli.StringFlag{Name: "termination-log", Value: "/dev/termination-log", Usage: "`FILE` that gets the reason of a fatal exit, if it exists"},
	}
}

// appFlags are the options that ecosystem knows how to apply.
func appFlags() []cli.Flag {
	var flags []cli.Flag
	for _, o := range ecosystem.Options() {
		category := "apps"
		if o.NoEffect {
			category = "accepted for pm2's sake, without effect"
		}
		if o.Bool {
			flags = append(flags, &cli.BoolFlag{Name: o.Flag, Aliases: o.Aliases, Usage: o.Usage, Category: category})
		} else {
			flags = append(flags, &cli.StringFlag{Name: o.Flag, Aliases: o.Aliases, Usage: o.Usage, Category: category})
		}
	}
	return flags
}

func execFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "grace", Value: 8 * time.Second, Usage: "`TIME` that what the command leaves behind has to end; when given, the command itself too, after SIGTERM"},
		&cli.StringSliceFlag{Name: "rewrite", Usage: "pass on another signal: `TERM=QUIT`; INT=0 drops it"},
		&cli.BoolFlag{Name: "child-only", Usage: "pass signals to the command alone, not to its whole tree"},
	}
}

// arrange puts options before the file, as the library wants them, and takes
// off what follows "--".
func arrange(args []string, app *cli.App) (arranged, rest []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		args, rest = args[:i], args[i+1:]
	}
	flags, start := app.Flags, 1
	if len(args) > 1 {
		if command := app.Command(args[1]); command != nil {
			flags, start = command.Flags, 2
		}
	}
	var options, others []string
	for i := start; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' {
			others = append(others, arg)
			continue
		}
		options = append(options, arg)
		if i+1 < len(args) && takesValue(flags, arg) {
			i++
			options = append(options, args[i])
		}
	}
	return slices.Concat(args[:min(start, len(args))], options, others), rest
}

func takesValue(flags []cli.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	for _, flag := range flags {
		if documented, ok := flag.(cli.DocGenerationFlag); ok && slices.Contains(flag.Names(), name) {
			return documented.TakesValue()
		}
	}
	return false
}

func (inv *invocation) load(c *cli.Context) (ecosystem.File, error) {
	if c.NArg() != 1 {
		return ecosystem.File{}, fmt.Errorf("name one ecosystem file or script, not %d: gorun FILE|SCRIPT [options] [-- args]", c.NArg())
	}
	dir, err := os.Getwd()
	if err != nil {
		return ecosystem.File{}, fmt.Errorf("find the working directory: %w", err)
	}
	given := map[string]string{}
	for _, o := range ecosystem.Options() {
		if c.IsSet(o.Flag) {
			given[o.Key] = fmt.Sprint(c.Value(o.Flag))
		}
	}
	var only []string
	if list := c.String("only"); list != "" {
		only = strings.Split(list, ",")
	}
	return ecosystem.Load(ecosystem.Source{ //nolint:wrapcheck // its errors are for people, with positions
		Path: c.Args().First(), Stdin: inv.in, Dir: dir, Environ: inv.environ, CPUs: usage.CPUs(),
		EnvName: c.String("env"), Only: only, Args: inv.rest, Options: given, Strict: c.Bool("strict"),
	})
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
	fmt.Fprintln(inv.out, "ok:", summary(file.Apps))
	return 0, nil
}

func (inv *invocation) health(c *cli.Context) (int, error) {
	ctx, cancel := context.WithTimeout(c.Context, 5*time.Second)
	defer cancel()
	ok, text, err := health.Ask(ctx, c.String("web"), c.Args().First())
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

// summary lists apps and the number of their workers: api × 2, cron × 1.
func summary(apps []ecosystem.App) string {
	var parts []string
	for _, app := range apps {
		parts = append(parts, app.Name+" × "+strconv.Itoa(app.Instances))
	}
	return strings.Join(parts, ", ")
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
	command := process.Command{
		Argv: c.Args().Slice(), Environ: inv.environ, Grace: c.Duration("grace"), Alone: c.Bool("child-only"), Log: log,
		Rewrite: rewrite,
	}
	if c.IsSet("grace") {
		command.Limit = command.Grace
	}
	<-inv.signals.Complete()
	return command.Run(r, passed), nil
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
	settings, err := settingsOf(c, inv.out)
	if err != nil {
		return codeUsage, err
	}
	process.KeepDescriptors()
	output := logs.New(logs.Options{
		Stdout: inv.out, Stderr: inv.err, Format: settings.format, Color: settings.color, Level: settings.level,
	})
	defer flush(output)
	r, err := reaper.New()
	if err != nil {
		return codeFailure, fmt.Errorf("reap orphans: %w", err)
	}
	log := slog.New(output.Handler())
	announce(log, file)
	s, err := supervisor.New(file.Apps, supervisor.Options{
		Reaper: r, Output: output, Log: log, Cgroup: usage.Find(), Starting: 2 * usage.CPUs(),
		ShutdownDelay: file.ShutdownDelay, Stay: c.Bool("no-auto-exit"),
	})
	if err != nil {
		return codeUsage, fmt.Errorf("prepare: %w", err)
	}
	server, err := web.Serve(web.Options{
		Address: settings.web, Asked: settings.webAsked, Source: s, Signals: inv.signals.Received,
		Build: buildInfo(), Log: log,
	})
	if err != nil {
		return codeUsage, fmt.Errorf("serve health and metrics, see --web: %w", err)
	}
	defer server.Close()
	return container.Run(c.Context, s, container.Options{
		Signals: inv.signals, Reaper: r, Output: output, Log: log,
		Delay: settings.delay, TerminationLog: settings.terminationLog,
	}), nil
}

// announce begins the start-up screen.
func announce(log *slog.Logger, file ecosystem.File) {
	log.Info("starting", "version", buildInfo().Version, "pid", os.Getpid())
	if file.Path != "" {
		log.Info("ecosystem", "file", file.Path)
	}
	log.Info("apps", "workers", summary(file.Apps))
	for _, warning := range file.Warnings {
		log.Warn("not understood", "at", warning)
	}
	if len(file.Ignored) > 0 {
		log.Info("accepted, but without effect here", "keys", strings.Join(file.Ignored, ", "))
	}
}

// settings are the options of a run that are not about apps.
type settings struct {
	format         logs.Format
	color          bool
	level          slog.Level
	web            string // "" = none
	webAsked       bool
	delay          time.Duration
	terminationLog string
}

func settingsOf(c *cli.Context, out *os.File) (settings, error) {
	s := settings{web: c.String("web"), webAsked: c.IsSet("web"), terminationLog: c.String("termination-log")}
	for flag, format := range map[string]logs.Format{"raw": logs.Raw, "formatted": logs.Tagged, "format": logs.KeyValue, "json": logs.JSON} {
		if c.Bool(flag) {
			s.format = format
		}
	}
	info, err := out.Stat()
	s.color = err == nil && info.Mode()&os.ModeCharDevice != 0
	if err := s.level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return s, fmt.Errorf("option --log-level: %w", err)
	}
	if text := c.String("delay"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || seconds < 0 {
			return s, fmt.Errorf("option --delay: %q is not a number of seconds", text)
		}
		s.delay = time.Duration(seconds * float64(time.Second))
	}
	if _, err := strconv.Atoi(s.web); err == nil {
		s.web = ":" + s.web
	}
	if c.Bool("no-web") {
		s.web = ""
	}
	return s, nil
}
