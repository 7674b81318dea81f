package ecosystem

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/supervisor/spec"
)

// resource is one of setrlimit's, and how its values are written.
type resource struct {
	number int
	parse  func(string) (int64, error)
}

var resources = map[string]resource{
	"as":         {unix.RLIMIT_AS, parseSize},
	"core":       {unix.RLIMIT_CORE, parseSize},
	"cpu":        {unix.RLIMIT_CPU, parseInteger},
	"data":       {unix.RLIMIT_DATA, parseSize},
	"fsize":      {unix.RLIMIT_FSIZE, parseSize},
	"locks":      {unix.RLIMIT_LOCKS, parseInteger},
	"memlock":    {unix.RLIMIT_MEMLOCK, parseSize},
	"msgqueue":   {unix.RLIMIT_MSGQUEUE, parseSize},
	"nice":       {unix.RLIMIT_NICE, parseInteger},
	"nofile":     {unix.RLIMIT_NOFILE, parseInteger},
	"nproc":      {unix.RLIMIT_NPROC, parseInteger},
	"rss":        {unix.RLIMIT_RSS, parseSize},
	"rtprio":     {unix.RLIMIT_RTPRIO, parseInteger},
	"rttime":     {unix.RLIMIT_RTTIME, parseInteger},
	"sigpending": {unix.RLIMIT_SIGPENDING, parseInteger},
	"stack":      {unix.RLIMIT_STACK, parseSize},
}

var errLimit = errors.New("is not a limit; write a number, unlimited, soft:hard or {soft: …, hard: …}")

func setLimits(d *draft, s setting) {
	for _, e := range d.report.entriesOf(s, "limits: {nofile: 65536}") {
		kind, ok := resources[strings.ToLower(e.key)]
		if !ok {
			names := slices.Sorted(maps.Keys(resources))
			d.report.mistake(e.at, "limits: there is no limit %s%s", quote(e.key), didYouMean(e.key, names))
			continue
		}
		if e.value.kind == null {
			continue
		}
		limit := spec.Limit{Name: e.key, Resource: kind.number}
		if d.report.limit(&limit, s.inner(e), kind) {
			d.app.Limits = append(d.app.Limits, limit)
		}
	}
}

// limit reads one value into the limit and says whether it is good.
func (r *report) limit(limit *spec.Limit, s setting, kind resource) bool {
	before := len(r.mistakes)
	if s.value.kind == mapping {
		limit.Soft, limit.Hard = r.softAndHard(s, kind)
	} else if words, ok := r.scalarText(s, errLimit); ok {
		soft, hard, two := strings.Cut(words, ":")
		if !two {
			hard = soft
		}
		limit.Soft, limit.Hard = r.bound(s, kind, soft), r.bound(s, kind, hard)
	}
	if len(r.mistakes) == before && limit.Soft > limit.Hard {
		r.wrong(s, "the soft limit is above the hard limit")
	}
	return len(r.mistakes) == before
}

// softAndHard reads {soft, hard}; one alone stands for both.
func (r *report) softAndHard(s setting, kind resource) (soft, hard uint64) {
	words := map[string]string{}
	for _, e := range s.value.entries {
		if e.key != "soft" && e.key != "hard" {
			r.mistake(e.at, "%s: there is only soft and hard, no %s", s.name, quote(e.key))
			return 0, 0
		}
		if text, ok := r.scalarText(s.inner(e), errLimit); ok {
			words[e.key] = text
		}
	}
	if words["soft"] == "" {
		words["soft"] = words["hard"]
	}
	if words["hard"] == "" {
		words["hard"] = words["soft"]
	}
	return r.bound(s, kind, words["soft"]), r.bound(s, kind, words["hard"])
}

func (r *report) bound(s setting, kind resource, words string) uint64 {
	words = strings.ToLower(strings.TrimSpace(words))
	if slices.Contains([]string{"unlimited", "infinity", "-1"}, words) {
		return unix.RLIM_INFINITY
	}
	n, err := kind.parse(words)
	if err != nil || n < 0 {
		r.wrong(s, "%s %v", s.value.describe(), errLimit)
		return 0
	}
	return uint64(n)
}
