//go:build scenarios

package script

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "record what this machine's node exports")

// evaluateAll is what the tests ask Node for: each file's export as gorun
// takes it, with the CPUs fixed and a stand-in for the dotenv package.
const evaluateAll = `
const os = require('os'), Module = require('module'), fs = require('fs'), url = require('url'), path = require('path');
os.cpus = () => Array.from({ length: 4 }, () => ({}));
Module.syncBuiltinESMExports();
const dotenv = {
  parse: (text) => Object.fromEntries([...String(text).matchAll(/^(?:export )?(\w+)=(.*)$/gm)].map(([, k, v]) => [k, v.replace(/^(['"])(.*)\1$/, '$2')])),
  config: ({ path }) => {
    try { const parsed = dotenv.parse(fs.readFileSync(path)); for (const k in parsed) process.env[k] ??= parsed[k]; return { parsed }; } catch (error) { return { parsed: {}, error }; }
  },
};
const load = Module._load;
Module._load = (name, ...rest) => name === 'dotenv' ? dotenv : load(name, ...rest);
console.log = () => {};
(async () => {
  const file = process.argv[1];
  process.chdir(path.dirname(file));
  const m = await import(url.pathToFileURL(file));
  let v = 'default' in m ? m.default : { ...m };
  if (v && v.default !== undefined && !('apps' in v)) v = v.default;
  if (typeof v === 'function') v = v();
  process.stdout.write(JSON.stringify(await v));
})().catch((error) => { console.error(error); process.exit(1); });
`

// TestEvaluateAgreesWithNode compares with the node of this machine, so that what
// is recorded of another one cannot be behind the times.
func TestEvaluateAgreesWithNode(t *testing.T) {
	node, err := exec.LookPath("node")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("node is required in CI")
	case err != nil:
		t.Skip("node is not installed: nothing to compare with")
	}
	version, err := exec.Command(node, "--version").Output()
	if err != nil {
		t.Skipf("node does not run: %v", err)
	}
	root := copyTestdata(t)
	found := recording{Version: strings.TrimSpace(string(version)), Exports: map[string]json.RawMessage{}}
	for _, file := range ecosystemFiles(t, root) {
		t.Run(nameOf(root, file), func(t *testing.T) {
			command := exec.Command(node, "-e", evaluateAll, file)
			command.Env = optionsFor(file).Environ
			var complaint bytes.Buffer
			command.Stderr = &complaint
			want, err := command.Output()
			if err != nil {
				t.Skipf("this node cannot evaluate it: %s", complaint.String()) // ES modules by require, before Node 22.12
			}
			found.Exports[nameOf(root, file)] = json.RawMessage(strings.ReplaceAll(string(want), root, "$ROOT"))
			wantExport(t, file, found.Version, string(want))
		})
	}
	if *update {
		found.write(t)
	}
}

// write keeps a recording, a line for each file.
func (r recording) write(t *testing.T) {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"Version\": %q, \"Exports\": {", r.Version)
	for i, name := range slices.Sorted(maps.Keys(r.Exports)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n%q: %s", name, r.Exports[name])
	}
	b.WriteString("\n}}\n")
	if err := os.WriteFile(filepath.Join("testdata", recorded), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
