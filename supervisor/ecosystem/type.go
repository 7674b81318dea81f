package ecosystem

import (
	"math"
	"time"

	"gorun/supervisor/spec"
)

// Type describes how the value of a key is written and which field it fills. The
// constructors take the field, as those of package flag do. With nil they only
// check the value: a step of the builder reads it.
type Type struct {
	set    setter        // nil: a step of the builder reads the value
	forms  []any         // schemas, any of which a value must match; nil: anything
	object func() object // of a mapping with keys of its own: a new one for each value
}

// setter reads a value and fills a field.
type setter func(in scope, s setting)

// scope is what a value is read against: where its mistakes are reported, and what is
// known of the app so far.
type scope struct {
	report   *report
	app      string // its name
	programs search
	node     bool // node runs its script
	cpus     int  // that this container may use
}

// typeOf makes a type of a reader and the field that it fills.
func typeOf[T any](read func(setting, *report) T, field *T, forms ...any) Type {
	return Type{forms: forms, set: func(in scope, s setting) {
		if v := read(s, in.report); field != nil {
			*field = v
		}
	}}
}

// textVar is words or a number.
func textVar(field *string) Type { return typeOf(setting.text, field, ref("text")) }

// boolVar is true or false.
func boolVar(field *bool) Type { return typeOf(setting.bool, field, ref("boolean")) }

// durationVar is milliseconds, or 500ms, 5s, 10m, 1h.
func durationVar(field *time.Duration) Type {
	return typeOf(scalarOf(errDuration, parseDuration), field, ref("duration"))
}

// sizeVar is bytes, or 300M, 1.5G.
func sizeVar(field *int64) Type {
	return typeOf(scalarOf(errSize, parseSize), field, ref("size"))
}

// wordsVar is a list, or a string split as a shell would.
func wordsVar(field *[]string) Type { return typeOf(setting.words, field, ref("words")) }

// textsVar is a list, or one text.
func textsVar(field *[]string) Type { return typeOf(setting.texts, field, ref("words")) }

// intVar is a whole number, both ends included.
func intVar(field *int, low, high int) Type {
	read := func(s setting, r *report) int { return int(s.between(r, int64(low), int64(high))) }
	return typeOf(read, field, shape{
		"type": []string{"integer", "string"}, "pattern": `^[+-]?[0-9]+$`, "minimum": low, "maximum": high,
	})
}

// countVar is a whole number that is not negative.
func countVar(field *int) Type { return intVar(field, 0, maxCount) }

// portVar is a TCP port.
func portVar(field *int) Type { return intVar(field, 1, maxPort) }

// enumVar is one of a few words: the field is its index.
func enumVar[T ~int](field *T, words ...string) Type {
	read := func(s setting, r *report) T { return T(s.oneOf(r, words...)) }
	return typeOf(read, field, shape{"enum": words})
}

// stdinVar is pipe or null, also as YAML's own null.
func stdinVar(field *spec.Stdin) Type {
	words := []string{"pipe", "null", "/dev/null"}
	read := func(s setting, r *report) spec.Stdin {
		if s.value.kind == null {
			return spec.StdinNull
		}
		return spec.Stdin(min(s.oneOf(r, words...), int(spec.StdinNull)))
	}
	return typeOf(read, field, shape{"enum": words})
}

// commandVar is a command line whose program must exist.
func commandVar(field *[]string) Type {
	return Type{forms: []any{ref("words")}, set: func(in scope, s setting) {
		words := s.words(in.report)
		if len(words) == 0 || words[0] == "" {
			return
		}
		program, found := in.programs.find(words[0])
		if !found {
			s.wrong(in.report, "%s is not found%s; write its path", quote(words[0]), in.programs.places(words[0]))
		}
		*field = append([]string{program}, words[1:]...)
	}}
}

const (
	maxCount = math.MaxInt32
	maxPort  = math.MaxUint16
)
