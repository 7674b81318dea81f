package ecosystem

import (
	"fmt"
	"slices"
	"strings"

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

// settings are those of a mapping, by the key's own name; defaults included.
type settings map[string]setting

// text returns the text of a key, "" when it was not given.
func (m settings) text(key string, r *report) string {
	if s := m[key]; s.given() {
		return s.text(r)
	}
	return ""
}

// words returns the words of a key, none when it was not given.
func (m settings) words(key string, r *report) []string {
	if s := m[key]; s.given() {
		return s.words(r)
	}
	return nil
}

// enabled returns the value of a boolean key that has a default.
func (m settings) enabled(key string, r *report) bool {
	s := m[key]
	return s.given() && s.bool(r)
}

// inner returns an entry of a setting that is a mapping.
func (s setting) inner(e entry) setting {
	return setting{name: s.name + "." + e.key, at: e.at, value: e.value}
}

// item returns one value of a setting that is a list.
func (s setting) item(v value) setting {
	return setting{name: s.name, at: s.at, value: v}
}

// wrong reports an invalid value of the setting.
func (s setting) wrong(r *report, format string, args ...any) {
	name := s.name + ": "
	if s.value.at.option != "" {
		name = ""
	}
	r.mistake(s.value.at, "%s%s", name, fmt.Sprintf(format, args...))
}

// scalarOf returns a reader of scalars by one of the parse functions. expected is its
// error for lists and mappings.
func scalarOf[T any](expected error, parse func(string) (T, error)) func(setting, *report) T {
	return func(s setting, r *report) (none T) {
		err := expected
		switch s.value.kind {
		case boolean, number, text:
			var v T
			if v, err = parse(s.value.text); err == nil {
				return v
			}
		case null, list, mapping:
		}
		s.wrong(r, "%s %v", s.value.describe(), err)
		return none
	}
}

func (s setting) bool(r *report) bool { return scalarOf(errBool, parseBool)(s, r) }

func (s setting) between(r *report, low, high int64) int64 {
	before := len(r.mistakes)
	n := scalarOf(errInteger, parseInteger)(s, r)
	if len(r.mistakes) == before && (n < low || n > high) {
		s.wrong(r, "%s is not between %d and %d", s.value.describe(), low, high)
		return 0
	}
	return n
}

// text reads a text or number. A boolean is refused: it is a word that should have
// been quoted in YAML.
func (s setting) text(r *report) string {
	switch v := s.value; v.kind {
	case text, number:
		if strings.ContainsRune(v.text, 0) {
			s.wrong(r, "%s contains a NUL byte", v.describe())
			return ""
		}
		return v.text
	case boolean:
		s.wrong(r, "%s is not text; put it in quotes", v.text)
	case null, list, mapping:
		s.wrong(r, "%s is not text", v.describe())
	}
	return ""
}

// label reads a name: text in one line.
func (s setting) label(r *report) string {
	words := s.text(r)
	if strings.ContainsFunc(words, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		s.wrong(r, "%s contains a control character", quote(words))
	}
	if strings.TrimSpace(words) == "" && (s.value.kind == text || s.value.kind == number) {
		s.wrong(r, "%s is empty", quote(words))
	}
	return words
}

// words reads a list, or a string split as a shell would.
func (s setting) words(r *report) []string {
	if s.value.kind == list {
		return s.texts(r)
	}
	line := s.wordText(r)
	words, err := shellquote.Split(line)
	if err != nil {
		s.wrong(r, "%s has a quote that is not closed; close it, or write a list", quote(line))
	}
	return words
}

// texts reads a list of texts, or one text.
func (s setting) texts(r *report) []string {
	if s.value.kind != list {
		return []string{s.text(r)}
	}
	all := make([]string, len(s.value.list))
	for i, v := range s.value.list {
		all[i] = s.item(v).wordText(r)
	}
	return all
}

// wordText reads an argument: a boolean counts as text.
func (s setting) wordText(r *report) string {
	if s.value.kind == boolean {
		return s.value.text
	}
	return s.text(r)
}

// codes reads one exit code, a list of them, or text such as 0,3.
func (s setting) codes(r *report) []int {
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
		codes = append(codes, int(s.item(v).between(r, 0, 255)))
	}
	return codes
}

// oneOf reads one of a few words and returns its index.
func (s setting) oneOf(r *report, choices ...string) int {
	i := slices.Index(choices, strings.ToLower(s.value.text))
	if i < 0 || s.value.kind == list || s.value.kind == mapping {
		s.wrong(r, "%s is not one of %s%s", s.value.describe(), strings.Join(choices, ", "),
			didYouMean(s.value.text, choices))
		return 0
	}
	return i
}

// entriesOf returns the entries of a mapping.
func (s setting) entriesOf(r *report, example string) []entry {
	if s.value.kind != mapping {
		s.wrong(r, "%s is not a mapping; write %s", s.value.kindOf(), example)
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
