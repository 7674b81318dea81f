package trigger

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// rules decide what a Watch ignores.
type rules struct {
	dir  string
	list []rule
}

// rule is one entry of Ignore, or one alternative of its braces. It covers what it
// matches and all below.
type rule struct {
	scope scope
	glob  string
}

// scope is what a rule's glob is held against.
type scope int

const (
	// anywhere matches one name below a watched path.
	anywhere scope = iota
	// relative matches paths from Dir or a watched path.
	relative
	// absolute matches whole paths.
	absolute
	// dotFile matches one name that begins with a dot, without a glob.
	dotFile
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

// regexpSigns give away a regular expression or an extended glob, which would
// otherwise quietly match nothing.
var regexpSigns = [...]string{"|", `\/`, `\\`, `\d`, `\w`, `\s`, `.*\.`, ".+", "!(", "+(", "?(", "*(", "@("}

// kubernetesLink is what a ConfigMap volume swaps to publish new files. It
// looks like a dot-file and must count.
const kubernetesLink = "..data"

func newRules(w Watch) (rules, error) {
	var r rules
	if w.Dir != "" {
		r.dir = filepath.Clean(w.Dir)
	}
	if len(w.Ignore) == 0 {
		r.list = []rule{{scope: dotFile}, {scope: anywhere, glob: "node_modules"}}
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

// ignore reports whether changes at p are ignored.
func (r rules) ignore(p location) bool {
	fromRoot, inside := below(p.root, p.path)
	if !inside || fromRoot == "" {
		return false
	}
	fromDir, inside := below(r.dir, p.path)
	if !inside {
		fromDir = ""
	}
	return slices.ContainsFunc(r.list, func(rule rule) bool { return rule.covers(p.path, fromRoot, fromDir) })
}

func (r rule) covers(whole, fromRoot, fromDir string) bool {
	switch r.scope {
	case anywhere:
		return slices.ContainsFunc(strings.Split(fromRoot, "/"), r.matches)
	case relative:
		return r.matches(fromRoot) || fromDir != "" && r.matches(fromDir)
	case absolute:
		return r.matches(whole)
	case dotFile:
		return slices.ContainsFunc(strings.Split(fromRoot, "/"), func(name string) bool {
			return strings.HasPrefix(name, ".") && name != kubernetesLink
		})
	}
	return false
}

// matches reports whether the glob matches name, or a directory that name is below.
func (r rule) matches(name string) bool {
	return doublestar.MatchUnvalidated(r.glob, name) || doublestar.MatchUnvalidated(r.glob+"/**", name)
}

func (r rules) parse(entry string) ([]rule, error) {
	if dotFiles[entry] {
		return []rule{{scope: dotFile}}, nil
	}
	if err := refuseRegexp(entry); err != nil {
		return nil, err
	}
	globs, err := alternatives(entry)
	if err != nil {
		return nil, err
	}
	var list []rule
	for _, glob := range globs {
		rule, err := r.compile(glob)
		if err != nil {
			return nil, err
		}
		list = append(list, rule)
	}
	return list, nil
}

func refuseRegexp(entry string) error {
	if strings.HasPrefix(entry, "!") {
		return errors.New(`exceptions are not supported: name in "watch" what is to be watched`)
	}
	found := strings.HasPrefix(entry, "^") || strings.HasSuffix(entry, "$")
	for _, sign := range regexpSigns {
		found = found || strings.Contains(entry, sign)
	}
	if found {
		return errors.New(`regular expressions and extended globs are not supported: write a name or a glob, such as "logs", "*.log" or "**/tmp/*.json"`)
	}
	return nil
}

// maxAlternatives bounds what the braces of one entry multiply to.
const maxAlternatives = 256

// alternatives writes the braces of a glob out: each alternative is a name or a
// path of its own, see scope.
func alternatives(glob string) ([]string, error) {
	start := strings.LastIndexByte(glob, '{') // the innermost: none begins behind it
	length := strings.IndexByte(glob[start+1:], '}')
	if start < 0 && length < 0 {
		return []string{glob}, nil
	}
	if start < 0 || length < 0 || !strings.Contains(glob[start:start+length], ",") {
		return nil, errors.New(`bad braces: write "*.{log,tmp}"`)
	}
	var all []string
	for alternative := range strings.SplitSeq(glob[start+1:start+1+length], ",") {
		globs, err := alternatives(glob[:start] + alternative + glob[start+length+2:])
		if err != nil {
			return nil, err
		}
		if all = append(all, globs...); len(all) > maxAlternatives {
			return nil, errors.New("too many alternatives in braces: write several entries")
		}
	}
	return all, nil
}

// literal returns a glob that matches name alone.
func literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`, `}`, `\}`).Replace(name)
}

// withinSegments keeps the negated classes of glob from matching a slash.
func withinSegments(glob string) string {
	return strings.NewReplacer(`\\`, `\\`, `\[`, `\[`, `[^`, `[^/`, `[!`, `[^/`).Replace(glob)
}

// compile makes a rule of a glob without braces.
func (r rules) compile(glob string) (rule, error) {
	clean := path.Clean(glob)
	upwards := clean == ".." || strings.HasPrefix(clean, "../")
	if glob == "" || clean == "." || clean == "/" || upwards && r.dir == "" {
		return rule{}, errors.New(`names nothing: write a name or a glob, such as "logs" or "*.log"`)
	}
	for segment := range strings.SplitSeq(clean, "/") {
		if !doublestar.ValidatePattern(segment) {
			return rule{}, fmt.Errorf("bad glob %q: close the bracket, or put a backslash before it", segment)
		}
	}
	if upwards {
		clean = path.Join(literal(r.dir), clean)
	}
	one := rule{scope: relative, glob: withinSegments(strings.TrimSuffix(clean, "/**"))}
	switch {
	case path.IsAbs(clean):
		one.scope = absolute
	case !strings.Contains(clean, "/") && !strings.HasPrefix(glob, "./"):
		one.scope = anywhere
	}
	return one, nil
}
