package ecosystem

import (
	"encoding/json"
	"fmt"
	"strings"
)

// variables reads a mapping of environment variables. nil unsets one; lists and
// mappings become JSON.
func (s setting) variables(r *report) map[string]*string {
	vars := map[string]*string{}
	for _, e := range s.entriesOf(r, s.name+": {NAME: value}") {
		if e.key == "" || strings.ContainsAny(e.key, "=\x00") {
			r.mistake(e.at, "%s: %s is not a variable name", s.name, quote(e.key))
			continue
		}
		words := variable(e.value)
		if words != nil && strings.ContainsRune(*words, 0) {
			s.inner(e).wrong(r, "contains a NUL byte")
		}
		vars[e.key] = words
	}
	return vars
}

func variable(v value) *string {
	words := v.text
	switch v.kind {
	case null:
		return nil
	case list, mapping:
		words = string(appendJSON(nil, v))
	case boolean, number, text:
	}
	return &words
}

// appendJSON writes a value in the order of the file, as Node's
// JSON.stringify would.
func appendJSON(out []byte, v value) []byte {
	switch v.kind {
	case null:
		return append(out, "null"...)
	case boolean:
		return append(out, v.text...)
	case number:
		return appendNumber(out, v.text)
	case text:
		return appendQuoted(out, v.text)
	case list:
		out = append(out, '[')
		for i, item := range v.list {
			out = appendJSON(separate(out, i), item)
		}
		return append(out, ']')
	case mapping:
		out = append(out, '{')
		for i, e := range v.entries {
			out = append(appendQuoted(separate(out, i), e.key), ':')
			out = appendJSON(out, e.value)
		}
		return append(out, '}')
	}
	return out
}

// appendNumber writes YAML's own forms of numbers in decimal.
func appendNumber(out []byte, words string) []byte {
	if json.Valid([]byte(words)) {
		return append(out, words...)
	}
	if n, err := parseInteger(words); err == nil {
		return fmt.Append(out, n)
	}
	return appendQuoted(out, words)
}

func separate(out []byte, i int) []byte {
	if i == 0 {
		return out
	}
	return append(out, ',')
}

func appendQuoted(out []byte, words string) []byte {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(words); err != nil {
		return append(out, `""`...) // text always encodes
	}
	return append(out, strings.TrimSuffix(b.String(), "\n")...)
}
