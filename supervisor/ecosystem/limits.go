package ecosystem

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/supervisor/spec"
)

// limitsVar is a mapping of resources, each with its limit.
func limitsVar(limits *[]spec.Limit) Type {
	return Type{object: func() object { return object{keys: limitKeys(limits), example: "{nofile: 65536}"} }}
}

func limitKeys(limits *[]spec.Limit) []Key {
	row := func(name string, resource int, parse func(string) (int64, error), doc string) Key {
		return Key{Name: name, Doc: doc, Type: Type{object: func() object {
			return limitObject(parse, func(soft, hard uint64) {
				*limits = append(*limits, spec.Limit{Name: name, Resource: resource, Soft: soft, Hard: hard})
			})
		}}}
	}
	return []Key{
		row("as", unix.RLIMIT_AS, parseSize, "Address space."),
		row("core", unix.RLIMIT_CORE, parseSize, "Core file."),
		row("cpu", unix.RLIMIT_CPU, parseInteger, "CPU time, in seconds."),
		row("data", unix.RLIMIT_DATA, parseSize, "Data segment."),
		row("fsize", unix.RLIMIT_FSIZE, parseSize, "Each file that it writes."),
		row("locks", unix.RLIMIT_LOCKS, parseInteger, "File locks; Linux no longer enforces it."),
		row("memlock", unix.RLIMIT_MEMLOCK, parseSize, "Memory locked into RAM."),
		row("msgqueue", unix.RLIMIT_MSGQUEUE, parseSize, "POSIX message queues of the user."),
		row("nice", unix.RLIMIT_NICE, parseInteger, "Ceiling for nice, as 20 minus the nice value."),
		row("nofile", unix.RLIMIT_NOFILE, parseInteger, "Open files."),
		row("nproc", unix.RLIMIT_NPROC, parseInteger, "Processes and threads of the user."),
		row("rss", unix.RLIMIT_RSS, parseSize, "Resident memory; Linux no longer enforces it."),
		row("rtprio", unix.RLIMIT_RTPRIO, parseInteger, "Real-time priority."),
		row("rttime", unix.RLIMIT_RTTIME, parseInteger, "CPU time under real-time scheduling without a blocking call, in microseconds."),
		row("sigpending", unix.RLIMIT_SIGPENDING, parseInteger, "Queued signals of the user."),
		row("stack", unix.RLIMIT_STACK, parseSize, "Stack."),
	}
}

var errLimit = errors.New("is not a limit; write a number, unlimited, soft:hard or {soft: …, hard: …}")

// limitObject is one limit: a mapping, one number for both bounds, or soft:hard.
func limitObject(parse func(string) (int64, error), add func(soft, hard uint64)) object {
	var soft, hard *uint64
	bound := func(s setting, r *report) *uint64 {
		n := scalarOf(errLimit, func(words string) (uint64, error) { return parseBound(words, parse) })(s, r)
		return &n
	}
	pair := func(in scope, s setting) {
		first, second, two := strings.Cut(s.value.text, ":")
		if !two {
			second = first
		}
		soft = bound(s.item(scalar(text, s.value.at, first)), in.report)
		hard = bound(s.item(scalar(text, s.value.at, second)), in.report)
	}
	form := shape{"type": []string{"integer", "string"}}
	return object{
		name: "limit", example: "65536, unlimited, soft:hard or {soft: …, hard: …}",
		text: Type{set: pair, forms: []any{form}},
		keys: []Key{
			{Name: "soft", Type: typeOf(bound, &soft, form), Doc: "What the kernel enforces; as hard by default."},
			{Name: "hard", Type: typeOf(bound, &hard, form), Doc: "How far the worker may raise soft; as soft by default."},
		},
		done: func(in scope, s setting) {
			soft, hard = cmp.Or(soft, hard), cmp.Or(hard, soft)
			switch {
			case soft == nil:
				s.wrong(in.report, "%s %v", s.value.describe(), errLimit)
			case *soft > *hard:
				s.wrong(in.report, "the soft limit is above the hard limit")
			default:
				add(*soft, *hard)
			}
		},
	}
}

func parseBound(words string, parse func(string) (int64, error)) (uint64, error) {
	words = strings.ToLower(strings.TrimSpace(words))
	if slices.Contains([]string{"unlimited", "infinity", "-1"}, words) {
		return unix.RLIM_INFINITY, nil
	}
	n, err := parse(words)
	if err != nil || n < 0 {
		return 0, errLimit
	}
	return uint64(n), nil
}
