package trigger

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// rules decide what a Watch overlooks.
type rules struct {
	dir  string
	list []rule
}

// rule is one entry of Ignore. It covers what it matches and all below.
type rule struct {
	reach   reach
	pattern []string // one glob per path segment, or "**"
}

// reach is what a rule's pattern is held against.
type reach int

const (
	// anywhere matches one segment below a watched path.
	anywhere reach = iota
	// relative matches paths from Dir or a watched path.
	relative
	// absolute matches whole paths.
	absolute
	// dotted matches dot-files below a watched path, without a pattern.
	dotted
)

// dotFiles are the spellings of pm2's expression for dot-files, as a parser of
// JSON, JavaScript or YAML leaves them.
var dotFiles = map[string]bool{
	`[\/\\]\./`:     true,
	`[\/\\]\.`:      true,
	`[/\\]\./`:      true,
	`[/\\]\.`:       true,
	`[\\/\\\\]\\./`: true,
	`[\\/\\\\]\\.`:  true,
}

// exoticSigns give away a regular expression or an extended glob, which would
// otherwise quietly match nothing.
var exoticSigns = [...]string{"|", `\/`, `\\`, `\d`, `\w`, `\s`, `.*\.`, ".+", "!(", "+(", "?(", "*(", "@("}

// kubernetesLink is what a ConfigMap volume swaps to publish new files. It
// looks like a dot-file and must count.
const kubernetesLink = "..data"

func newRules(w Watch) (rules, error) {
	var r rules
	if w.Dir != "" {
		r.dir = filepath.Clean(w.Dir)
	}
	if len(w.Ignore) == 0 {
		r.list = []rule{{reach: dotted}, {reach: anywhere, pattern: []string{"node_modules"}}}
		return r, nil
	}
	var problems []error
	for _, entry := range w.Ignore {
		list, err := r.parse(entry)
		if err != nil {
			problems = append(problems, fmt.Errorf("ignore_watch %q: %w", entry, err))
		}
		r.list = append(r.list, list...)
	}
	return r, errors.Join(problems...)
}

// ignore tells whether changes of p are overlooked.
func (r rules) ignore(p place) bool {
	rel, inside := below(p.root, p.path)
	if !inside || rel == "" {
		return false
	}
	fromRoot := strings.Split(rel, "/")
	var fromDir []string
	if rel, inside := below(r.dir, p.path); inside && rel != "" {
		fromDir = strings.Split(rel, "/")
	}
	for _, rule := range r.list {
		if rule.covers(p.path, fromRoot, fromDir) {
			return true
		}
	}
	return false
}

func (r rule) covers(whole string, fromRoot, fromDir []string) bool {
	switch r.reach {
	case anywhere:
		for i := range fromRoot {
			if match(r.pattern, fromRoot[i:]) {
				return true
			}
		}
		return false
	case relative:
		return match(r.pattern, fromRoot) || len(fromDir) > 0 && match(r.pattern, fromDir)
	case absolute:
		return match(r.pattern, strings.Split(whole[1:], "/"))
	case dotted:
		for _, name := range fromRoot {
			if strings.HasPrefix(name, ".") && name != kubernetesLink {
				return true
			}
		}
		return false
	}
	return false
}

// match tells whether pattern covers the beginning of names.
func match(pattern, names []string) bool {
	p, n := 0, 0
	star, held := -1, 0 // the last ** and where it was met
	for p < len(pattern) {
		switch {
		case pattern[p] == "**":
			star, held = p, n
			p++
		case n < len(names) && matchName(pattern[p], names[n]):
			p, n = p+1, n+1
		case star >= 0 && held < len(names):
			held++
			p, n = star+1, held
		default:
			return false
		}
	}
	return true
}

func matchName(pattern, name string) bool {
	matched, err := path.Match(pattern, name)
	return matched && err == nil // parse has refused bad patterns
}

func (r rules) parse(entry string) ([]rule, error) {
	if dotFiles[entry] {
		return []rule{{reach: dotted}}, nil
	}
	if err := refuseExotic(entry); err != nil {
		return nil, err
	}
	variants, err := expand(entry)
	if err != nil {
		return nil, err
	}
	var list []rule
	for _, variant := range variants {
		rule, err := r.compile(variant)
		if err != nil {
			return nil, err
		}
		list = append(list, rule)
	}
	return list, nil
}

func refuseExotic(entry string) error {
	if strings.HasPrefix(entry, "!") {
		return errors.New(`exceptions are not supported: name in "watch" what is to be watched`)
	}
	exotic := strings.HasPrefix(entry, "^") || strings.HasSuffix(entry, "$")
	for _, sign := range exoticSigns {
		exotic = exotic || strings.Contains(entry, sign)
	}
	if exotic {
		return errors.New(`regular expressions and extended globs are not supported: write a name or a glob, such as "logs", "*.log" or "**/tmp/*.json"`)
	}
	return nil
}

// compile makes a rule of an entry without braces.
func (r rules) compile(glob string) (rule, error) {
	clean := path.Clean(glob)
	upwards := clean == ".." || strings.HasPrefix(clean, "../")
	if glob == "" || clean == "." || clean == "/" || upwards && r.dir == "" {
		return rule{}, errors.New(`names nothing: write a name or a glob, such as "logs" or "*.log"`)
	}
	if upwards {
		clean = filepath.Join(r.dir, clean)
	}
	reach := relative
	switch {
	case path.IsAbs(clean):
		reach = absolute
	case !strings.Contains(clean, "/") && !strings.HasPrefix(glob, "./"):
		reach = anywhere
	}
	pattern := strings.Split(strings.TrimPrefix(clean, "/"), "/")
	for _, segment := range pattern {
		if _, err := path.Match(segment, ""); err != nil {
			return rule{}, fmt.Errorf("bad glob %q: close the bracket, or put a backslash before it", segment)
		}
	}
	return rule{reach: reach, pattern: pattern}, nil
}
