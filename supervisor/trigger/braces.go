package trigger

import (
	"errors"
	"strings"
)

// maxVariants bounds what the braces of one entry multiply to.
const maxVariants = 256

// expand writes out the braces of a glob: a.{js,ts} is a.js and a.ts.
func expand(glob string) ([]string, error) {
	done, open := []string{}, []string{glob}
	for len(open) > 0 {
		head := open[0]
		open = open[1:]
		variants, err := expandFirst(head)
		switch {
		case err != nil:
			return nil, err
		case variants == nil:
			done = append(done, head)
		default:
			open = append(open, variants...)
		}
		if len(done)+len(open) > maxVariants {
			return nil, errors.New("too many alternatives in braces: write several entries")
		}
	}
	return done, nil
}

// expandFirst writes out the first brace; nil if there is none.
func expandFirst(glob string) ([]string, error) {
	start := strings.IndexAny(glob, "{}")
	if start < 0 {
		return nil, nil
	}
	depth, from := 0, start+1
	var choices []string
	for i := start; i < len(glob); i++ {
		switch glob[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 && i > start && len(choices) > 0 || depth == 1 && glob[i] == ',' {
			choices = append(choices, glob[:start]+glob[from:i])
			from = i + 1
		}
		if depth <= 0 {
			return finish(choices, glob[i+1:])
		}
	}
	return nil, errUnbalanced()
}

func finish(choices []string, tail string) ([]string, error) {
	if len(choices) == 0 {
		return nil, errUnbalanced()
	}
	for i := range choices {
		choices[i] += tail
	}
	return choices, nil
}

func errUnbalanced() error {
	return errors.New(`bad braces: write "*.{log,tmp}"`)
}
