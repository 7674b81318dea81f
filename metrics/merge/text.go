package merge

import (
	"bytes"
	"strconv"
	"strings"
)

// format is a text format.
type format int

const (
	plain format = iota // 0.0.4
	openMetrics
)

// parseText adds what a worker serves. A malformed line is counted, and the rest
// is kept.
func parseText(body []byte, f format, b *builder) error {
	if bytes.HasSuffix(bytes.TrimSpace(body), []byte("# EOF")) {
		f = openMetrics // whatever the header says
	}
	p := textParser{builder: b, format: f}
	for line := range strings.Lines(strings.ToValidUTF8(string(body), "\uFFFD")) {
		line = trimBlanks(strings.TrimRight(line, " \t\r\n"))
		switch {
		case line == "":
		case line[0] == '#':
			p.readComment(line[1:])
		default:
			if err := p.readSample(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// textParser reads line by line.
type textParser struct {
	*builder
	format format
	line   string  // what is left of it
	pairs  []label // of the line
}

// readComment reads HELP and TYPE.
func (p *textParser) readComment(line string) {
	keyword, rest := cutWord(trimBlanks(line))
	if keyword != "HELP" && keyword != "TYPE" {
		return
	}
	name, rest := cutWord(rest)
	switch {
	case !isMetricName(name):
		p.dropped[Malformed]++
	case keyword == "HELP":
		if _, known := p.helps[name]; !known {
			p.helps[name] = helpText(rest)
		}
	default:
		p.declareType(name, strings.ToLower(strings.TrimSpace(rest)))
	}
}

// declareType declares the family of a TYPE line.
func (p *textParser) declareType(name, kindName string) {
	k, known := kinds[kindName]
	base, suffix := name, ""
	switch {
	case kindName == "gaugehistogram" || kindName == "gauge_histogram":
		p.drop(name, Unsupported)
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

// readSample reads a line that is no comment.
func (p *textParser) readSample(line string) error {
	p.line, p.pairs = line, p.pairs[:0]
	end := 0
	for end < len(line) && (isLetter(line[end]) || line[end] == ':' || '0' <= line[end] && line[end] <= '9') {
		end++
	}
	if !isMetricName(line[:end]) {
		p.dropped[Malformed]++
		return nil
	}
	p.line = trimBlanks(line[end:])
	v, ok := 0.0, p.readLabels()
	if ok {
		v, ok = p.readValue()
	}
	if !ok {
		p.dropped[Malformed]++
		return nil
	}
	return p.add(line[:end], p.pairs, v)
}

// readValue reads the value. A timestamp or an exemplar after it is dropped.
func (p *textParser) readValue() (v float64, ok bool) {
	first, rest := cutWord(p.line)
	v, err := parseNumber(first)
	if err != nil {
		return 0, false
	}
	if rest != "" && rest[0] != '#' {
		var at string
		if at, rest = cutWord(rest); !isTimestamp(at) {
			return 0, false
		}
	}
	return v, rest == "" || rest[0] == '#'
}

// readLabels reads the labels, if there are any.
func (p *textParser) readLabels() bool {
	if !strings.HasPrefix(p.line, "{") {
		return true
	}
	p.skip(1)
	for p.line != "" && p.line[0] != '}' {
		if !p.readLabel() {
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

// readLabel reads one label.
func (p *textParser) readLabel() bool {
	equals := strings.IndexByte(p.line, '=')
	if equals < 0 {
		return false
	}
	name := strings.TrimRight(p.line[:equals], " \t")
	p.skip(equals + 1)
	if !strings.HasPrefix(p.line, `"`) {
		return false
	}
	length := quoteEnd(p.line[1:])
	if length < 0 {
		return false
	}
	p.pairs = append(p.pairs, label{name, unescape(p.line[1:1+length], `\"`)})
	p.skip(length + 2)
	return true
}

// skip goes on behind n bytes and the blanks after them.
func (p *textParser) skip(n int) { p.line = trimBlanks(p.line[n:]) }

// quoteEnd is where the quote ends, or negative.
func quoteEnd(s string) int {
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

// helpText is a HELP text without its escapes.
func helpText(s string) string { return strings.TrimSpace(unescape(s, `\"`)) }

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

// cutWord cuts the first word off.
func cutWord(s string) (first, rest string) {
	for i := range len(s) {
		if s[i] == ' ' || s[i] == '\t' {
			return s[:i], trimBlanks(s[i:])
		}
	}
	return s, ""
}

// trimBlanks cuts off the blanks at the start.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

// parseNumber reads a float as the formats write it. Go's hexadecimal floats and
// underscores are no numbers there.
func parseNumber(s string) (float64, error) {
	if strings.ContainsAny(s, "pPxX_") {
		return 0, strconv.ErrSyntax
	}
	v, err := strconv.ParseFloat(s, 64)
	return v + 0, err // +0, for a sum's first -0 too
}

// isTimestamp is whether the text is milliseconds, or OpenMetrics' seconds.
func isTimestamp(s string) bool {
	_, err := parseNumber(s)
	return err == nil
}

// isMetricName is whether every version of Prometheus accepts the metric's name.
func isMetricName(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && s[i] != ':' && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}

// isLabelName is whether every version of Prometheus accepts the label's name.
func isLabelName(s string) bool { return isMetricName(s) && strings.IndexByte(s, ':') < 0 }

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
