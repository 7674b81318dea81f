//go:build scenarios

package scenarios_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const secret = "hush-7f3a"

// town is a site with two apps in two namespaces, one of them with a secret.
func town(t *testing.T) operated {
	t.Helper()
	tool(t, "node")
	s := newSite(t)
	api := s.app().with("env", s.environ("PASSWORD", secret)).with("namespace", "front")
	return operate(t, s, api, service("tick", "sleep").with("namespace", "back"))
}

func TestCommandsTellWhatRuns(t *testing.T) {
	t.Parallel()
	g := town(t)
	workers := g.members(t)
	pid := func(name string) string { return fmt.Sprint(workers[name].Pid) }
	g.tells(t, []string{"list"}, "api", "tick", "front", "back", "online", pid("api/0"), pid("api/1"), pid("tick/0"))
	for _, alias := range []string{"ls", "l", "ps", "status"} {
		g.tells(t, []string{alias}, pid("tick/0"))
	}
	g.tells(t, []string{"show", "api"}, "front", pid("api/0"), pid("api/1"), g.site.address)
	g.tells(t, []string{"describe", "0"}, pid("api/0"))
	g.tells(t, []string{"ping"}, fmt.Sprint(g.pid), g.site.socket)
	g.tells(t, []string{"pid"}, fmt.Sprint(g.pid))
	if got, want := g.ok(t, "pid", "tick"), pid("tick/0")+"\n"; got != want {
		t.Errorf("gorun pid tick prints %q, want %q", got, want)
	}
	g.tells(t, []string{"env", "0"}, "PASSWORD="+secret, "NODE_APP_INSTANCE=0", "PORT=")
	g.tells(t, []string{"health"}, "[+]api ok", "[+]tick ok")
	g.tells(t, []string{"health", "api"}, "[+]api ok")
	g.tells(t, []string{"plan"}, "= api: unchanged", "= tick: unchanged")
	g.tells(t, []string{"events", "--nostream"}, "api/0", "launching → online")
	g.refused(t, []string{"monit"}, "terminal")
	kill(t, workers["tick/0"].Pid)
	eventually(t, "the event of an exit", func() bool {
		return strings.Contains(g.ok(t, "events", "--nostream", "--json"), "SIGKILL")
	})
}

func TestListsAreJSONWithoutSecrets(t *testing.T) {
	t.Parallel()
	g := town(t)
	for _, args := range [][]string{{"list", "--json"}, {"jlist"}} {
		text := g.ok(t, args...)
		var list []map[string]any
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) == 0 {
			t.Errorf("gorun %q: %d entries, %v\n%s", args, len(list), err, text)
		}
		if strings.Contains(text, secret) {
			t.Errorf("gorun %q prints a secret of the environment:\n%s", args, text)
		}
	}
	for _, args := range [][]string{{"list"}, {"show", "all"}, {"events", "--nostream", "--json"}, {"plan"}} {
		if strings.Contains(g.ok(t, args...), secret) {
			t.Errorf("gorun %q prints a secret of the environment", args)
		}
	}
	var workers []struct {
		Name string `json:"name"`
		Pid  int    `json:"pid"`
		ID   int    `json:"pm_id"`
		Env  struct {
			Status string `json:"status"`
			Mode   string `json:"exec_mode"`
		} `json:"pm2_env"`
		Monit map[string]float64 `json:"monit"`
	}
	if err := json.Unmarshal([]byte(g.ok(t, "jlist")), &workers); err != nil || len(workers) != 3 {
		t.Fatalf("gorun jlist: %d workers, %v", len(workers), err)
	}
	if w := workers[1]; w.Name != "api" || w.ID != 1 || w.Env.Status != "online" || w.Env.Mode != "cluster_mode" || w.Monit["memory"] == 0 {
		t.Errorf("gorun jlist says %+v of api/1", w)
	}
}

func TestAnUnknownTargetIsToldWithTheNamesThereAre(t *testing.T) {
	t.Parallel()
	g := town(t)
	for _, verb := range []string{"stop", "start", "restart", "reload", "delete", "reset", "show", "pid", "flush"} {
		g.refused(t, []string{verb, "nobody"}, "nobody", "api", "tick")
	}
	for _, args := range [][]string{
		{"scale", "nobody", "3"},
		{"sendSignal", "USR2", "nobody"},
		{"send", "nobody", "x"},
		{"trigger", "nobody", "gc"},
		{"logs", "nobody", "--nostream"},
		{"env", "nobody"},
	} {
		g.refused(t, args, "nobody", "api", "tick")
	}
	g.refused(t, []string{"stop", "/^zzz/"}, "zzz", "api", "tick")
	if o := g.order(t, "health", "nobody"); o.code != 1 || !containsAll(o.out, []string{"nobody", "api", "tick"}) {
		t.Errorf("gorun health nobody exits with %d and prints %q", o.code, o.out)
	}
	g.wantStates(t, "api/0 online, api/1 online, tick/0 online")
}

func TestWithoutAGorunCommandsTellWhereTheyLooked(t *testing.T) {
	t.Parallel()
	socket := t.TempDir() + "/s"
	for _, args := range [][]string{{"list"}, {"reload", "all"}, {"logs"}, {"ping"}, {"apply"}, {"events"}, {"monit"}} {
		o := commandLine{socket: socket, args: args}.run(t)
		if o.code != 1 || !containsAll(o.err, []string{"no gorun is running here", socket}) {
			t.Errorf("gorun %q exits with %d and says %q", args, o.code, o.err)
		}
	}
}

func TestCompletionScriptsWork(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		o := commandLine{args: []string{"completion", shell}}.run(t)
		if o.code != 0 || !strings.Contains(o.out, "gorun") {
			t.Errorf("gorun completion %s exits with %d and prints %q", shell, o.code, o.out)
		}
		program, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		c := exec.Command(program, "-n")
		c.Stdin = strings.NewReader(o.out)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s refuses the script: %v\n%s", shell, err, out)
		}
	}
	if o := (commandLine{args: []string{"completion", "cmd.exe"}}).run(t); o.code == 0 {
		t.Error("gorun completion cmd.exe exits with 0")
	}
}

// follower is a command that goes on until it is interrupted.
type follower struct {
	command *exec.Cmd
	out     *output
}

func (g operated) follow(t *testing.T, args ...string) follower {
	t.Helper()
	f := follower{exec.Command(gorunBinary, args...), newOutput()}
	f.command.Env = append(os.Environ(), "GORUN_SOCKET="+g.site.socket)
	f.command.Stdout = f.out.pipe(t)
	if err := f.command.Start(); err != nil {
		t.Fatal(err)
	}
	f.out.started()
	t.Cleanup(func() { _ = f.command.Process.Kill() })
	return f
}

// interrupt ends it, which is no failure.
func (f follower) interrupt(t *testing.T) {
	t.Helper()
	if err := f.command.Process.Signal(unix.SIGINT); err != nil {
		t.Error(err)
	}
	if err := f.command.Wait(); err != nil {
		t.Errorf("%q ends with %v", f.command.Args, err)
	}
}

func TestLogsAreKeptAndFollowed(t *testing.T) {
	t.Parallel()
	g := town(t)
	g.tells(t, []string{"logs", "--nostream", "api"}, "listening", "complaining")
	if out := g.ok(t, "logs", "--nostream", "--err", "api"); strings.Contains(out, "listening") || !strings.Contains(out, "complaining") {
		t.Errorf("gorun logs --err prints %q", out)
	}
	if out := g.ok(t, "logs", "--nostream", "--out", "api"); !strings.Contains(out, "listening") || strings.Contains(out, "complaining") {
		t.Errorf("gorun logs --out prints %q", out)
	}
	if out := g.ok(t, "logs", "--nostream", "--lines", "1", "--raw", "api"); strings.Count(out, "\n") != 1 {
		t.Errorf("gorun logs --lines 1 prints %q", out)
	}
	for line := range strings.Lines(g.ok(t, "logs", "--nostream", "--json")) {
		var entry struct {
			App string `json:"app_name"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.App == "" {
			t.Errorf("gorun logs --json prints %q: %v", line, err)
		}
	}
	logs, events := g.follow(t, "logs", "api", "--lines", "0"), g.follow(t, "events")
	eventually(t, "both follow", func() bool {
		g.ok(t, "send", "api/0", "a new line")
		return logs.out.has("a new line")
	})
	g.ok(t, "restart", "tick")
	events.out.next(t, "tick")
	logs.interrupt(t)
	events.interrupt(t)
	g.ok(t, "flush", "api")
	if out := g.ok(t, "logs", "--nostream", "api"); out != "" {
		t.Errorf("gorun logs prints %q after gorun flush", out)
	}
}
