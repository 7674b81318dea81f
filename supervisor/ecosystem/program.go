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

// defaultPath is where commands are looked for when there is no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// language is what runs the files of one extension.
type language struct {
	program string
	before  []string // of its arguments, those before interpreter_args
	after   []string // and those between them and the script
}

// languages lists the programs for an extension, the preferred one first.
// Whether a Node is new enough for TypeScript is not asked here: that would
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

// program finds out what to execute.
func (d *draft) program() {
	s := d.setting("script")
	if !s.given() || s.value.kind == text && strings.TrimSpace(s.value.text) == "" {
		d.report.mistake(d.at, "there is no script; say what to run, as in script: server.js")
		return
	}
	if d.app.Script == "" {
		return // reported where it was read
	}
	args := d.wordsOf("args")
	interpreter := d.setting("interpreter")
	mistakes := len(d.report.mistakes)
	switch name := strings.TrimSpace(d.written("interpreter")); {
	case len(d.report.mistakes) > mistakes:
	case name == "": // also as a variable that is not set gives it
		d.byItself(s, args)
	case name == "none":
		d.app.Interpreter = "none"
		if path, ok := d.file(s); ok {
			d.execute(s, path, args)
		}
	default:
		d.byInterpreter(s, interpreter, args)
	}
	d.checkInterpreterArgs()
}

func (d *draft) wordsOf(key string) []string {
	if s := d.setting(key); s.given() {
		return d.report.words(s)
	}
	return nil
}

// byInterpreter runs the script by the program that the file names.
func (d *draft) byInterpreter(s, interpreter setting, args []string) {
	name := d.report.text(interpreter)
	program, found := d.command(name)
	if !found {
		d.report.wrong(interpreter, "%s is not found%s; install it, or write its path", quote(name), d.searched(name))
	}
	path, ok := d.file(s)
	if !ok || !found {
		return
	}
	lang := language{program: filepath.Base(program)}
	for _, known := range languages[extension(path)] {
		if known.program == lang.program {
			lang = known
		}
	}
	d.interpret(lang, program, path, args)
}

// byItself goes by what the script is: a file of some language, a program, a
// command, or a line for the shell.
func (d *draft) byItself(s setting, args []string) {
	d.app.Interpreter = "none"
	path := absolute(d.app.Dir, d.app.Script)
	if !isFile(path) && strings.ContainsFunc(d.app.Script, unicode.IsSpace) {
		d.shell(s, args)
		return
	}
	path, ok := d.file(s)
	if !ok {
		return
	}
	known := languages[extension(path)]
	if len(known) == 0 || !isFile(absolute(d.app.Dir, d.app.Script)) {
		d.execute(s, path, args)
		return
	}
	if extension(path) == ".sh" {
		if words := readHeader(path).shebang(); len(words) > 0 && words[0] != "env" {
			known = []language{{program: words[0], before: words[1:]}}
		}
	}
	for _, lang := range known {
		if program, ok := d.command(lang.program); ok {
			d.interpret(lang, program, path, args)
			return
		}
	}
	d.report.wrong(s, "%s needs %s, which is not found%s; install it, or set interpreter",
		d.app.Script, known[0].program, d.searched(known[0].program))
}

// interpret puts the command line together.
func (d *draft) interpret(lang language, program, path string, args []string) {
	d.app.Interpreter = filepath.Base(program)
	own := d.wordsOf("interpreter_args")
	argv := append([]string{program}, missing(lang.before, own)...)
	if isNode(d.app.Interpreter) && d.on("source_map_support") && !d.on("disable_source_map_support") {
		argv = append(argv, missing([]string{"--enable-source-maps"}, own)...)
	}
	argv = append(argv, own...)
	argv = append(argv, missing(lang.after, own)...)
	argv = append(argv, path)
	d.app.Argv = append(argv, args...)
}

// missing returns needed, unless the words are given already.
func missing(needed, given []string) []string {
	if len(needed) > 0 && slices.Contains(given, needed[0]) {
		return nil
	}
	return needed
}

// execute runs a file that needs no interpreter of ours.
func (d *draft) execute(s setting, path string, args []string) {
	head := readHeader(path)
	shebang := head.shebang()
	switch {
	case !head.executable:
		d.report.wrong(s, "%s is not executable; run chmod +x on it, or set interpreter", path)
		return
	case head.windows:
		d.report.wrong(s, "the first line of %s ends as on Windows, so its interpreter is not found; save it with Unix line ends", path)
		return
	case len(shebang) > 0:
		if _, ok := d.command(shebang[0]); !ok {
			d.report.wrong(s, "the first line of %s asks for %s, which is not found%s", path, shebang[0], d.searched(shebang[0]))
			return
		}
	case head.plain:
		d.plain(s, path, args)
		return
	}
	d.app.Argv = append([]string{path}, args...)
}

// plain runs a text without a first line that says how: the kernel refuses
// it, and shells run it themselves.
func (d *draft) plain(s setting, path string, args []string) {
	sh, ok := d.sh()
	if !ok {
		d.report.wrong(s, "%s is neither a program nor begins with #!, and there is no shell to run it; set interpreter", path)
		return
	}
	d.app.Interpreter = "sh"
	d.app.Argv = append([]string{sh, path}, args...)
}

// shell runs a line of shell. Arguments become its positional parameters.
func (d *draft) shell(s setting, args []string) {
	sh, ok := d.sh()
	if !ok {
		d.report.wrong(s, "there is no file %s, and no /bin/sh to run it as a line of shell; put the command into script and the rest into args",
			quote(d.app.Script))
		return
	}
	d.app.Interpreter = "sh"
	d.app.Argv = []string{sh, "-c", d.app.Script}
	if len(args) > 0 {
		d.app.Argv = append([]string{sh, "-c", d.app.Script + ` "$@"`, "sh"}, args...)
	}
}

func (d *draft) sh() (string, bool) {
	if isProgram("/bin/sh") {
		return "/bin/sh", true
	}
	return d.command("sh")
}

// file finds the script: relative to the working directory, then on the PATH
// that the worker will have.
func (d *draft) file(s setting) (string, bool) {
	path := absolute(d.app.Dir, d.app.Script)
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return path, true
	}
	if !strings.Contains(d.app.Script, "/") {
		if command, ok := d.command(d.app.Script); ok {
			return command, true
		}
	}
	switch {
	case err == nil:
		d.report.wrong(s, "%s is a directory; name the file in it that is to run", path)
	case errors.Is(err, fs.ErrNotExist):
		d.report.wrong(s, "%s is not found%s%s", quote(d.app.Script), d.searched(d.app.Script), d.elsewhere())
	default:
		d.report.wrong(s, "%s: %s", path, reason(err))
	}
	return "", false
}

// elsewhere gives a hint when the script lies beside the file, and cwd is
// another folder.
func (d *draft) elsewhere() string {
	if d.base != d.app.Dir && isFile(absolute(d.base, d.app.Script)) {
		return "; it is in " + d.base + ", so set cwd: ."
	}
	return ""
}

func (d *draft) searched(name string) string {
	switch {
	case filepath.IsAbs(name):
		return ""
	case strings.Contains(name, "/"):
		return " in " + d.app.Dir
	}
	return " in " + d.app.Dir + " or on PATH (" + d.path() + ")"
}

func (d *draft) path() string {
	if path, ok := d.app.Env.Vars["PATH"]; ok {
		return path
	}
	return defaultPath
}

// command finds a program by its path or on the PATH that the worker will
// have.
func (d *draft) command(name string) (string, bool) {
	if strings.Contains(name, "/") {
		path := absolute(d.app.Dir, name)
		return path, isProgram(path)
	}
	for _, dir := range filepath.SplitList(d.path()) {
		if path := filepath.Join(absolute(d.app.Dir, dir), name); name != "" && isProgram(path) {
			return path, true
		}
	}
	return "", false
}

// checkInterpreterArgs warns of arguments that reach nobody. Those of an
// option may be meant for the other apps.
func (d *draft) checkInterpreterArgs() {
	s := d.setting("interpreter_args")
	if s.given() && s.at.option == "" && d.app.Interpreter == "none" && s.value.truthy() {
		d.report.warn(s.at, "%s has no effect: %s runs without an interpreter", s.name, d.app.Script)
	}
}

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }
