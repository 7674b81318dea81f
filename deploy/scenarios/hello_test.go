package scenarios_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"gorun/deploy/scenarios/freeport"
)

// TestTheExampleOfReadmeAnswers runs deploy/examples/hello from a fresh build of
// gorun: everything from the file to the last exit code.
func TestTheExampleOfReadmeAnswers(t *testing.T) {
	dir := t.TempDir()
	program := binary(t, dir, "GORUN_SCENARIO_BINARY", "gorun")
	server := binary(t, dir, "GORUN_SCENARIO_HELLO", "gorun/deploy/examples/hello")
	address := freeport.Address(t)
	gorun := runHello(t, program, server, address)
	first := answerOf(t, "http://"+address)
	if !regexp.MustCompile(`^hello from process \d+\n$`).MatchString(first) {
		t.Errorf("the example answers %q", first)
	}
	if err := gorun.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := gorun.Wait(); err != nil {
		t.Errorf("gorun ends with %v after SIGTERM, want 0", err)
	}
}

// binary builds a program, unless the variable names one.
func binary(t *testing.T, dir, variable, source string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	path := filepath.Join(dir, filepath.Base(source))
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, source).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", source, err, out)
	}
	return path
}

// runHello starts the example's file, with the built server in the place of its
// source, and returns when gorun says that it is ready.
func runHello(t *testing.T, program, server, address string) *exec.Cmd {
	t.Helper()
	file := strings.Replace(readText(t, "../examples/hello/ecosystem.yaml"), "script: main.go", "script: "+server, 1)
	path := filepath.Join(t.TempDir(), "ecosystem.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, path, "--no-web")
	c.Env = append(os.Environ(), "PORT="+address[strings.LastIndex(address, ":")+1:], fmt.Sprintf("GORUN_SOCKET=@gorun-hello-%d", os.Getpid()))
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = write, write
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // a test that was killed leaves nothing
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
		read.Close()
	})
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "gorun: ready") {
			go func() { _, _ = io.Copy(io.Discard, read) }()
			return c
		}
		t.Log(lines.Text())
	}
	t.Fatal("gorun has ended before it was ready")
	return nil
}

func answerOf(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
