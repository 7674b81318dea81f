package command

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/ecosystem"
	"gorun/supervisor/logs"
)

// RunFlags are the options of a run that are not about apps.
func RunFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "env", Usage: "use env_`NAME` of the file"},
		&cli.StringFlag{Name: "only", Usage: "run only these apps or namespaces: `A,B`"},
		WebFlag(),
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

// webAddress is pm2's port.
const webAddress = ":9615"

// WebFlag says where health and metrics are.
func WebFlag() cli.Flag {
	return &cli.StringFlag{Name: "web", Value: webAddress, Usage: "`ADDRESS` of /health and /metrics"}
}

// AppFlags are the options that ecosystem knows how to apply.
func AppFlags() []cli.Flag {
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

// Given returns the app options of a command line, by Option.Key.
func Given(c *cli.Context) map[string]string {
	given := map[string]string{}
	for _, o := range ecosystem.Options() {
		if c.IsSet(o.Flag) {
			given[o.Key] = fmt.Sprint(c.Value(o.Flag))
		}
	}
	return given
}

// List splits A,B or A, B; nothing is none.
func List(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Arrange puts options before other arguments, as the library wants them, and
// takes off what follows "--".
func Arrange(args []string, app *cli.App) (arranged, rest []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		args, rest = args[:i], args[i+1:]
	}
	args = commandFirst(args, app)
	flags, start := app.Flags, 1
	if len(args) > 1 {
		if command := app.Command(args[1]); command != nil {
			flags, start = command.Flags, 2
		}
	}
	var options, others []string
	for i := start; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' || isNumber(arg) {
			others = append(others, arg)
			continue
		}
		if withoutValue(args[i:]) {
			arg += "=" + webAddress
		}
		options = append(options, arg)
		if i+1 < len(args) && takesValue(flags, arg) {
			i++
			options = append(options, args[i])
		}
	}
	if slices.ContainsFunc(others, isNumber) {
		others = slices.Insert(others, 0, "--") // scale api -2
	}
	return slices.Concat(args[:min(start, len(args))], options, others), rest
}

// commandFirst puts start or run before the options of a run: the library would
// not find them there.
func commandFirst(args []string, app *cli.App) []string {
	for i := 1; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "start" || arg == "run":
			return slices.Concat(args[:1], args[i:i+1], args[1:i], args[i+1:])
		case len(arg) < 2 || arg[0] != '-':
			return args
		case takesValue(app.Flags, arg) && !withoutValue(args[i:]):
			i++
		}
	}
	return args
}

// withoutValue tells a --web that is followed by something else than a port or an
// address: pm2 knows it alone.
func withoutValue(args []string) bool {
	if args[0] != "--web" {
		return false
	}
	return len(args) == 1 || !regexp.MustCompile(`^(\S*:)?\d+$`).MatchString(args[1])
}

// isNumber tells -2 from an option.
func isNumber(arg string) bool {
	_, err := strconv.Atoi(arg)
	return err == nil && arg[0] == '-'
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

// Settings are the options of a run that are not about apps.
type Settings struct {
	Format         logs.Format
	Color          bool
	Level          slog.Level
	Web            string // "" = none
	WebAsked       bool
	Delay          time.Duration
	TerminationLog string
}

// SettingsOf reads them. The lines of a run go to out.
func SettingsOf(c *cli.Context, out *os.File) (Settings, error) {
	s := Settings{Web: c.String("web"), WebAsked: c.IsSet("web"), TerminationLog: c.String("termination-log")}
	for i, flag := range [...]string{"raw", "formatted", "format", "json"} { // of several, the last
		if c.Bool(flag) {
			s.Format = [...]logs.Format{logs.Raw, logs.Tagged, logs.KeyValue, logs.JSON}[i]
		}
	}
	info, err := out.Stat()
	s.Color = err == nil && info.Mode()&os.ModeCharDevice != 0
	if err := s.Level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return s, fmt.Errorf("option --log-level: %w", err)
	}
	if text := c.String("delay"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || seconds < 0 {
			return s, fmt.Errorf("option --delay: %q is not a number of seconds", text)
		}
		s.Delay = time.Duration(seconds * float64(time.Second))
	}
	if _, err := strconv.Atoi(s.Web); err == nil {
		s.Web = ":" + s.Web
	}
	if c.Bool("no-web") {
		s.Web = ""
	}
	return s, nil
}
