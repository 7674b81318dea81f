package logs

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateToken finds day.js tokens; the text between them is literal.
const dateToken = `\[([^\]]*)\]|YYYY|YY|M{1,4}|D{1,2}|d{1,4}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|SSS|Z{1,2}|A|a|X|x`

// goLayouts maps a day.js token to its Go layout; the tokens without one are in other.
var goLayouts = map[string]string{
	"YYYY": "2006", "YY": "06",
	"MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1",
	"DD": "02", "D": "2", "dddd": "Monday", "ddd": "Mon",
	"HH": "15", "hh": "03", "h": "3",
	"mm": "04", "m": "4", "ss": "05", "s": "5",
	"A": "PM", "a": "pm", "Z": "-07:00", "ZZ": "-0700",
}

// datePart is a literal or a token.
type datePart struct {
	literal, token string
}

// dateFormat is a compiled day.js format; nil is none.
type dateFormat []datePart

// compileDate never fails: like day.js, it keeps unknown text as it is.
func compileDate(format string) dateFormat {
	var parts dateFormat
	done := 0
	for _, m := range regexp.MustCompile(dateToken).FindAllStringSubmatchIndex(format, -1) {
		if m[0] > done {
			parts = append(parts, datePart{literal: format[done:m[0]]})
		}
		if m[2] >= 0 {
			parts = append(parts, datePart{literal: format[m[2]:m[3]]})
		} else {
			parts = append(parts, datePart{token: format[m[0]:m[1]]})
		}
		done = m[1]
	}
	if done < len(format) {
		parts = append(parts, datePart{literal: format[done:]})
	}
	return parts
}

// stamp is t in this format, or RFC 3339 in UTC without one.
func (f dateFormat) stamp(t time.Time) string {
	if f == nil {
		return t.UTC().Format(timestampLayout)
	}
	return string(f.append(nil, t))
}

func (f dateFormat) append(b []byte, t time.Time) []byte {
	for _, part := range f {
		switch layout, known := goLayouts[part.token]; {
		case part.token == "":
			b = append(b, part.literal...)
		case known:
			b = t.AppendFormat(b, layout)
		default:
			b = append(b, other(part.token, t)...)
		}
	}
	return b
}

// other formats the tokens that Go's layouts do not have.
func other(token string, t time.Time) string {
	switch token {
	case "H":
		return strconv.Itoa(t.Hour())
	case "d":
		return strconv.Itoa(int(t.Weekday()))
	case "dd":
		return t.Weekday().String()[:2]
	case "SSS":
		return strings.TrimPrefix(t.Format(".000"), ".")
	case "X":
		return strconv.FormatInt(t.Unix(), 10)
	case "x":
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return token
}
