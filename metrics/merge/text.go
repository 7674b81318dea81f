package merge

import (
	"bytes"
	"strconv"
	"strings"
)

// format is which of the text formats an answer has.
type format int

const (
	plain format = iota // 0.0.4
	openMetrics
)

// parseText reads what a worker serves. A broken line is counted, and the
// rest is kept.
func parseText(body []byte, f format, b *builder) error {
	if bytes.HasSuffix(bytes.TrimSpace(body), []byte("# EOF")) {
		f = openMetrics // whatever the header says
	}
	p := text{builder: b, format: f}
	for line := range strings.Lines(strings.ToValidUTF8(string(body), "\uFFFD")) {
		line = blanks(strings.TrimRight(line, " \t\r\n"))
		switch {
		case line == "":
		case line[0] == '#':
			p.comment(line[1:])
		default:
			if err := p.sample(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// text reads line by line.
type text struct {
	*builder
	format format
	line   string // what is left of it
	pairs  []label
}

// comment reads HELP and TYPE.
func (p *text) comment(line string) {
	keyword, rest := word(blanks(line))
	if keyword != "HELP" && keyword != "TYPE" {
		return
	}
	name, rest := word(rest)
	switch {
	case !metricName(name):
		p.dropped[Malformed]++
	case keyword == "HELP":
		if _, known := p.helps[name]; !known {
			p.helps[name] = help(rest)
		}
	default:
		p.typed(name, strings.ToLower(strings.TrimSpace(rest)))
	}
}

// typed declares a family as TYPE has it.
func (p *text) typed(name, kindName string) {
	k, known := kinds[kindName]
	base, suffix := name, ""
	switch {
	case kindName == "gaugehistogram" || kindName == "gauge_histogram":
		p.refuse(name, Unsupported)
		return
	case p.format != openMetrics:
	case kindName == "counter":
		base, suffix = strings.TrimSuffix(name, "_total"), "_total"
	case kindName == "info":
		k, known, suffix = gauge, true, "_info"
	case kindName == "stateset":
		k, known = gauge, true
	}
	if old := p.families[base+suffix]; !known || old != nil {
		p.dropped[Malformed]++ // a second TYPE, or one after the samples
		return
	}
	p.declare(base+suffix, k).declared = name
	if p.format == openMetrics {
		p.ignore(base + "_created")
	}
}

// sample reads one.
func (p *text) sample(line string) error {
	p.line, p.pairs = line, p.pairs[:0]
	end := 0
	for end < len(line) && (letter(line[end]) || line[end] == ':' || '0' <= line[end] && line[end] <= '9') {
		end++
	}
	if !metricName(line[:end]) {
		p.dropped[Malformed]++
		return nil
	}
	p.line = blanks(line[end:])
	v, ok := 0.0, p.labelled()
	if ok {
		v, ok = p.value()
	}
	if !ok {
		p.dropped[Malformed]++
		return nil
	}
	return p.add(line[:end], p.pairs, v)
}

// value reads the value. A timestamp or an exemplar after it is dropped.
func (p *text) value() (v float64, ok bool) {
	first, rest := word(p.line)
	v, err := number(first)
	if err != nil {
		return 0, false
	}
	if rest != "" && rest[0] != '#' {
		var at string
		if at, rest = word(rest); !timestamp(at) {
			return 0, false
		}
	}
	return v, rest == "" || rest[0] == '#'
}

// labelled reads the labels, if there are any.
func (p *text) labelled() bool {
	if !strings.HasPrefix(p.line, "{") {
		return true
	}
	p.skip(1)
	for p.line != "" && p.line[0] != '}' {
		if !p.pair() {
			return false
		}
		if strings.HasPrefix(p.line, ",") {
			p.skip(1)
		} else if !strings.HasPrefix(p.line, "}") {
			return false
		}
	}
	if p.line == "" {
		return false
	}
	p.skip(1)
	return true
}

// pair reads one label.
func (p *text) pair() bool {
	equals := strings.IndexByte(p.line, '=')
	if equals < 0 {
		return false
	}
	name := strings.TrimRight(p.line[:equals], " \t")
	p.skip(equals + 1)
	if !strings.HasPrefix(p.line, `"`) {
		return false
	}
	length := quoted(p.line[1:])
	if length < 0 {
		return false
	}
	p.pairs = append(p.pairs, label{name, unescape(p.line[1:1+length], `\"`)})
	p.skip(length + 2)
	return true
}

// skip leaves n bytes behind and the blanks after them.
func (p *text) skip(n int) { p.line = blanks(p.line[n:]) }

// quoted is where the quote ends, or negative.
func quoted(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

// help is a HELP text as it was meant.
func help(s string) string { return strings.TrimSpace(unescape(s, `\"`)) }

// unescape resolves \n and a backslash before one of the specials. Any other
// backslash is one.
func unescape(s, specials string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			out.WriteByte(s[i])
		case s[i+1] == 'n':
			out.WriteByte('\n')
			i++
		case strings.IndexByte(specials, s[i+1]) >= 0:
			out.WriteByte(s[i+1])
			i++
		default:
			out.WriteByte('\\')
		}
	}
	return out.String()
}

// word cuts the first word off.
func word(s string) (first, rest string) {
	for i := range len(s) {
		if s[i] == ' ' || s[i] == '\t' {
			return s[:i], blanks(s[i:])
		}
	}
	return s, ""
}

// blanks cuts those at the start off.
func blanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

// number reads a float as the formats write it, without Go's freedoms.
func number(s string) (float64, error) {
	if strings.ContainsAny(s, "pPxX_") {
		return 0, strconv.ErrSyntax
	}
	v, err := strconv.ParseFloat(s, 64)
	return v + 0, err // +0, for a sum's first -0 too
}

// timestamp is whether this is one: milliseconds, or OpenMetrics' seconds.
func timestamp(s string) bool {
	_, err := number(s)
	return err == nil
}

// metricName is whether every Prometheus takes this as a metric's name.
func metricName(s string) bool {
	for i := range len(s) {
		if !letter(s[i]) && s[i] != ':' && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}

// labelName is whether every Prometheus takes this as a label's name.
func labelName(s string) bool { return metricName(s) && strings.IndexByte(s, ':') < 0 }

func letter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
