package web

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// age is a duration for people, in its largest unit: 12 s, 3 min, 5 h, 4 d.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(max(d, 0)/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 2*day:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/day)) + " d"
}

// ago is age since a moment, "" if there was none.
func ago(moment, now time.Time) string {
	if moment.IsZero() {
		return ""
	}
	return age(now.Sub(moment))
}

// bytesText is a number of bytes for people, in three digits: 45.3 MiB.
func bytesText(n int64) string {
	const step = 1024
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	value, unit := float64(n), 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/step, unit+1
	}
	if unit == 0 || value >= 99.95 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// percent is a share for people: 0.4 %, 37 %.
func percent(share float64) string {
	if share < 9.95 {
		return fmt.Sprintf("%.1f %%", share)
	}
	return fmt.Sprintf("%.0f %%", share)
}

// shorten cuts a text that would fill the page.
func shorten(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// plural is a number with its noun: 1 app, 2 apps.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
