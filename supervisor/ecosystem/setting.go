package ecosystem

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kballard/go-shellquote"

	"gorun/supervisor/spec"
)

// setting is the value of one key, from the file, an option or a default.
type setting struct {
	name      string // as it was written
	at        position
	value     value
	byDefault bool // neither the file nor an option has it
}

func (s setting) given() bool { return s.name != "" }

// inner returns an entry of a setting that is a mapping.
func (s setting) inner(e entry) setting {
	return setting{name: s.name + "." + e.key, at: e.at, value: e.value}
}

// item returns one value of a setting that is a list.
func (s setting) item(v value) setting {
	return setting{name: s.name, at: s.at, value: v}
}

// wrong reports an invalid value of the setting.
func (r *report) wrong(s setting, format string, args ...any) {
	name := s.name + ": "
	if s.value.at.option != "" {
		name = ""
	}
	r.mistake(s.value.at, "%s%s", name, fmt.Sprintf(format, args...))
}

// scalarText returns the text of a scalar, and reports lists and mappings.
func (r *report) scalarText(s setting, expected error) (string, bool) {
	switch s.value.kind {
	case list, mapping, null:
		r.wrong(s, "%s %v", s.value.describe(), expected)
		return "", false
	case boolean, number, text:
	}
	return s.value.text, true
}

// parsed reads a scalar by one of the parse functions.
func parsed[T any](r *report, s setting, expected error, parse func(string) (T, error)) T {
	var none T
	words, ok := r.scalarText(s, expected)
	if !ok {
		return none
	}
	v, err := parse(words)
	if err != nil {
		r.wrong(s, "%s %v", s.value.describe(), err)
		return none
	}
	return v
}

func (r *report) duration(s setting) time.Duration {
	return parsed(r, s, errDuration, parseDuration)
}

func (r *report) size(s setting) int64 { return parsed(r, s, errSize, parseSize) }

func (r *report) bool(s setting) bool { return parsed(r, s, errBool, parseBool) }

func (r *report) integer(s setting) int64 { return parsed(r, s, errInteger, parseInteger) }

func (r *report) between(s setting, low, high int64) int64 {
	before := len(r.mistakes)
	n := r.integer(s)
	if len(r.mistakes) == before && (n < low || n > high) {
		r.wrong(s, "%s is not between %d and %d", s.value.describe(), low, high)
		return 0
	}
	return n
}

// text reads a text or number. A boolean is refused: it is a word that should have
// been quoted in YAML.
func (r *report) text(s setting) string {
	switch v := s.value; v.kind {
	case text, number:
		if strings.ContainsRune(v.text, 0) {
			r.wrong(s, "%s contains a NUL byte", v.describe())
			return ""
		}
		return v.text
	case boolean:
		r.wrong(s, "%s is not text; put it in quotes", v.text)
	case null, list, mapping:
		r.wrong(s, "%s is not text", v.describe())
	}
	return ""
}

// label reads a name: text in one line.
func (r *report) label(s setting) string {
	words := r.text(s)
	if strings.ContainsFunc(words, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.wrong(s, "%s contains a control character", quote(words))
	}
	if strings.TrimSpace(words) == "" && (s.value.kind == text || s.value.kind == number) {
		r.wrong(s, "%s is empty", quote(words))
	}
	return words
}

// words reads a list, or a string split as a shell would.
func (r *report) words(s setting) []string {
	if s.value.kind == list {
		return r.texts(s)
	}
	line := r.wordText(s)
	words, err := shellquote.Split(line)
	if err != nil {
		r.wrong(s, "%s has a quote that is not closed; close it, or write a list", quote(line))
	}
	return words
}

// texts reads a list of texts, or one text.
func (r *report) texts(s setting) []string {
	if s.value.kind != list {
		return []string{r.text(s)}
	}
	all := make([]string, len(s.value.list))
	for i, v := range s.value.list {
		all[i] = r.wordText(s.item(v))
	}
	return all
}

// wordText reads an argument: a boolean counts as text.
func (r *report) wordText(s setting) string {
	if s.value.kind == boolean {
		return s.value.text
	}
	return r.text(s)
}

// codes reads one exit code, a list of them, or text such as 0,3.
func (r *report) codes(s setting) []int {
	items := s.value.list
	if s.value.kind == text {
		for field := range strings.FieldsFuncSeq(s.value.text, func(c rune) bool { return strings.ContainsRune("[], ", c) }) {
			items = append(items, scalar(text, s.value.at, field))
		}
	} else if s.value.kind != list {
		items = []value{s.value}
	}
	codes := make([]int, 0, len(items))
	for _, v := range items {
		codes = append(codes, int(r.between(s.item(v), 0, 255)))
	}
	return codes
}

// oneOf reads one of a few words and returns its index.
func (r *report) oneOf(s setting, choices ...string) int {
	i := slices.Index(choices, strings.ToLower(s.value.text))
	if i < 0 || s.value.kind == list || s.value.kind == mapping {
		r.wrong(s, "%s is not one of %s%s", s.value.describe(), strings.Join(choices, ", "),
			didYouMean(s.value.text, choices))
		return 0
	}
	return i
}

// entriesOf returns the entries of a mapping.
func (r *report) entriesOf(s setting, example string) []entry {
	if s.value.kind != mapping {
		r.wrong(s, "%s is not a mapping; write %s", s.value.kindOf(), example)
	}
	return s.value.entries
}

// didYouMean returns "; did you mean X?" for the known word that was probably
// meant, "" when none is like it.
func didYouMean(word string, known []string) string {
	if near := spec.Nearest(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
