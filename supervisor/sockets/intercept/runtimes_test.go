//go:build scenarios

package intercept

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorun/deploy/scenarios/freeport"
	"gorun/supervisor/sockets"
)

const get = "GET / HTTP/1.0\r\n\r\n"

// threeWorkers starts three workers of one program and wants answers from all.
func threeWorkers(t *testing.T, port int, start func(name string) spawn) {
	t.Helper()
	require(t)
	groups := sockets.New(sockets.Spread)
	t.Cleanup(groups.Close)
	names := []string{"first", "second", "third"}
	for _, name := range names {
		s := start(name)
		s.groups = groups
		s.options.Wanted = only(port)
		w := s.start(t)
		if a := w.ready(t); a.Port != port {
			t.Fatalf("listens on %v", a)
		}
	}
	answered := map[string]int{}
	for range 90 {
		text, err := ask("tcp", local(port), get)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(text, "\r\n\r\n")
		answered[strings.TrimSpace(body)]++
	}
	for _, name := range names {
		if answered[name] == 0 {
			t.Errorf("answers came from %v, want all of %v", answered, names)
		}
	}
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("required in CI: %v", err)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPythonHTTPServer(t *testing.T) {
	python := program(t, "python3")
	port := freeport.Take(t)
	threeWorkers(t, port, func(name string) spawn {
		dir := filepath.Dir(write(t, "index.html", name))
		argv := []string{python, "-m", "http.server", "--bind", "127.0.0.1", "--directory", dir, fmt.Sprint(port)}
		return spawn{argv: argv}
	})
}

func TestNodeBehindShell(t *testing.T) {
	node := program(t, "node")
	port := freeport.Take(t)
	path := write(t, "app.js", `require('http').createServer((q, r) => r.end(process.env.NAME)).listen(+process.env.PORT)`)
	threeWorkers(t, port, func(name string) spawn {
		return spawn{
			argv: []string{program(t, "sh"), "-c", node + " " + path + "; true"},
			env:  []string{"NAME=" + name, fmt.Sprint("PORT=", port)},
		}
	})
}

func TestNodeClusterWithinAWorker(t *testing.T) {
	node := program(t, "node")
	port := freeport.Take(t)
	path := write(t, "app.js", `const c = require('cluster')
		if (c.isPrimary) { c.fork(); c.fork() }
		else require('http').createServer((q, r) => r.end(process.env.NAME)).listen(+process.env.PORT)`)
	threeWorkers(t, port, func(name string) spawn {
		return spawn{argv: []string{node, path}, env: []string{"NAME=" + name, fmt.Sprint("PORT=", port)}}
	})
}

func TestNodeReusePort(t *testing.T) {
	node := program(t, "node")
	port := freeport.Take(t)
	path := write(t, "app.js", `const http = require('http'), serve = () => http.createServer((q, r) => r.end(process.env.NAME))
		serve().listen({port: +process.env.PORT, host: '127.0.0.1', exclusive: true})`)
	threeWorkers(t, port, func(name string) spawn {
		return spawn{argv: []string{node, path}, env: []string{"NAME=" + name, fmt.Sprint("PORT=", port)}}
	})
}

func TestStaticGoServer(t *testing.T) {
	compiler := program(t, "go")
	port := freeport.Take(t)
	source := write(t, "main.go", `package main
		import ("fmt"; "net/http"; "os")
		func main() {
			http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv("NAME")) })
			panic(http.ListenAndServe(":" + os.Getenv("PORT"), nil))
		}`)
	binary := filepath.Join(filepath.Dir(source), "server")
	build := exec.Command(compiler, "build", "-o", binary, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	threeWorkers(t, port, func(name string) spawn {
		return spawn{argv: []string{binary}, env: []string{"NAME=" + name, fmt.Sprint("PORT=", port)}}
	})
}

func TestRubyServer(t *testing.T) {
	ruby := program(t, "ruby")
	port := freeport.Take(t)
	path := write(t, "app.rb", `require 'socket'
		s = TCPServer.new('127.0.0.1', ENV['PORT'].to_i)
		loop { c = s.accept; c.gets; c.write "HTTP/1.0 200 OK\r\n\r\n" + ENV['NAME']; c.close }`)
	threeWorkers(t, port, func(name string) spawn {
		return spawn{argv: []string{ruby, path}, env: []string{"NAME=" + name, fmt.Sprint("PORT=", port)}}
	})
}

func TestPHPServer(t *testing.T) {
	php := program(t, "php")
	port := freeport.Take(t)
	threeWorkers(t, port, func(name string) spawn {
		return spawn{argv: []string{php, "-S", local(port), write(t, "index.php", name)}}
	})
}

func TestNginxWithReusePort(t *testing.T) {
	nginx := program(t, "nginx")
	port := freeport.Take(t)
	threeWorkers(t, port, func(name string) spawn {
		dir := openDir(t)
		config := fmt.Sprintf(`daemon off; master_process on; worker_processes 2; pid %[1]s/pid; error_log stderr;
			events {}
			http { access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
				uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi; server { listen %[2]d reuseport; location / { return 200 %[3]s; } } }`, dir, port, name)
		path := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		return spawn{argv: []string{nginx, "-p", dir, "-c", path}}
	})
}
