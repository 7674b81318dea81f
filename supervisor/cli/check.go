package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/health"
	"gorun/metrics"
	"gorun/supervisor/control/client"
)

func (c *commandLine) checkCommand() *cli.Command {
	flags := append(appFlags(), fileFlags()...)
	flags = append(flags, boolFlag("strict", "treat an unknown key as a mistake"))
	return &cli.Command{Name: "check", Usage: "print all mistakes of a file; exit 0 or 2", ArgsUsage: "FILE", Flags: flags, Action: c.act(c.check)}
}

func (c *commandLine) check(args *cli.Context) (int, error) {
	in, err := c.input(args)
	if err != nil {
		return codeFailure, err
	}
	file, err := in.load()
	for _, warning := range file.Warnings {
		fmt.Fprintln(c.Err, "warning:", warning)
	}
	if err != nil {
		fmt.Fprintln(c.Err, err)
		return codeUsage, nil
	}
	if len(file.Ignored) > 0 {
		fmt.Fprintln(c.Err, "without effect:", strings.Join(file.Ignored, ", "))
	}
	fmt.Fprintln(c.Out, "ok:", file.Summary())
	return 0, nil
}

// health asks over the control socket where there is one, else over HTTP.
func (c *commandLine) health(args *cli.Context) (int, error) {
	ctx, cancel := context.WithTimeout(args.Context, 5*time.Second)
	defer cancel()
	app := args.Args().First()
	ok, text, err := askHealth(ctx, c.address(), app)
	if err != nil || args.IsSet("web") {
		ok, text, err = health.Ask(ctx, args.String("web"), app)
	}
	if err != nil {
		fmt.Fprintln(c.Err, "gorun:", err)
		return codeFailure, nil
	}
	fmt.Fprint(c.Out, text)
	if !ok {
		return codeFailure, nil
	}
	return 0, nil
}

// askHealth asks over the control socket: about one app, "" for all.
func askHealth(ctx context.Context, at client.Address, app string) (ok bool, text string, err error) {
	conn, err := client.Dial(ctx, at)
	if err != nil {
		return false, "", err
	}
	defer conn.Close()
	page, err := conn.Get(ctx, health.Path(app))
	if err != nil {
		return false, "", err
	}
	return health.ParseResponse(page.Status, page.Body)
}

func (c *commandLine) version(*cli.Context) (int, error) {
	b := build(c.Version)
	fmt.Fprintf(c.Out, "gorun %s (%s, %s, %s/%s)\n", b.Version, b.Revision, b.GoVersion, runtime.GOOS, runtime.GOARCH)
	return 0, nil
}

// build is what the Go linker knows of this binary.
func build(version string) metrics.Build {
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
