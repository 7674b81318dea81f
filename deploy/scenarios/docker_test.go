//go:build scenarios

package scenarios_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// image is FROM scratch: gorun and the worker, nothing else.
const image = "gorun-scenarios"

// dockerFolder is where dockerd keeps everything, in buildDir.
const dockerFolder = "docker"

const dockerfile = `FROM scratch
COPY gorun /gorun
COPY worker /worker
ENTRYPOINT ["/gorun"]
`

// daemon is the one dockerd of this package's tests.
type daemon struct {
	dir     string
	process *exec.Cmd
	err     error
}

var (
	dockerStarted bool // read by stopDocker, after all tests
	docker        = sync.OnceValue(func() *daemon {
		dockerStarted = true
		d := &daemon{}
		d.err = d.start()
		return d
	})
)

// requireDocker starts dockerd at the first call and skips without one.
func requireDocker(t *testing.T) *daemon {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("dockerd needs root")
	}
	d := docker()
	if d.err != nil {
		missing(t, fmt.Sprintf("no docker here: %v", d.err))
	}
	return d
}

func stopDocker() {
	if dockerStarted {
		docker().stop()
	}
}

func (d *daemon) start() error {
	program, err := exec.LookPath("dockerd")
	if err != nil {
		if program = "/usr/sbin/dockerd"; unix.Access(program, unix.X_OK) != nil {
			return err
		}
	}
	d.dir = filepath.Join(buildDir, dockerFolder)
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		return err
	}
	for _, driver := range []string{"", "vfs"} {
		if err = d.try(program, driver); err == nil {
			return d.build()
		}
		d.kill()
	}
	return err
}

func (d *daemon) try(program, driver string) error {
	args := []string{
		"--iptables=false", "--ip6tables=false", "--bridge=none", "--data-root", d.dir + "/data",
		"--exec-root", d.dir + "/exec", "--pidfile", d.dir + "/pid", "-H", d.socket(),
	}
	if driver != "" {
		args = append(args, "--storage-driver", driver)
	}
	log, err := os.Create(filepath.Join(d.dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	d.process = exec.Command(program, args...)
	d.process.Stdout, d.process.Stderr = log, log
	d.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for the tests
	if err := d.process.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if _, err = d.run("info"); err == nil {
			return nil
		}
		<-time.After(50 * time.Millisecond)
	}
	tail, _ := os.ReadFile(log.Name())
	return fmt.Errorf("%w: %s", err, tail[max(0, len(tail)-500):])
}

func (d *daemon) socket() string { return "unix://" + d.dir + "/sock" }

func (d *daemon) build() error {
	context := filepath.Join(d.dir, "context")
	if err := os.MkdirAll(context, 0o755); err != nil {
		return err
	}
	for from, to := range map[string]string{gorunBinary: "gorun", workerBinary: "worker"} {
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(context, to), content, 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(context, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		return err
	}
	_, err := d.run("build", "-q", "-t", image, context)
	return err
}

// run runs the docker client and returns its stdout.
func (d *daemon) run(args ...string) (string, error) {
	var out, problem bytes.Buffer
	c := exec.Command("docker", args...)
	// The newer builder needs a plugin.
	c.Env = append(os.Environ(), "DOCKER_HOST="+d.socket(), "DOCKER_BUILDKIT=0")
	c.Stdout, c.Stderr = &out, &problem
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("docker %s: %w: %s", args[0], err, problem.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func (d *daemon) stop() {
	if d.err == nil {
		if left, _ := d.run("ps", "-aq"); left != "" {
			_, _ = d.run(append([]string{"rm", "-f"}, strings.Fields(left)...)...)
		}
	}
	d.kill()
	if d.dir != "" {
		d.unmount()
		_ = os.RemoveAll(d.dir)
	}
}

// sweep ends a dockerd that its tests have left.
func (d *daemon) sweep() {
	text, err := os.ReadFile(filepath.Join(d.dir, "pid"))
	if err != nil {
		return
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if p, _ := readProcess(fmt.Sprintf("/proc/%d", pid)); p.name == "dockerd" {
		_ = unix.Kill(pid, unix.SIGTERM) // it stops its containers
	}
	for deadline := time.Now().Add(patience); exists(pid) && time.Now().Before(deadline); {
		<-time.After(50 * time.Millisecond)
	}
	d.unmount()
}

// unmount frees the folder of what dockerd has left mounted there.
func (d *daemon) unmount() {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); strings.HasPrefix(fields[1], d.dir) {
			_ = unix.Unmount(fields[1], unix.MNT_DETACH)
		}
	}
}

// kill ends dockerd, which ends its containerd.
func (d *daemon) kill() {
	if d.process == nil || d.process.Process == nil {
		return
	}
	_ = d.process.Process.Signal(unix.SIGTERM)
	killer := time.AfterFunc(15*time.Second, func() { _ = d.process.Process.Kill() })
	_ = d.process.Wait()
	killer.Stop()
	d.process = nil
}

// hardened is the least a container may be given.
var hardened = []string{"--read-only", "--user", "65532", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"}

// box is one container.
type box struct {
	docker *daemon
	id     string
	pid    int // of gorun, in our PID namespace
}

// startBox runs gorun with those arguments in a container with those options.
// The files of the map are mounted under /conf.
func startBox(t *testing.T, options []string, args ...string) *box {
	t.Helper()
	return startImage(t, image, options, args...)
}

// startImage is startBox with another image that has gorun.
func startImage(t *testing.T, image string, options []string, args ...string) *box {
	t.Helper()
	d := requireDocker(t)
	command := append([]string{"run", "-d", "--network", "host"}, options...)
	id, err := d.run(append(append(command, image), args...)...)
	if err != nil {
		t.Fatal(err)
	}
	b := &box{docker: d, id: id}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the container's output:\n%s", shorten(b.logs()))
		}
		_, _ = d.run("rm", "-f", id)
	})
	text, err := d.run("inspect", "-f", "{{.State.Pid}}", id)
	if err == nil {
		b.pid, err = strconv.Atoi(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// startFile runs an ecosystem file in a container.
func startFile(t *testing.T, options []string, file string, args ...string) *box {
	t.Helper()
	options = append([]string{"-v", file + ":/ecosystem.json:ro"}, options...)
	return startBox(t, options, append([]string{"/ecosystem.json"}, args...)...)
}

// inBox is an app whose program is the image's worker.
func inBox(a app) app { return a.with("script", "/worker") }

// logs returns stdout and stderr.
func (b *box) logs() string {
	c := exec.Command("docker", "logs", b.id)
	c.Env = append(os.Environ(), "DOCKER_HOST="+b.docker.socket())
	out, _ := c.CombinedOutput()
	return string(out)
}

// await waits for the nth match in the output.
func (b *box) await(t *testing.T, pattern string, n int) []string {
	t.Helper()
	var found [][]string
	eventually(t, fmt.Sprintf("%d times %q", n, pattern), func() bool {
		found = compile(pattern).FindAllStringSubmatch(b.logs(), n)
		return len(found) == n || !b.running(t)
	})
	if len(found) < n {
		t.Fatalf("the container ended before %d times %q", n, pattern)
	}
	return found[n-1]
}

// wait returns the container's exit code.
func (b *box) wait(t *testing.T) int {
	t.Helper()
	text, err := b.docker.run("wait", b.id)
	if err != nil {
		t.Fatal(err)
	}
	code, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (b *box) running(t *testing.T) bool {
	t.Helper()
	text, err := b.docker.run("inspect", "-f", "{{.State.Running}}", b.id)
	if err != nil {
		t.Fatal(err)
	}
	return text == "true"
}

// exec runs a program of the image in the container, as docker exec does.
func (b *box) exec(t *testing.T, command ...string) string {
	t.Helper()
	out, err := b.docker.run(append([]string{"exec", b.id}, command...)...)
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return out
}
