package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const cpusInTests = 4

// same makes one form of numbers, and keeps the order of keys.
func same(t *testing.T, words string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(words)); err != nil {
		t.Fatalf("%v in %s", err, words)
	}
	return strings.ReplaceAll(b.String(), "1e+21", "1000000000000000000000")
}

func optionsFor(file string) Options {
	return Options{
		Path: file, Dir: filepath.Dir(file), CPUs: cpusInTests, Args: []string{"node", "pm2"},
		Environ: []string{"PATH=/usr/bin:/bin", "HOME=/root", "APP_NAME=shop", "APP_B=2", "APP_A=1", "EMPTY=", "WEB_CONCURRENCY=5"},
	}
}

// copyTestdata gives the packages their name: git ignores node_modules.
func copyTestdata(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(root, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(root, "*", "modules"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if err := os.Rename(folder, filepath.Join(filepath.Dir(folder), "node_modules")); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// write makes a folder with the files given in pairs of name and content, and
// returns the path of the first.
func write(t *testing.T, files ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(root, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, files[0])
}

func TestErrorsNameThePlace(t *testing.T) {
	const name = "ecosystem.config.js"
	for _, test := range []struct {
		name, want string
		files      []string
	}{
		{"exception", "ecosystem.config.js:3:9: ReferenceError: foo is not defined", []string{name, "\n\nlet x = foo;"}},
		{"first line", "ecosystem.config.js:1:9: ReferenceError: foo is not defined", []string{name, "let x = foo;"}},
		{"syntax", "ecosystem.config.js:2:7: SyntaxError: Unexpected token }", []string{name, "module.exports = {\n  a: [};"}},
		{"open bracket", "ecosystem.config.js:1:1: SyntaxError", []string{name, "module.exports = {"}},
		{"thrown text", "ecosystem.config.js:1:1: it threw oops", []string{name, "throw 'oops'"}},
		{"thrown error", "ecosystem.config.js:2:7: Error: no PORT", []string{name, "\nthrow new Error('no PORT')"}},
		{"in a module", "lib.js:2:6: TypeError", []string{name, "require('./lib')", "lib.js", "\nnull.x"}},
		{"syntax in a module", "lib.js:2:11: SyntaxError", []string{name, "require('./lib')", "lib.js", "\nlet let = ;"}},
		{"JSON", "x.json: SyntaxError", []string{name, "require('./x.json')", "x.json", "{"}},
		{"not found", "looked for ", []string{name, "require('./lib')"}},
		{"package not found", "node_modules/nothing", []string{name, "require('nothing')"}},
		{"unknown built in", `the embedded engine has no module "crypto"`, []string{name, "require('crypto')"}},
		{"process", "child_process.execSync is not available", []string{name, "require('child_process').execSync('ls')"}},
		{"writing", "fs.writeFileSync is not available", []string{name, "require('fs').writeFileSync('x', 'y')"}},
		{"exit", "ecosystem.config.js:2:13: it called process.exit(3)", []string{name, "\nprocess.exit(3)"}},
		{"cycle", "exports.apps[0].self refers back to exports.apps[0]", []string{name, "const a = {}; a.self = a; module.exports = {apps: [a]}"}},
		{"big integer", "exports.n is a BigInt", []string{name, "exports.n = 1n"}},
		{"nothing", "it exports nothing", []string{name, "module.exports = undefined"}},
		{"recursion", "Maximum call stack size exceeded", []string{name, "function f() { f() } f()"}},
		{"async generator", "Async generators are not supported", []string{name, "async function* g() {}"}},
		{"promise", "a promise that is never settled", []string{name, "module.exports = new Promise(() => {})"}},
		{"rejection", "ecosystem.config.js:1:33: Error: late", []string{name, "module.exports = Promise.reject(new Error('late'))"}},
		{"ES exception", "ecosystem.config.mjs:2:11: ReferenceError: foo", []string{"ecosystem.config.mjs", "\nconst x = foo; export default x"}},
		{"ES late exception", "ecosystem.config.mjs:2:11: ReferenceError: foo", []string{"ecosystem.config.mjs", "await null\nconst x = foo; export default x"}},
		{"ES syntax", "ecosystem.config.mjs:1:16: SyntaxError", []string{"ecosystem.config.mjs", "export default ]"}},
		{"ES missing", "ecosystem.config.mjs:2:1: Cannot find module './x.mjs'", []string{"ecosystem.config.mjs", "\nimport x from './x.mjs'"}},
		{"ES missing name", "ecosystem.config.mjs", []string{"ecosystem.config.mjs", "import {nope} from 'os'; export default nope"}},
		{"CommonJS in an ES module", "this file is an ES module: rename it to .cjs", []string{name, "module.exports = {}", "package.json", `{"type": "module"}`}},
		{"unhandled rejection", "ecosystem.config.js:1:43: Error: late", []string{name, "module.exports = {}; (async () => { throw new Error('late') })()"}},
		{"for await", "does not support for await", []string{name, "async function f() { for await (const x of []) {} }"}},
		{"ES in .cjs", "ecosystem.config.cjs:1:1: SyntaxError", []string{"ecosystem.config.cjs", "export default {}"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Evaluate(t.Context(), optionsFor(write(t, test.files...)))
			if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Evaluate = %s, %v, want an error with %q", got.Exports, err, test.want)
			}
		})
	}
}

func TestModuleSyntaxInJSWithoutType(t *testing.T) {
	got, err := Evaluate(t.Context(), optionsFor(write(t, "ecosystem.config.js", "import os from 'os'\nexport default {apps: [{name: 'x', n: os.cpus().length}]}")))
	if want := `{"apps":[{"name":"x","n":4}]}`; err != nil || got.Exports != want {
		t.Errorf("Evaluate = %s, %v, want %s", got.Exports, err, want)
	}
}

func TestCaughtRejectionsAreNoErrors(t *testing.T) {
	const source = `
let caught = [];
try { await import('./missing.mjs'); } catch (error) { caught.push(error.message.includes('looked for')); }
await import('./throws.mjs').catch((error) => caught.push(error.message));
await Promise.reject(new Error('no')).catch((error) => caught.push(error.message));
try { await import('./broken.cjs'); } catch (error) { caught.push(typeof error.message); }
export default { caught };`
	file := write(t, "ecosystem.config.mjs", source, "throws.mjs", "throw new Error('thrown')", "broken.cjs", "let let = ;")
	got, err := Evaluate(t.Context(), optionsFor(file))
	if want := `{"caught":[true,"thrown","no","string"]}`; err != nil || got.Exports != want {
		t.Errorf("Evaluate = %s, %v, want %s", got.Exports, err, want)
	}
}

func TestRequireOfAnESModule(t *testing.T) {
	file := write(t, "ecosystem.config.js", "module.exports = {apps: [{name: require('./x.mjs').name}]}", "x.mjs", "import os from 'os'; export const name = 'x' + os.cpus().length")
	got, err := Evaluate(t.Context(), optionsFor(file))
	if want := `{"apps":[{"name":"x4"}]}`; err != nil || got.Exports != want {
		t.Errorf("Evaluate = %s, %v, want %s", got.Exports, err, want)
	}
}

func TestNamedGroups(t *testing.T) {
	const source = `const m = /(a)(?<year>\d{4})-(?<month>\d\d)(z)?/.exec('a2026-11');
module.exports = { all: [...m], groups: m.groups, r: 'a2026-11'.replace(/(?<y>\d+)-(?<m>\d+)/, '$<m>/$<y>'), s: '2-1'.match(/(?<x>\d)/).groups.x }`
	got, err := Evaluate(t.Context(), optionsFor(write(t, "ecosystem.config.js", strings.ReplaceAll(source, "\\\\", "\\"))))
	if want := `{"all":["a2026-11","a","2026","11",null],"groups":{"year":"2026","month":"11"},"r":"a11/2026","s":"2"}`; err != nil || got.Exports != want {
		t.Errorf("Evaluate = %s, %v, want %s", got.Exports, err, want)
	}
}

func TestDotenvConfigImported(t *testing.T) {
	file := write(t, "ecosystem.config.mjs", "import 'dotenv/config'; export default {apps: [{name: process.env.WHO}]}", ".env", "WHO=me\n")
	got, err := Evaluate(t.Context(), optionsFor(file))
	if want := `{"apps":[{"name":"me"}]}`; err != nil || got.Exports != want {
		t.Errorf("Evaluate = %s, %v, want %s", got.Exports, err, want)
	}
}

func TestConsoleGoesToStderr(t *testing.T) {
	var out bytes.Buffer
	o := optionsFor(write(t, "ecosystem.config.js", "console.log('a %d', 1, {b: [2]}); console.error('c'); process.stdout.write('d'); module.exports = {}"))
	o.Stderr = &out
	if _, err := Evaluate(t.Context(), o); err != nil || out.String() != "a 1 { b: [ 2 ] }\nc\nd" {
		t.Errorf("Evaluate wrote %q, %v", out.String(), err)
	}
}

// pm2's apps get what dotenv has added.
func TestTheEnvironmentIsAsTheFileLeftIt(t *testing.T) {
	file := write(t, "ecosystem.config.js", "require('dotenv').config(); delete process.env.EMPTY; process.env.N = 1; module.exports = {}", ".env", "WHO=me\nAPP_B=no\n")
	o := optionsFor(file)
	o.Environ = []string{"APP_B=2", "EMPTY=", "HOME=/root"}
	got, err := Evaluate(t.Context(), o)
	if want := "APP_B=2 HOME=/root WHO=me N=1"; err != nil || strings.Join(got.Environ, " ") != want {
		t.Errorf("Evaluate = %q, %v, want %q", got.Environ, err, want)
	}
}

// TestTextOfEveryScript compares with what Node makes of the same file, where
// there is no Node to ask: see TestEvaluateAgreesWithNode.
func TestTextOfEveryScript(t *testing.T) {
	path, err := filepath.Abs("testdata/unicode/ecosystem.config.js")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Evaluate(t.Context(), optionsFor(path))
	want := `{"apps":[{"name":"a"}],"up":"STRASSE","low":"οδος","compared":-1,"equal":0,"sorted":"_x 10 9 a Ä B e é f z",` +
		`"nfc":"é","nfd":[101,769],"nfkc":"fi","nfkd":"fi","ascii":"ab"}`
	if err != nil || got.Exports != want {
		t.Errorf("Evaluate = %s, %v, want %s", got.Exports, err, want)
	}
}
