package ecosystem

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/tailscale/hujson"
)

func resolved(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	schema := new(jsonschema.Schema)
	if err := json.Unmarshal(Schema(), schema); err != nil {
		t.Fatal(err)
	}
	r, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func validate(t *testing.T, r *jsonschema.Resolved, text string) error {
	t.Helper()
	var instance any
	plain, err := hujson.Standardize([]byte(text))
	if err != nil {
		if plain, err = yaml.YAMLToJSON([]byte(text)); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	if err := json.Unmarshal(plain, &instance); err != nil {
		t.Fatalf("%v in %s", err, plain)
	}
	return r.Validate(instance)
}

func TestSchemaTakesTheExamples(t *testing.T) {
	r, found := resolved(t), 0
	check := func(where, text string) {
		found++
		if err := validate(t, r, text); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	err := filepath.WalkDir("../../deploy", func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err == nil && !entry.IsDir() && (name == "ecosystem.yaml" || name == "ecosystem.json") {
			content, err := os.ReadFile(path)
			check(path, string(content))
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"../../README.md", "../../docs/ecosystem.md", "../../docs/port-sharing.md", "../../docs/metrics.md"} {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
			if strings.HasPrefix(block[1], "apps:") {
				check(page, block[1])
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d examples were found", found)
	}
}

func TestSchemaTellsRightFromWrong(t *testing.T) {
	r := resolved(t)
	for right, texts := range map[bool][]string{
		true: {
			`script: x`,
			`[{script: x, env_prod: {A: 1}}]`,
			`{apps: {api: {exec: x, maxRestarts: "3", killTimeout: 1h30m, max_memory_restart: 1.5G}}}`,
			`{pm2: {apps: [{cmd: x, instances: max, watch: [src], cron: "* * * * *"}]}}`,
			`{apps: [{script: x, health: {http: {path: /, status: 200-399}, startPeriod: 3s}}]}`,
			`{apps: [{script: x, metrics: {path: /m, rules: {jobs: max}}}], x-base: 1}`,
			`{apps: [{script: x, on_exit: [{exec: ./a b}, {webhook: https://x/y, timeout: 3s}]}]}`,
			`{apps: [{script: x, env: null, depends_on: {db: completed}}]}`,
			`{apps: [{script: x, health: /up, metrics: true, log_rotate: true, on_exit: false}]}`,
			`{apps: [{script: x, health: false, metrics: /m, log_rotate: {maxSize: 1M, TZ: UTC}, on_exit: {exec: a, retries: null}}]}`,
			`{apps: [{script: x, limits: {nofile: '1:2', core: {soft: 0}, cpu: 5}, watch_options: {usePolling: true, depth: 3}}]}`,
		},
		false: {
			`{apps: [{script: x, on_exit: {webhok: https://x/y}}]}`,
			`{}`,
			`{apps: []}`,
			`{apps: [{name: x}]}`,
			`{apps: [{script: x, kill_timeot: 1}]}`,
			`{apps: [{script: x, instances: many}]}`,
			`{apps: [{script: x, kill_timeout: soon}]}`,
			`{apps: [{script: x, max_memory_restart: lots}]}`,
			`{apps: [{script: x, autorestart: maybe}]}`,
			`{apps: [{script: x, health: {htp: /}}]}`,
			`{apps: [{script: x, depends_on: {db: soon}}]}`,
			`{apps: [{script: x, metrics: {rules: {jobs: biggest}}}]}`,
			`{apps: [{script: x, env_prod: 3}]}`,
			`{apps: [{script: x, health: true}]}`,
			`{apps: [{script: x, on_exit: true}]}`,
			`{apps: [{script: x, metrics: m}]}`,
			`{apps: [{script: x, limits: {nofiles: 1}}]}`,
			`{apps: [{script: x, limits: {nofile: {softt: 1}}}]}`,
			`{apps: [{script: x, exec_mode: clutser}]}`,
			`{apps: [{script: x, port: 70000}]}`,
		},
	} {
		for _, text := range texts {
			if err := validate(t, r, text); (err == nil) != right {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}
