package ecosystem

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// defaultPath is searched for programs when there is no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// language is the interpreter for the files of one extension.
type language struct {
	program string
	before  []string // its arguments before interpreter_args
	after   []string // its arguments between interpreter_args and the script
}

// languages lists the interpreters for an extension, the preferred one first.
// The version of Node, which decides about TypeScript, is not checked: that would
// mean to run it.
var languages = map[string][]language{
	".js":  {{program: "node"}},
	".cjs": {{program: "node"}},
	".mjs": {{program: "node"}},
	".ts":  typeScript[:],
	".tsx": typeScript[1:], // node strips types, but knows no JSX
	".mts": typeScript[:],
	".cts": typeScript[:],
	".py":  {{program: "python3"}},
	".rb":  {{program: "ruby"}},
	".php": {{program: "php"}},
	".pl":  {{program: "perl"}},
	".sh":  {{program: "bash"}, {program: "sh"}},
	".go":  {{program: "go", before: []string{"run"}}},
	".jar": {{program: "java", after: []string{"-jar"}}},
}

var typeScript = [...]language{{program: "node"}, {program: "bun"}, {program: "deno", before: []string{"run", "-A"}}, {program: "tsx"}}

// chooseProgram decides which program runs the script.
func (b *builder) chooseProgram() {
	s := b.setting("script")
	if !s.given() || s.value.kind == text && strings.TrimSpace(s.value.text) == "" {
		b.report.mistake(b.at, "no script; set the program to run, as in script: server.js")
		return
	}
	if b.app.Script == "" {
		return // reported where it was read
	}
	args := b.wordsOf("args")
	interpreter := b.setting("interpreter")
	mistakes := len(b.report.mistakes)
	switch name := strings.TrimSpace(b.textOf("interpreter")); {
	case len(b.report.mistakes) > mistakes:
	case name == "": // an unset variable in JavaScript also gives it
		b.detectProgram(s, args)
	case name == "none":
		b.app.Interpreter = "none"
		if path, ok := b.findScript(s); ok {
			b.execute(s, path, args)
		}
	default:
		b.runByInterpreter(s, interpreter, args)
	}
	b.checkInterpreterArgs()
}

func (b *builder) wordsOf(key string) []string {
	if s := b.setting(key); s.given() {
		return s.words(b.report)
	}
	return nil
}

// runByInterpreter runs the script with the interpreter of the file.
func (b *builder) runByInterpreter(s, interpreter setting, args []string) {
	name := interpreter.text(b.report)
	program, found := b.findProgram(name)
	if !found {
		interpreter.wrong(b.report, "%s is not found%s; install it, or write its path", quote(name), b.searchedIn(name))
	}
	path, ok := b.findScript(s)
	if !ok || !found {
		return
	}
	lang := language{program: filepath.Base(program)}
	for _, known := range languages[extension(path)] {
		if known.program == lang.program {
			lang = known
		}
	}
	b.interpretedBy(lang, program, path, args)
}

// detectProgram decides by the script: a file in a known language, a program, a
// command, or a shell command line.
func (b *builder) detectProgram(s setting, args []string) {
	b.app.Interpreter = "none"
	path := absolute(b.app.Dir, b.app.Script)
	if !isFile(path) && strings.ContainsFunc(b.app.Script, unicode.IsSpace) {
		b.executeShellLine(s, args)
		return
	}
	path, ok := b.findScript(s)
	if !ok {
		return
	}
	known := languages[extension(path)]
	if len(known) == 0 || !isFile(absolute(b.app.Dir, b.app.Script)) {
		b.execute(s, path, args)
		return
	}
	if extension(path) == ".sh" {
		if words := readHeader(path).shebang(); len(words) > 0 && words[0] != "env" {
			known = []language{{program: words[0], before: words[1:]}}
		}
	}
	for _, lang := range known {
		if program, ok := b.findProgram(lang.program); ok {
			b.interpretedBy(lang, program, path, args)
			return
		}
	}
	s.wrong(b.report, "%s needs %s, which is not found%s; install it, or set interpreter",
		b.app.Script, known[0].program, b.searchedIn(known[0].program))
}

// interpretedBy makes the command line of a script with an interpreter.
func (b *builder) interpretedBy(lang language, program, path string, args []string) {
	b.app.Interpreter = filepath.Base(program)
	own := b.wordsOf("interpreter_args")
	argv := append([]string{program}, unlessGiven(lang.before, own)...)
	if isNode(b.app.Interpreter) && b.enabled("source_map_support") && !b.enabled("disable_source_map_support") {
		argv = append(argv, unlessGiven([]string{"--enable-source-maps"}, own)...)
	}
	argv = append(argv, own...)
	argv = append(argv, unlessGiven(lang.after, own)...)
	argv = append(argv, path)
	b.app.Argv = append(argv, args...)
}

// unlessGiven returns needed, unless its first word is among the given ones.
func unlessGiven(needed, given []string) []string {
	if len(needed) > 0 && slices.Contains(given, needed[0]) {
		return nil
	}
	return needed
}

// execute runs a file directly, by the kernel.
func (b *builder) execute(s setting, path string, args []string) {
	head := readHeader(path)
	shebang := head.shebang()
	switch {
	case !head.executable:
		s.wrong(b.report, "%s is not executable; run chmod +x on it, or set interpreter", path)
		return
	case head.crlf:
		s.wrong(b.report, "the #! line of %s ends in CR LF, so its interpreter is not found; save the file with Unix line endings", path)
		return
	case len(shebang) > 0:
		if _, ok := b.findProgram(shebang[0]); !ok {
			s.wrong(b.report, "the #! line of %s names %s, which is not found%s", path, shebang[0], b.searchedIn(shebang[0]))
			return
		}
	case head.noShebang:
		b.executeByShell(s, path, args)
		return
	}
	b.app.Argv = append([]string{path}, args...)
}

// executeByShell runs an executable text without #!: the kernel refuses it, and
// shells run it themselves.
func (b *builder) executeByShell(s setting, path string, args []string) {
	sh, ok := b.sh()
	if !ok {
		s.wrong(b.report, "%s is neither a binary nor begins with #!, and there is no shell to run it; set interpreter", path)
		return
	}
	b.app.Interpreter = "sh"
	b.app.Argv = append([]string{sh, path}, args...)
}

// executeShellLine runs a shell command line. Arguments become its positional
// parameters.
func (b *builder) executeShellLine(s setting, args []string) {
	sh, ok := b.sh()
	if !ok {
		s.wrong(b.report, "no file %s, and no /bin/sh to run it as a shell command; put the command into script and the rest into args",
			quote(b.app.Script))
		return
	}
	b.app.Interpreter = "sh"
	b.app.Argv = []string{sh, "-c", b.app.Script}
	if len(args) > 0 {
		b.app.Argv = append([]string{sh, "-c", b.app.Script + ` "$@"`, "sh"}, args...)
	}
}

func (b *builder) sh() (string, bool) {
	if isProgram("/bin/sh") {
		return "/bin/sh", true
	}
	return b.findProgram("sh")
}

// findScript finds the script relative to the working directory, then on the
// worker's PATH.
func (b *builder) findScript(s setting) (string, bool) {
	path := absolute(b.app.Dir, b.app.Script)
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return path, true
	}
	if !strings.Contains(b.app.Script, "/") {
		if command, ok := b.findProgram(b.app.Script); ok {
			return command, true
		}
	}
	switch {
	case err == nil:
		s.wrong(b.report, "%s is a directory; name the file to run", path)
	case errors.Is(err, fs.ErrNotExist):
		s.wrong(b.report, "%s is not found%s%s", quote(b.app.Script), b.searchedIn(b.app.Script), b.cwdHint())
	default:
		s.wrong(b.report, "%s: %s", path, reason(err))
	}
	return "", false
}

// cwdHint suggests cwd when the script lies beside the ecosystem file, outside of
// the working directory.
func (b *builder) cwdHint() string {
	if b.base != b.app.Dir && isFile(absolute(b.base, b.app.Script)) {
		return "; it is in " + b.base + ", so set cwd: ."
	}
	return ""
}

func (b *builder) searchedIn(name string) string {
	switch {
	case filepath.IsAbs(name):
		return ""
	case strings.Contains(name, "/"):
		return " in " + b.app.Dir
	}
	return " in " + b.app.Dir + " or on PATH (" + b.path() + ")"
}

func (b *builder) path() string {
	if path, ok := b.app.Env.Vars["PATH"]; ok {
		return path
	}
	return defaultPath
}

// findProgram finds a program by its path or on the worker's PATH.
func (b *builder) findProgram(name string) (string, bool) {
	if strings.Contains(name, "/") {
		path := absolute(b.app.Dir, name)
		return path, isProgram(path)
	}
	for _, dir := range filepath.SplitList(b.path()) {
		if path := filepath.Join(absolute(b.app.Dir, dir), name); name != "" && isProgram(path) {
			return path, true
		}
	}
	return "", false
}

// checkInterpreterArgs warns of interpreter_args without an interpreter. Those of
// an option may be meant for the other apps.
func (b *builder) checkInterpreterArgs() {
	s := b.setting("interpreter_args")
	if s.given() && s.at.option == "" && b.app.Interpreter == "none" && s.value.truthy() {
		b.report.warn(s.at, "%s has no effect: %s runs without an interpreter", s.name, b.app.Script)
	}
}

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }
