//go:build scenarios

package scenarios_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gorun/deploy/scenarios/freeport"
)

// runtimeImage has Node.js, npm and a shell beside gorun: files of this machine
// and nothing else.
const runtimeImage = "gorun-runtimes"

// asNobody is what the issue asks for. Docker's default seccomp profile is in
// force besides.
var asNobody = []string{"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "1000"}

// The issue: all of that holds in the hardest container.
func TestContainersShareOnePort(t *testing.T) {
	buildRuntimeImage(t)
	for _, r := range runtimes {
		if r.box == nil {
			continue
		}
		t.Run(plain(r.name)+" as nobody", func(t *testing.T) {
			t.Parallel()
			p := place{dir: "/app", address: freeport.Address(t)}
			containerShares(t, asNobody, p, r.sharing, r.box(p))
		})
		t.Run(plain(r.name)+" as root, workers of another user", func(t *testing.T) {
			t.Parallel()
			p := place{dir: "/app", address: freeport.Address(t)}
			containerShares(t, nil, p, r.sharing, r.box(p).with("user", 1000))
		})
	}
}

func containerShares(t *testing.T, options []string, p place, sharing string, a app) {
	t.Helper()
	b := startShared(t, options, p, a)
	eventually(t, "the first worker", func() bool {
		conn, err := net.Dial("tcp", p.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	b.await(t, "sharing="+sharing+" ", 1)
	b.await(t, "^gorun: ready ", 1)
	got := ask(t, p.address, 3000)
	got.everyone(t)
	got.even(t)
	began := time.Now()
	if _, err := b.docker.run("stop", b.id); err != nil {
		t.Fatal(err)
	}
	t.Logf("%v; stopped in %v", got, time.Since(began).Round(time.Millisecond))
	if code := b.wait(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// startShared runs three workers of the app in a container of the image.
func startShared(t *testing.T, options []string, p place, a app) *box {
	t.Helper()
	file := filepath.Join(openDir(t), "ecosystem.json")
	writeFile(t, file, readText(t, ecosystem(t, p.three(a))), 0o644)
	options = append([]string{"-v", file + ":/ecosystem.json:ro"}, options...)
	return startImage(t, runtimeImage, options, "/ecosystem.json", "--no-web")
}

var runtimeImageBuilt sync.Once

// buildRuntimeImage builds the image from scratch, once.
func buildRuntimeImage(t *testing.T) {
	t.Helper()
	d := requireDocker(t)
	runtimeImageBuilt.Do(func() {
		context := t.TempDir()
		put := func(from, to string) {
			if err := copyWhole(from, filepath.Join(context, "root", to)); err != nil {
				t.Fatal(err)
			}
		}
		for to, from := range map[string]string{
			"/usr/bin/node": tool(t, "node"), "/usr/bin/env": tool(t, "env"), "/bin/sh": tool(t, "busybox"),
		} {
			put(from, to)
			for _, library := range librariesOf(from) {
				put(library, library)
			}
		}
		put(fromNPM(t, "npm"), "/usr/lib/npm")
		put("testdata/runtimes", "/app")
		if err := os.Symlink("/usr/lib/npm/bin/npm-cli.js", filepath.Join(context, "root/usr/bin/npm")); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(context, "Dockerfile"), "FROM "+image+"\nCOPY root /\n", 0o644)
		if _, err := d.run("build", "-q", "-t", runtimeImage, context); err != nil {
			t.Fatal(err)
		}
	})
}

// copyWhole copies a file or a folder, without its links.
func copyWhole(from, to string) error {
	if info, err := os.Stat(from); err != nil || info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}

// librariesOf lists the shared libraries of a program, the loader too; none for
// a static one, which ldd refuses.
func librariesOf(program string) []string {
	out, _ := exec.Command("ldd", program).Output()
	var found []string
	for _, library := range compile(`(/\S+) \(0x`).FindAllStringSubmatch(string(out), -1) {
		found = append(found, library[1])
	}
	return found
}
