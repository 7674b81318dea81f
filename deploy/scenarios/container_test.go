//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gorun/deploy/scenarios/freeport"
)

// Case 20.
func TestOrphansOfDockerExecAreReaped(t *testing.T) {
	b := startBox(t, nil, "exec", "--", "/worker", "sleep")
	b.await(t, "^ready", 1)
	b.exec(t, "/worker", "spawn-orphans", "50")
	eventually(t, "only the main child of gorun", func() bool {
		children := childrenOf(b.pid)
		return len(children) == 1 && children[0].state != "Z"
	})
	if !b.running(t) {
		t.Error("the container ended")
	}
}

// Case 19 and the facts: under `docker run --init` gorun is not PID 1.
func TestGorunUnderAnotherInitWorksTheSame(t *testing.T) {
	d := requireDocker(t)
	out, err := d.run("run", "--rm", "--init", "--network", "host", image, "exec", "--", "/worker", "daemon", "linger", "crash-after", "100ms", "0")
	if err != nil {
		if strings.Contains(err.Error(), "docker-init") {
			t.Skip("no docker-init on this machine")
		}
		t.Fatal(err)
	}
	if !strings.Contains(out, "started") {
		t.Errorf("the grandchild did not live: %q", out)
	}
}

// Case 35.
func TestMaxInstancesAreTheProcessorsOfTheContainer(t *testing.T) {
	file := ecosystem(t, inBox(job("app", "identity")).with("instances", "max").with("exec_mode", "fork"))
	for _, test := range []struct {
		options []string
		want    int
	}{
		{[]string{"--cpus", "0.5"}, 1},
		{[]string{"--cpus", "1"}, 1},
		{[]string{"--cpus", "1.5"}, 2},
		{[]string{"--cpus", "2"}, 2},
		{[]string{"--cpuset-cpus", "0"}, 1},
	} {
		t.Run(strings.Join(test.options, " "), func(t *testing.T) {
			t.Parallel()
			b := startFile(t, append(test.options, hardened...), file, "--no-web")
			if code := b.wait(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if n := strings.Count(b.logs(), "instance "); n != test.want {
				t.Errorf("%d instances, want %d:\n%s", n, test.want, b.logs())
			}
		})
	}
}

// Case 36.
func TestAWorkerOverTheContainersMemoryIsNamedSoAndReplaced(t *testing.T) {
	file := ecosystem(t, inBox(service("eater", "eat")), inBox(service("quiet", "sleep")))
	b := startFile(t, []string{"--memory", "64m", "--memory-swap", "64m"}, file, "--no-web")
	b.await(t, "eating", 3)
	if !b.running(t) {
		t.Fatal("the container ended")
	}
	text := b.logs()
	if !compile(`137 = SIGKILL, out of memory: limit 64 MiB`).MatchString(text) {
		t.Errorf("the exit is not named:\n%s", text)
	}
	if n := strings.Count(text, "ready"); n == 0 {
		t.Error("the other app did not come up")
	}
}

// Case 37.
func TestTheTerminationLogIsWrittenByAnotherUser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "termination-log")
	writeFile(t, path, strings.Repeat("old ", 100), 0o666)
	file := ecosystem(t, inBox(service("bad", "exit", "13")).with("max_restarts", 1).with("exp_backoff_restart_delay", 10))
	b := startFile(t, append([]string{"-v", path + ":/dev/termination-log"}, hardened...), file, "--no-web")
	if code := b.wait(t); code != 13 {
		t.Errorf("exit code %d, want 13", code)
	}
	text := readText(t, path)
	if strings.Contains(text, "old") || !strings.Contains(text, "bad") || !strings.Contains(text, "13") {
		t.Errorf("the termination log says %q", text)
	}
	if strings.Count(text, "\n") > 1 || len(text) > 4096 {
		t.Errorf("the termination log has %d bytes, more than a compact line: %q", len(text), text)
	}
}

// Case 37, without a container.
func TestTheTerminationLogIsNotCreatedAndNotWrittenInPeace(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		path := filepath.Join(t.TempDir(), "termination-log")
		l := fileLaunch(t, m, job("bad", "exit", "13"))
		l.args = append(l.args, "--termination-log", path)
		wantCode(t, start(t, l), 13)
		if _, err := os.Stat(path); err == nil {
			t.Error("the termination log was created")
		}
		writeFile(t, path, "untouched", 0o666)
		l = fileLaunch(t, m, job("fine", "exit", "0"))
		l.args = append(l.args, "--termination-log", path)
		wantCode(t, start(t, l), 0)
		if text := readText(t, path); text != "untouched" {
			t.Errorf("the termination log says %q after an exit with 0", text)
		}
	})
}

// Case 38.
func TestEverythingWorksInTheHardestContainer(t *testing.T) {
	address := freeport.Address(t)
	file := ecosystem(t,
		inBox(service("web", "http", "0")).with("instances", 2).with("exec_mode", "fork"),
		inBox(job("job", "identity")), inBox(service("daemon", "daemon", "stay", "sleep")))
	b := startFile(t, append([]string{"-e", "HOME="}, hardened...), file, "--web", address)
	b.await(t, "^listening", 2)
	b.await(t, "^ready", 2)
	if who := b.await(t, `^uid (\d+) instance 0 of 1 name job`, 1)[1]; who != "65532" {
		t.Errorf("the job ran as %s", who)
	}
	eventually(t, "/readyz", func() bool { status, _ := get(t, "http://"+address+"/readyz"); return status == 200 })
	b.exec(t, "/gorun", "health", "--web", address)
	if _, body := get(t, "http://"+address+"/metrics"); !strings.Contains(body, `gorun_app_workers{app="web",state="online"} 2`) {
		t.Errorf("metrics:\n%s", body)
	}
	if _, err := b.docker.run("stop", "-t", "60", b.id); err != nil {
		t.Fatal(err)
	}
	if code := b.wait(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if text := b.logs(); strings.Contains(text, "warning") || strings.Contains(text, "error") {
		t.Errorf("gorun complains:\n%s", text)
	}
}

// Case 38, exec: codes, a missing program, a text without a shell.
func TestExecWorksInTheHardestContainer(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	writeFile(t, script, "echo no shell here\n", 0o755)
	for name, test := range map[string]struct {
		command []string
		code    int
	}{
		"code":          {[]string{"/worker", "exit", "7"}, 7},
		"signal":        {[]string{"/worker", "die", "15"}, 143},
		"missing":       {[]string{"/nowhere"}, 127},
		"folder":        {[]string{"/proc"}, 126},
		"text, no /bin": {[]string{"/script"}, 126},
		"daemon":        {[]string{"/worker", "daemon", "4", "sleep"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBox(t, append([]string{"-v", script + ":/script:ro"}, hardened...), append([]string{"exec", "--"}, test.command...)...)
			if code := b.wait(t); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if text := b.logs(); test.code == 126 && !strings.Contains(text, test.command[0]) {
				t.Errorf("no clear line: %q", text)
			}
		})
	}
}

// Case 39. The limit is 40 and not 20 because both workers are Go programs, of
// five threads each.
func TestGorunSurvivesWhenNoProcessMayBeStarted(t *testing.T) {
	// The hog takes every process that is left; the crasher then cannot be
	// started again, until the hog lets go.
	file := ecosystem(t,
		inBox(service("crasher", "crash-after", "300ms", "1")).with("min_uptime", 0).with("restart_delay", "100ms").with("max_restarts", 1000),
		inBox(service("hog", "hog", "3s")))
	b := startFile(t, append([]string{"--pids-limit", "40"}, hardened...), file, "--no-web")
	b.await(t, "refused after", 1)
	b.await(t, "released", 1)
	released := strings.Count(b.logs(), "started ")
	b.await(t, "^started", released+3)
	if !b.running(t) {
		t.Fatal("the container ended")
	}
	if text := b.logs(); !strings.Contains(text, "resource temporarily unavailable") && !strings.Contains(text, "EAGAIN") {
		t.Errorf("the refusal is not told:\n%s", text)
	}
}

// Case 40: neither gorun nor docker has to wait for the end of a timeout.
func TestDockerStopOfObedientWorkersNeedsNoTimeout(t *testing.T) {
	t.Parallel()
	requireDocker(t)
	file := ecosystem(t, inBox(service("app", "on-term", "0")).with("instances", 4).with("exec_mode", "fork").with("kill_timeout", "1h"))
	for name, test := range map[string]struct {
		workers int
		run     func(t *testing.T) *box
	}{
		"file": {4, func(t *testing.T) *box { t.Helper(); return startFile(t, hardened, file, "--no-web") }},
		"exec": {1, func(t *testing.T) *box {
			t.Helper()
			return startBox(t, hardened, "exec", "--grace", "1h", "--", "/worker", "on-term", "0")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := test.run(t)
			b.await(t, "^ready", test.workers)
			if _, err := b.docker.run("stop", "-t", "60", b.id); err != nil {
				t.Fatal(err)
			}
			if code := b.wait(t); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if text := b.logs(); strings.Count(text, "leaving") != test.workers || strings.Contains(text, "killed") {
				t.Errorf("%d workers were to leave by themselves:\n%s", test.workers, text)
			}
		})
	}
}

// The facts: workers get a higher oom_score_adj than gorun.
func TestWorkersAreKilledBeforeGorunWhenMemoryEnds(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, service("app", "sleep")))
		g.out.next(t, "^ready")
		score := func(pid int) int64 {
			return parse(t, strings.TrimSpace(readText(t, "/proc/"+strconv.Itoa(pid)+"/oom_score_adj")))
		}
		child := onlyChild(t, g.pid)
		eventually(t, "a higher oom_score_adj", func() bool { return score(child) > score(g.pid) })
	})
}
