package cli

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/ecosystem"
	"gorun/supervisor/logs"
)

// runFlags are the options of a run that are not about apps.
func runFlags() []cli.Flag {
	return append(fileFlags(),
		webFlag(),
		boolFlag("no-web", "serve no health and metrics"),
		boolFlag("no-auto-exit", "keep running when every app has ended"),
		boolFlag("raw", "print the workers' lines unchanged (default)"),
		boolFlag("formatted", "print lines as 0|app | line"),
		boolFlag("format", "print lines as key=value"),
		boolFlag("json", "print lines as JSON objects"),
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "`LEVEL` of gorun's own lines: debug, info, warn, error"},
		&cli.StringFlag{Name: "delay", Usage: "wait for `SECONDS` before the first start"},
		&cli.StringFlag{Name: "termination-log", Value: "/dev/termination-log", Usage: "write the reason of a fatal exit to `FILE`, if it exists"},
	)
}

// fileFlags are the options about which part of a file is meant.
func fileFlags() []cli.Flag {
	return []cli.Flag{&cli.StringFlag{Name: "env", Usage: "use env_`NAME` of the file"}, onlyFlag()}
}

func onlyFlag() cli.Flag {
	return &cli.StringFlag{Name: "only", Usage: "take only these apps or namespaces of the file: `A,B`"}
}

// boolFlag is an option without a value.
func boolFlag(name, usage string, aliases ...string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Aliases: aliases, Usage: usage, DisableDefaultText: true}
}

// webAddress is pm2's port.
const webAddress = ":9615"

func webFlag() cli.Flag {
	return &cli.StringFlag{Name: "web", Value: webAddress, Usage: "`ADDRESS` of /health and /metrics"}
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
			flag := boolFlag(o.Flag, o.Usage, o.Aliases...)
			flag.Category = category
			flags = append(flags, flag)
		} else {
			flags = append(flags, &cli.StringFlag{Name: o.Flag, Aliases: o.Aliases, Usage: o.Usage, Category: category})
		}
	}
	return flags
}

// given returns the app options of a command line, by Option.Key.
func given(args *cli.Context) map[string]string {
	values := map[string]string{}
	for _, o := range ecosystem.Options() {
		if args.IsSet(o.Flag) {
			values[o.Key] = fmt.Sprint(args.Value(o.Flag))
		}
	}
	return values
}

// list splits A,B or A, B; nothing is none.
func list(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// settings are the options of a run that are not about apps.
type settings struct {
	format         logs.Format
	color          bool
	level          slog.Level
	web            string // address; "" = none
	webAsked       bool
	delay          time.Duration
	terminationLog string
}

// settingsOf reads them. The lines of a run go to out.
func settingsOf(args *cli.Context, out *os.File) (settings, error) {
	s := settings{web: args.String("web"), webAsked: args.IsSet("web"), terminationLog: args.String("termination-log")}
	for i, flag := range [...]string{"raw", "formatted", "format", "json"} { // of several, the last
		if args.Bool(flag) {
			s.format = [...]logs.Format{logs.Raw, logs.Tagged, logs.KeyValue, logs.JSON}[i]
		}
	}
	info, err := out.Stat()
	s.color = err == nil && info.Mode()&os.ModeCharDevice != 0
	if err := s.level.UnmarshalText([]byte(args.String("log-level"))); err != nil {
		return s, fmt.Errorf("option --log-level: %w", err)
	}
	if text := args.String("delay"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || seconds < 0 {
			return s, fmt.Errorf("option --delay: %q is not a number of seconds", text)
		}
		s.delay = time.Duration(seconds * float64(time.Second))
	}
	if _, err := strconv.Atoi(s.web); err == nil {
		s.web = ":" + s.web
	}
	if args.Bool("no-web") {
		s.web = ""
	}
	return s, nil
}
