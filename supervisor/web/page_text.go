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
