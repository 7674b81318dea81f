//go:build scenarios

package scenarios_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOrdersReachWhomTheySelect(t *testing.T) {
	t.Parallel()
	g := town(t)
	for _, test := range []struct{ target, want string }{
		{"0", "api/0"},
		{"api/1", "api/1"},
		{"api", "api/0 api/1"},
		{"front", "api/0 api/1"},
		{"back", "tick/0"},
		{"/^ap/", "api/0 api/1"},
		{"all", "api/0 api/1 tick/0"},
	} {
		if got := g.changes(t, "restart", test.target); got != test.want {
			t.Errorf("gorun restart %s gives %q another process, want %q", test.target, got, test.want)
		}
	}
	if got := g.changes(t, "reload", "0", "tick"); got != "api/0 tick/0" {
		t.Errorf("gorun reload 0 tick gives %q another process", got)
	}
	if got := g.changes(t, "reload", "api"); got != "api/0 api/1" {
		t.Errorf("gorun reload api gives %q another process", got)
	}
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	g := town(t)
	g.ok(t, "stop", "1")
	g.wantStates(t, "api/0 online, api/1 stopped, tick/0 online")
	wantAll(t, many(50, 8, func(int) reply { return g.site.asker("").ask() }))
	g.ok(t, "start", "api")
	g.wantStates(t, "api/0 online, api/1 online, tick/0 online")
	g.ok(t, "stop", "all")
	g.wantStates(t, "api/0 stopped, api/1 stopped, tick/0 stopped")
	if !g.site.asker("").refused() {
		t.Error("the port of a stopped app does not refuse")
	}
	if left := childrenOf(g.pid); len(left) > 0 || !g.running() {
		t.Errorf("after gorun stop all there are %v; gorun runs: %v", left, g.running())
	}
	g.ok(t, "start", "all")
	g.wantStates(t, "api/0 online, api/1 online, tick/0 online")
	g.site.asker("").mustAsk(t)
	g.ok(t, "delete", "tick")
	g.wantStates(t, "api/0 online, api/1 online")
	g.ok(t, "delete", "all")
	wantCode(t, g.gorun, 0)
}

func TestResetForgetsRestarts(t *testing.T) {
	t.Parallel()
	g := town(t)
	g.ok(t, "restart", "all")
	if n := g.members(t)["tick/0"].Restarts; n != 1 {
		t.Errorf("%d restarts, want 1", n)
	}
	g.ok(t, "reset", "tick")
	workers := g.members(t)
	if workers["tick/0"].Restarts != 0 || workers["api/0"].Restarts != 1 {
		t.Errorf("after gorun reset tick: %v", workers)
	}
}

func TestScale(t *testing.T) {
	t.Parallel()
	g := town(t)
	count := func() int { return len(g.members(t, "api")) }
	g.ok(t, "scale", "api", "max")
	processors := count()
	for _, test := range []struct {
		size string
		want int
	}{{"3", 3}, {"+2", 5}, {"-1", 4}, {"-3", 1}, {"max", processors}, {"2", 2}} {
		g.ok(t, "scale", "api", test.size)
		if got := count(); got != test.want {
			t.Errorf("after gorun scale api %s there are %d workers, want %d", test.size, got, test.want)
		}
	}
	g.refused(t, []string{"scale", "api", "0"}, "stop")
	g.refused(t, []string{"scale", "api", "-2"}, "stop")
	g.refused(t, []string{"scale", "api", "many"}, "many")
	if got := count(); got != 2 {
		t.Errorf("%d workers, want 2", got)
	}
}

// Another order is refused with what is under way; a later reload supersedes the first.
func TestOrdersDuringAReload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := operate(t, s, staticProgram.app(t, s).with("env", s.environ("START", "1000")))
	before := g.members(t)
	first := make(chan outcome, 1)
	go func() { first <- commandLine{socket: s.socket, args: []string{"reload", "api"}}.run(t) }()
	eventually(t, "a replacement is on its way", func() bool { return len(childrenOf(g.pid)) > 2 })
	g.refused(t, []string{"restart", "api"}, "reload", "under way")
	g.refused(t, []string{"scale", "api", "4"}, "reload", "under way")
	g.ok(t, "reload", "api")
	if o := <-first; o.code != 1 || !strings.Contains(o.out+o.err, "superseded") {
		t.Errorf("the first one exits with %d: %s%s", o.code, o.out, o.err)
	}
	if got := changed(before, g.members(t)); got != "api/0 api/1" {
		t.Errorf("%q have another process", got)
	}
}

func TestSignalsMessagesAndActionsReachTheWorkers(t *testing.T) {
	t.Parallel()
	g := town(t)
	g.tells(t, []string{"sendSignal", "SIGUSR2", "api"}, "2 process")
	g.out.nth(t, "^got SIGUSR2$", 2)
	g.tells(t, []string{"send", "api", `{"topic":"cache","data":[1]}`}, "2 worker")
	g.out.nth(t, `^message {"topic":"cache","data":\[1\]}$`, 2)
	g.tells(t, []string{"send", "api/1", "plain words"}, "1 worker")
	g.out.next(t, `^message "plain words"$`)
	g.tells(t, []string{"trigger", "api", "greet"}, `"instance":0,"return":"hello "`, `"instance":1,"return":"hello "`)
	g.tells(t, []string{"trigger", "0", "greet", "Ann"}, `"return":"hello Ann"`)
	g.refused(t, []string{"sendSignal", "SIGNOTHING", "api"}, "SIGNOTHING")
	g.refused(t, []string{"send", "tick", "x"}, "IPC channel")
	g.refused(t, []string{"trigger", "tick", "greet"}, "IPC channel")
}

func TestReloadLogsOpensFilesAnewAndFlushEmptiesThem(t *testing.T) {
	t.Parallel()
	nodeScript.require(t)
	s := newSite(t)
	file := filepath.Join(s.dir, "api.log")
	g := operate(t, s, s.app().with("out_file", file).with("merge_logs", true))
	line := func(text string) func() bool { // of both workers
		return func() bool {
			content, _ := os.ReadFile(file)
			return strings.Count(string(content), text) == 2
		}
	}
	g.ok(t, "send", "api", "first")
	eventually(t, "the first line", line("first"))
	if err := os.Rename(file, file+".old"); err != nil {
		t.Fatal(err)
	}
	g.ok(t, "reloadLogs")
	g.ok(t, "send", "api", "second")
	eventually(t, "the second line", line("second"))
	g.ok(t, "flush", "api")
	if text := readText(t, file); strings.Contains(text, "second") {
		t.Errorf("after gorun flush the file has %q", text)
	}
	g.ok(t, "send", "api", "third")
	eventually(t, "the third line", line("third"))
}

// The issue: at SIGTERM gorun is unready at once, and answers what it has begun.
func TestATermAnswersWhatIsUnderWay(t *testing.T) {
	for _, p := range []program{nodeProgram, staticProgram} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			g := operate(t, s, p.app(t, s).with("kill_timeout", "60s"))
			eventually(t, "/readyz", func() bool { status, _ := g.get(t, "/readyz"); return status == 200 })
			conn := s.asker("4000ms").mustSend(t)
			sent := time.Now()
			g.signal(t, unix.SIGTERM)
			eventually(t, "/readyz answers 503", func() bool { status, _ := g.get(t, "/readyz"); return status == 503 })
			if _, err := s.asker("").receive(conn); err != nil || time.Since(sent) < 3900*time.Millisecond {
				t.Errorf("the slow request ends after %v with %v", time.Since(sent), err)
			}
			wantCode(t, g.gorun, 0)
		})
	}
}
