// Package trigger watches for reasons to restart an app: the clock and the app's
// files. It says when and why; the restart itself is the caller's.
//
// Schedule.Run and Watch.Run keep their caller's goroutine until their context ends,
// and call fire on it: nothing is missed while fire runs, and what happens meanwhile
// is one more call. A Watch has goroutines of its own for inotify(7) or polling, which
// end with Run. Memory is no trigger of this package: the app checks it.
package trigger

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // A FROM scratch image has no zoneinfo of its own.

	"github.com/robfig/cron/v3"
)

// Schedule says when an app is restarted: cron_restart. The zero value never does.
//
// Times are those of the wall clock in the schedule's zone. A time that the
// change to summer time skips comes as much later as the clock jumped (02:30
// is 03:30 that day); a time that occurs twice in autumn counts the first time.
type Schedule struct {
	zone *time.Location
	// spec is kept in UTC and asked about wall clocks: on days when a zone has
	// no midnight its own arithmetic skips a day.
	spec *cron.SpecSchedule
}

// shorthands are the names that stand for five fields.
var shorthands = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

// fields are the six fields of a schedule, in order.
var fields = [...]struct {
	name, write string
	option      cron.ParseOption
}{
	{"second", "0-59", cron.Second},
	{"minute", "0-59", cron.Minute},
	{"hour", "0-23", cron.Hour},
	{"day of month", "1-31", cron.Dom},
	{"month", "1-12 or jan-dec", cron.Month},
	{"day of week", "0-7 or sun-sat", cron.Dow},
}

// ParseSchedule reads 5 fields, or 6 with the seconds first, or a name such as
// @daily, after an optional CRON_TZ=Zone. Without one the zone is time.Local.
func ParseSchedule(text string) (Schedule, error) {
	text = strings.TrimSpace(text)
	zone, rest, err := cutZone(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", text, err)
	}
	spec, err := parseFields(rest)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", text, err)
	}
	return Schedule{zone: zone, spec: spec}, nil
}

// Next is when a schedule, as it is written, comes next after a time; zero: never.
func Next(text string, after time.Time) time.Time {
	schedule, err := ParseSchedule(text)
	if err != nil {
		return time.Time{}
	}
	return schedule.Next(after)
}

// Next returns the first time after after, in its location; zero means never.
func (s Schedule) Next(after time.Time) time.Time {
	if s.spec == nil {
		return time.Time{}
	}
	wall := wallClock(after.In(s.zone))
	for {
		wall = s.spec.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if at := instant(wall, s.zone); at.After(after) {
			return at.In(after.Location())
		}
	}
}

// wallClock returns what t's clock shows as if it were in UTC.
func wallClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant returns when a clock in zone shows wall.
func instant(wall time.Time, zone *time.Location) time.Time {
	before, after := offset(wall.AddDate(0, 0, -1), zone), offset(wall.AddDate(0, 0, 1), zone)
	for _, off := range [...]time.Duration{before, after} {
		if at := wall.Add(-off).In(zone); wallClock(at).Equal(wall) {
			return at
		}
	}
	return wall.Add(-before).In(zone) // in the gap
}

func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// cutZone takes the zone off the front of a schedule.
func cutZone(text string) (zone *time.Location, rest string, err error) {
	name, found := strings.CutPrefix(text, "CRON_TZ=")
	if !found {
		name, found = strings.CutPrefix(text, "TZ=")
	}
	if !found {
		return time.Local, text, nil
	}
	end := strings.IndexAny(name, " \t")
	if end < 0 {
		return nil, "", errors.New(`only a time zone: write "CRON_TZ=Europe/Berlin 0 3 * * *"`)
	}
	name, rest = name[:end], name[end:]
	zone, err = time.LoadLocation(name)
	if err != nil || name == "" {
		return nil, "", fmt.Errorf("unknown time zone %q: write a name such as Europe/Berlin or UTC", name)
	}
	return zone, rest, nil
}

func parseFields(text string) (*cron.SpecSchedule, error) {
	words := strings.Fields(text)
	if len(words) == 1 && strings.HasPrefix(words[0], "@") || len(words) > 0 && words[0] == "@every" {
		five, known := shorthands[strings.ToLower(words[0])]
		if !known {
			return nil, fmt.Errorf(`%s is not supported: write @daily, @hourly, … or fields such as "*/10 * * * *"`, words[0])
		}
		words = strings.Fields(five)
	}
	switch len(words) {
	case 5:
		words = slices.Insert(words, 0, "0")
	case 6:
	default:
		return nil, fmt.Errorf(`%d fields: write 5 (minute, hour, day of month, month, day of week), such as "0 3 * * *", or 6 with the seconds first`, len(words))
	}
	for i, field := range fields {
		if err := checkField(field.option, words[i]); err != nil {
			return nil, fmt.Errorf("%s %q: %w: write *, or %s as a number, list (1,3), range (1-5) or step (*/2)", field.name, words[i], err, field.write)
		}
	}
	return compile(words)
}

// compile puts checked fields together.
func compile(words []string) (*cron.SpecSchedule, error) {
	words[5] = sundays(words[5])
	all := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := all.Parse(strings.Join(words, " "))
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("unexpected kind of schedule %T", parsed)
	}
	spec.Location = time.UTC
	if leapYear := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); spec.Next(leapYear).IsZero() {
		return nil, fmt.Errorf("day of month %q never comes in month %q: write a day that the month has", words[3], words[4])
	}
	return spec, nil
}

// checkField refuses what the parser refuses in one field, and what it
// silently takes for something else.
func checkField(option cron.ParseOption, word string) error {
	if option == cron.Dow {
		word = sundays(word)
	}
	for part := range strings.SplitSeq(word, ",") {
		if part == "" {
			return errors.New("an empty list entry")
		}
		if strings.ContainsAny(part[:1], "*?") && len(part) > 1 && part[1] != '/' {
			return fmt.Errorf("%q after %q", part[1:], part[:1])
		}
		if strings.Contains(part, "=") { // else the parser takes TZ=… for a zone
			return errors.New("not a number")
		}
	}
	_, err := cron.NewParser(option).Parse(word)
	return err
}

// sundays rewrites days of the week so that 7 is Sunday and a range may end
// with it (5-7, mon-sun), as in every other cron; the parser knows 0-6 only.
func sundays(word string) string {
	parts := strings.Split(strings.ToLower(word), ",")
	for i, part := range parts {
		span, step, stepped := strings.Cut(part, "/")
		low, high, ranged := strings.Cut(span, "-")
		switch {
		case !ranged && low == "7":
			parts[i] = "0"
		case ranged && (high == "7" || high == "sun" && low != "sun" && low != "0"):
			parts[i] = throughSunday(low, step)
			if stepped && step == "" || parts[i] == "" {
				parts[i] = part // for the parser to refuse
			}
		}
	}
	return strings.Join(parts, ",")
}

// throughSunday lists the days from low to Sunday; empty if it cannot.
func throughSunday(low, step string) string {
	first := slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, low)
	if first < 0 {
		number, err := strconv.Atoi(low)
		if err != nil || number < 0 || number > 7 {
			return ""
		}
		first = number
	}
	stride := 1
	if step != "" {
		number, err := strconv.Atoi(step)
		if err != nil || number < 1 || number > 7 {
			return ""
		}
		stride = number
	}
	var days []string
	for day := first; day <= 7; day += stride {
		days = append(days, strconv.Itoa(day%7))
	}
	return strings.Join(days, ",")
}
