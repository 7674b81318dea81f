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
func (b *builder) chooseProgram(programs search) {
	s := b.settings["script"]
	if !s.given() || s.value.kind == text && strings.TrimSpace(s.value.text) == "" {
		b.report.mistake(b.at, "no script; set the program to run, as in script: server.js")
		return
	}
	if b.app.Script == "" {
		return // reported where it was read
	}
	c := command{
		report: b.report, programs: programs, base: b.base, setting: s, script: b.app.Script,
		args: b.settings.words("args", b.report), own: b.settings.words("interpreter_args", b.report),
		sourceMaps: b.settings.enabled("source_map_support", b.report) && !b.settings.enabled("disable_source_map_support", b.report),
	}
	mistakes := len(b.report.mistakes)
	switch name := strings.TrimSpace(b.settings.text("interpreter", b.report)); {
	case len(b.report.mistakes) > mistakes:
	case name == "": // an unset variable in JavaScript also gives it
		c.detectProgram()
	case name == "none":
		c.interpreter = "none"
		if path, ok := c.findScript(); ok {
			c.execute(path)
		}
	default:
		c.runByInterpreter(b.settings["interpreter"])
	}
	b.app.Interpreter, b.app.Argv, b.app.ScriptAt = c.interpreter, c.argv, c.scriptAt
	b.warnOfInterpreterArgs()
}

// warnOfInterpreterArgs warns of interpreter_args without an interpreter. Those of an
// option may be meant for the other apps.
func (b *builder) warnOfInterpreterArgs() {
	s := b.settings["interpreter_args"]
	if s.given() && s.at.option == "" && b.app.Interpreter == "none" && s.value.truthy() {
		b.report.warn(s.at, "%s has no effect: %s runs without an interpreter", s.name, b.app.Script)
	}
}

// command finds the program for a script, and makes its command line.
type command struct {
	report     *report
	programs   search
	base       string  // the ecosystem file's folder, for advice
	setting    setting // the script's, for mistakes
	script     string
	args       []string
	own        []string // interpreter_args
	sourceMaps bool     // where node runs it

	interpreter string // as it is shown; "none" without one
	argv        []string
	scriptAt    int // in argv; 0: there is no interpreter
}

// runByInterpreter runs the script with the interpreter of the file.
func (c *command) runByInterpreter(s setting) {
	name := s.text(c.report)
	program, found := c.programs.find(name)
	if !found {
		s.wrong(c.report, "%s is not found%s; install it, or write its path", quote(name), c.programs.places(name))
	}
	path, ok := c.findScript()
	if !ok || !found {
		return
	}
	lang := language{program: filepath.Base(program)}
	for _, known := range languages[extension(path)] {
		if known.program == lang.program {
			lang = known
		}
	}
	c.interpretedBy(lang, program, path)
}

// detectProgram decides by the script: a file in a known language, a program, a
// command, or a shell command line.
func (c *command) detectProgram() {
	c.interpreter = "none"
	path := absolute(c.programs.dir, c.script)
	if !isFile(path) && strings.ContainsFunc(c.script, unicode.IsSpace) {
		c.executeShellLine()
		return
	}
	path, ok := c.findScript()
	if !ok {
		return
	}
	known := languages[extension(path)]
	if len(known) == 0 || !isFile(absolute(c.programs.dir, c.script)) {
		c.execute(path)
		return
	}
	if extension(path) == ".sh" {
		if words := readHeader(path).shebang(); len(words) > 0 && words[0] != "env" {
			known = []language{{program: words[0], before: words[1:]}}
		}
	}
	for _, lang := range known {
		if program, ok := c.programs.find(lang.program); ok {
			c.interpretedBy(lang, program, path)
			return
		}
	}
	c.setting.wrong(c.report, "%s needs %s, which is not found%s; install it, or set interpreter",
		c.script, known[0].program, c.programs.places(known[0].program))
}

// interpretedBy makes the command line of a script with an interpreter.
func (c *command) interpretedBy(lang language, program, path string) {
	c.interpreter = filepath.Base(program)
	argv := append([]string{program}, unlessGiven(lang.before, c.own)...)
	if isNode(c.interpreter) && c.sourceMaps {
		argv = append(argv, unlessGiven([]string{"--enable-source-maps"}, c.own)...)
	}
	argv = append(argv, c.own...)
	argv = append(argv, unlessGiven(lang.after, c.own)...)
	c.scriptAt = len(argv)
	argv = append(argv, path)
	c.argv = append(argv, c.args...)
}

// unlessGiven returns needed, unless its first word is among the given ones.
func unlessGiven(needed, given []string) []string {
	if len(needed) > 0 && slices.Contains(given, needed[0]) {
		return nil
	}
	return needed
}

// execute runs a file directly, by the kernel.
func (c *command) execute(path string) {
	head := readHeader(path)
	shebang := head.shebang()
	switch {
	case !head.executable:
		c.setting.wrong(c.report, "%s is not executable; run chmod +x on it, or set interpreter", path)
		return
	case head.crlf:
		c.setting.wrong(c.report, "the #! line of %s ends in CR LF, so its interpreter is not found; save the file with Unix line endings", path)
		return
	case len(shebang) > 0:
		if _, ok := c.programs.find(shebang[0]); !ok {
			c.setting.wrong(c.report, "the #! line of %s names %s, which is not found%s", path, shebang[0], c.programs.places(shebang[0]))
			return
		}
	case head.noShebang:
		c.executeByShell(path)
		return
	}
	c.argv = append([]string{path}, c.args...)
}

// executeByShell runs an executable text without #!: the kernel refuses it, and
// shells run it themselves.
func (c *command) executeByShell(path string) {
	sh, ok := c.programs.shell()
	if !ok {
		c.setting.wrong(c.report, "%s is neither a binary nor begins with #!, and there is no shell to run it; set interpreter", path)
		return
	}
	c.interpreter = "sh"
	c.argv = append([]string{sh, path}, c.args...)
}

// executeShellLine runs a shell command line. Arguments become its positional
// parameters.
func (c *command) executeShellLine() {
	sh, ok := c.programs.shell()
	if !ok {
		c.setting.wrong(c.report, "no file %s, and no /bin/sh to run it as a shell command; put the command into script and the rest into args",
			quote(c.script))
		return
	}
	c.interpreter = "sh"
	c.argv = []string{sh, "-c", c.script}
	if len(c.args) > 0 {
		c.argv = append([]string{sh, "-c", c.script + ` "$@"`, "sh"}, c.args...)
	}
}

// findScript finds the script relative to the working directory, then on the
// worker's PATH.
func (c *command) findScript() (string, bool) {
	path := absolute(c.programs.dir, c.script)
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return path, true
	}
	if !strings.Contains(c.script, "/") {
		if command, ok := c.programs.find(c.script); ok {
			return command, true
		}
	}
	switch {
	case err == nil:
		c.setting.wrong(c.report, "%s is a directory; name the file to run", path)
	case errors.Is(err, fs.ErrNotExist):
		c.setting.wrong(c.report, "%s is not found%s%s", quote(c.script), c.programs.places(c.script), c.cwdHint())
	default:
		c.setting.wrong(c.report, "%s: %s", path, reason(err))
	}
	return "", false
}

// cwdHint suggests cwd when the script lies beside the ecosystem file, outside of
// the working directory.
func (c *command) cwdHint() string {
	if c.base != c.programs.dir && isFile(absolute(c.base, c.script)) {
		return "; it is in " + c.base + ", so set cwd: ."
	}
	return ""
}

// search is where a worker finds programs.
type search struct {
	dir  string // its working directory
	path string // its PATH
}

// find finds a program by its path or on PATH.
func (s search) find(name string) (string, bool) {
	if strings.Contains(name, "/") {
		path := absolute(s.dir, name)
		return path, isProgram(path)
	}
	for _, dir := range filepath.SplitList(s.path) {
		if path := filepath.Join(absolute(s.dir, dir), name); name != "" && isProgram(path) {
			return path, true
		}
	}
	return "", false
}

func (s search) shell() (string, bool) {
	if isProgram("/bin/sh") {
		return "/bin/sh", true
	}
	return s.find("sh")
}

// places says where find has looked, for a message.
func (s search) places(name string) string {
	switch {
	case filepath.IsAbs(name):
		return ""
	case strings.Contains(name, "/"):
		return " in " + s.dir
	}
	return " in " + s.dir + " or on PATH (" + s.path + ")"
}

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }
