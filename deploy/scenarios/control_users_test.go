//go:build scenarios

package scenarios_test

import (
	"strings"
	"syscall"
	"testing"

	"gorun/deploy/scenarios/freeport"
)

// nobodys is an ordinary user.
var nobodys = syscall.Credential{Uid: 1000, Gid: 1000}

func TestAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	g := town(t)
	before := g.members(t)
	for _, args := range [][]string{{"reload", "all"}, {"list"}, {"stop", "all"}, {"env", "0"}} {
		o := commandLine{socket: g.site.socket, args: args, user: &nobodys}.run(t)
		if o.code != 1 || !containsAll(o.err, []string{"uid 1000", "uid 0"}) {
			t.Errorf("as uid 1000 gorun %q exits with %d and says %q", args, o.code, o.err)
		}
	}
	if got := changed(before, g.members(t)); got != "" {
		t.Errorf("%q have another process", got)
	}
}

func TestRootCommandsAnotherUsersGorun(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	s := newSite(t)
	s.write(t, staticProgram.app(t, s))
	g := operated{start(t, launch{
		args: []string{s.file, "--no-web"}, onlyEnv: append([]string{"GORUN_SOCKET=" + s.socket}, everybody...),
		attributes: func(attr *syscall.SysProcAttr) { attr.Credential = &nobodys },
	}), s}
	g.err.next(t, "^gorun: ready ")
	if userOf(t, g.pid) != "1000" {
		t.Error("gorun does not run as uid 1000")
	}
	if got := g.changes(t, "reload", "all"); got != "api/0 api/1" {
		t.Errorf("gorun reload all gives %q another process", got)
	}
	o := commandLine{socket: s.socket, args: []string{"reload", "all"}, user: &nobodys}.run(t)
	if o.code != 0 {
		t.Errorf("gorun's own user is refused: %s", o.err)
	}
}

// Nothing can be written there: commands go by the abstract name.
func TestCommandsWorkInTheHardestContainer(t *testing.T) {
	requireDocker(t)
	address := freeport.Address(t)
	file := ecosystem(t, inBox(service("api", "web")).with("exec_mode", "cluster").with("instances", 2).
		with("env", place{address: address}.environ()))
	b := startFile(t, asNobody, file, "--no-web")
	b.await(t, "^gorun: ready ", 1)
	if out := b.exec(t, "/gorun", "list"); strings.Count(out, "online") != 2 {
		t.Errorf("gorun list prints\n%s", out)
	}
	if out := b.exec(t, "/gorun", "ping"); !strings.Contains(out, "@gorun-pidns-") {
		t.Errorf("gorun ping prints %q, want the abstract name", out)
	}
	if out := b.exec(t, "/gorun", "reload", "all"); strings.Count(out, "reloaded") != 2 {
		t.Errorf("gorun reload all prints\n%s", out)
	}
	ask(t, address, 100)
	if _, err := b.docker.run("stop", b.id); err != nil {
		t.Fatal(err)
	}
	if code := b.wait(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// An order is done though whoever gave it has gone.
func TestAnOrderGoesOnWithoutItsClient(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := operate(t, s, staticProgram.app(t, s).with("env", s.environ("START", "500")))
	before := g.members(t)
	f := g.follow(t, "reload", "api")
	eventually(t, "a replacement is on its way", func() bool { return len(childrenOf(g.pid)) > 2 })
	_ = f.command.Process.Kill()
	_ = f.command.Wait()
	eventually(t, "both are replaced", func() bool { return changed(before, g.members(t)) == "api/0 api/1" })
}
