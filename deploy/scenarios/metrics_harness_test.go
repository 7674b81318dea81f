//go:build scenarios

package scenarios_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// prometheus is a real one.
type prometheus struct {
	address string
	at      time.Time // what is asked for; zero: now
}

const prometheusConf = `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - job_name: gorun
    static_configs: [{targets: [%q]}]
`

// startPrometheus has a Prometheus scrape the target once a second.
func startPrometheus(t *testing.T, target string) prometheus {
	t.Helper()
	binary := prometheusTool(t, "prometheus")
	rules, err := filepath.Abs("../prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir, p := t.TempDir(), prometheus{address: freeport.Address(t)}
	conf := filepath.Join(dir, "prometheus.yml")
	writeFile(t, conf, fmt.Sprintf(prometheusConf, rules, target), 0o644)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(binary, "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.address)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(unix.SIGTERM)
		_ = c.Wait()
		_ = log.Close()
		if t.Failed() {
			t.Log(shorten(readText(t, log.Name())))
		}
	})
	eventually(t, "Prometheus is ready", func() bool {
		status, _ := get(t, "http://"+p.address+"/-/ready")
		return status == http.StatusOK
	})
	return p
}

// series is one that a query has found, with its values.
type series struct {
	labels map[string]string
	values []sampled
}

type sampled struct {
	at    time.Time
	value float64
}

// last is the only value of an instant query.
func (s series) last() float64 { return s.values[len(s.values)-1].value }

// query asks for the present result of an expression.
func (p prometheus) query(t *testing.T, expr string) []series {
	t.Helper()
	query := url.Values{"query": {expr}}
	if !p.at.IsZero() {
		query.Set("time", p.at.Format(time.RFC3339Nano))
	}
	answer, err := client.Get("http://" + p.address + "/api/v1/query?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  []any
				Values [][]any
			}
		}
	}
	if err := json.Unmarshal(content, &found); err != nil || found.Status != "success" {
		t.Errorf("%s: %v %s", expr, err, content)
		return nil
	}
	all := make([]series, 0, len(found.Data.Result))
	for _, one := range found.Data.Result {
		s := series{labels: one.Metric}
		if one.Value != nil {
			one.Values = append(one.Values, one.Value)
		}
		for _, pair := range one.Values {
			s.values = append(s.values, asSampled(t, pair))
		}
		all = append(all, s)
	}
	return all
}

// asSampled reads [1700000000.123, "42"].
func asSampled(t *testing.T, pair []any) sampled {
	t.Helper()
	if len(pair) != 2 {
		t.Fatalf("%v is no value", pair)
	}
	at, isTime := pair[0].(float64)
	text, isText := pair[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	if !isTime || !isText || err != nil {
		t.Fatalf("%v is no value: %v", pair, err)
	}
	return sampled{time.UnixMilli(int64(at * 1000)), value}
}

// wantOne fails the test unless the expression has this one value.
func (p prometheus) wantOne(t *testing.T, want float64, expr string) {
	t.Helper()
	found := p.query(t, expr)
	if len(found) != 1 || found[0].last() != want {
		t.Errorf("%s is %v, want %v", expr, found, want)
	}
}

// wantPanels has Prometheus answer every panel's expressions. All but these find
// something in a gorun whose workers are reloaded and killed.
func (p prometheus) wantPanels(t *testing.T) {
	t.Helper()
	panels, _ := dashboard(t)
	known := strings.NewReplacer("$__rate_interval", "30s", "$__range", "1m", "$instance", ".*", "$app", ".*", "$worker", ".*")
	asked := 0
	for _, panel := range panels {
		for _, target := range panel.Targets {
			asked++
			found := p.query(t, known.Replace(target.Expr))
			if len(found) == 0 && !strings.Contains(target.Expr, "gorun_cgroup_") {
				t.Errorf("panel %q finds nothing: %s", panel.Title, target.Expr)
			}
		}
	}
	if t.Logf("%d panels' expressions", asked); asked < 20 {
		t.Errorf("%d expressions", asked)
	}
}

// wantRules looks for what every recording rule recorded, and puts every alert's
// question so that it is answered with yes or no instead of a yes or nothing.
func (p prometheus) wantRules(t *testing.T) {
	t.Helper()
	comparison := compile(`(==|<|>) (\d)`)
	asked := 0
	for _, rule := range compile(`- (record|alert): (\S+)\n +expr: (.+)$`).FindAllStringSubmatch(readText(t, rulesFile), -1) {
		asked++
		name, expr := rule[2], rule[2]
		if rule[1] == "alert" {
			expr = comparison.ReplaceAllString(rule[3], "$1 bool $2")
		}
		if len(p.query(t, expr)) == 0 && !strings.Contains(rule[3], "gorun_cgroup_") {
			t.Errorf("rule %s finds nothing: %s", name, expr)
		}
	}
	if t.Logf("%d rules", asked); asked < 20 {
		t.Errorf("%d rules", asked)
	}
}

func prometheusTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "no "+name+": install Debian's package prometheus")
	}
	return path
}
