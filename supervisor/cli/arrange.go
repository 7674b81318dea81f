package cli

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange puts options before other arguments, as the library wants them, and
// takes off what follows "--".
func arrange(args []string, app *cli.App) (arranged, rest []string) {
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

// withoutValue reports whether a --web comes without a port or an address: pm2
// takes it so.
func withoutValue(args []string) bool {
	if args[0] != "--web" {
		return false
	}
	return len(args) == 1 || !regexp.MustCompile(`^(\S*:)?\d+$`).MatchString(args[1])
}

// isNumber reports whether an argument is a negative number, such as -2, and no option.
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
