package ecosystem

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// jsonReader turns JSON with comments and trailing commas into values. The
// parser keeps byte offsets; lines and columns are counted from them.
type jsonReader struct {
	source []byte
	lines  []int // offset of each line's first byte; nil: positions do not matter
	report *report
}

func readJSON(source []byte, r *report) (value, error) {
	if err := shallow(source); err != nil {
		return value{}, err
	}
	j := jsonReader{source: source, lines: []int{0}, report: r}
	for i, b := range source {
		if b == '\n' {
			j.lines = append(j.lines, i+1)
		}
	}
	return j.read()
}

func (j jsonReader) read() (value, error) {
	parsed, err := hujson.Parse(bytes.Clone(j.source))
	if err != nil {
		return value{}, jsonFault(err)
	}
	return j.convert(parsed), nil
}

func (j jsonReader) convert(v hujson.Value) value {
	at := j.position(v.StartOffset)
	switch v := v.Value.(type) {
	case hujson.Literal:
		return literal(v, at)
	case *hujson.Array:
		items := make([]value, len(v.Elements))
		for i, element := range v.Elements {
			items[i] = j.convert(element)
		}
		return listOf(at, items)
	case *hujson.Object:
		return j.object(v, at)
	}
	return value{at: at}
}

func (j jsonReader) object(o *hujson.Object, at position) value {
	entries := make([]entry, 0, len(o.Members))
	for _, member := range o.Members {
		e := entry{at: j.position(member.Name.StartOffset), value: j.convert(member.Value)}
		if name, ok := member.Name.Value.(hujson.Literal); ok {
			e.key = name.String()
		}
		entries = append(entries, e)
	}
	return mappingOf(at, dropDuplicates(entries, j.report))
}

func literal(v hujson.Literal, at position) value {
	switch v.Kind() {
	case 't', 'f':
		return scalar(boolean, at, string(v))
	case '0':
		return scalar(number, at, string(v))
	case '"':
		return scalar(text, at, v.String())
	}
	return scalar(null, at, "")
}

// position counts columns in characters, as editors show them.
func (j jsonReader) position(offset int) position {
	if len(j.lines) == 0 {
		return position{}
	}
	line, _ := slices.BinarySearch(j.lines, offset+1) // the first that begins behind it
	start := j.lines[line-1]
	return position{line: line, column: 1 + utf8.RuneCount(j.source[start:offset])}
}

// jsonFault parses the position out of the parser's message: the parser reports
// it nowhere else.
func jsonFault(err error) error {
	message := err.Error()
	found := regexp.MustCompile(`line (\d+), column (\d+): (?s:(.*))$`).FindStringSubmatch(message)
	if found == nil {
		return faultAt(position{}, "not valid JSON: %s", message)
	}
	line, _ := strconv.Atoi(found[1])
	column, _ := strconv.Atoi(found[2])
	return faultAt(position{line: line, column: column}, "not valid JSON: %s", found[3])
}

// shallow limits the nesting of brackets, and so the stack of the recursive
// parser. Brackets in strings and comments do not count.
func shallow(source []byte) error {
	depth := 0
	for i := 0; i < len(source); i++ {
		switch source[i] {
		case '"':
			i = endOfString(source, i)
		case '/':
			i = endOfComment(source, i)
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth > maxDepth {
			line := 1 + bytes.Count(source[:i], []byte("\n"))
			return faultAt(position{line: line, column: 1}, "nested more than %d deep", maxDepth)
		}
	}
	return nil
}

func endOfString(source []byte, start int) int {
	for i := start + 1; i < len(source); i++ {
		switch source[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(source)
}

func endOfComment(source []byte, start int) int {
	var end int
	rest := source[start:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		end = bytes.IndexByte(rest, '\n')
	case bytes.HasPrefix(rest, []byte("/*")):
		if end = bytes.Index(rest[2:], []byte("*/")); end >= 0 {
			end += 3
		}
	default:
		return start
	}
	if end < 0 {
		return len(source)
	}
	return start + end
}
