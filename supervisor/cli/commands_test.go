package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// commandCase is a command line for a running gorun. Words are separated by one
// space; FILE is an ecosystem file.
type commandCase struct {
	line string
	code int
	want []string // in what is printed
	call string   // what the supervisor is asked for; "": nothing
}

var commandCases = []commandCase{
	{"list", 0, []string{"api", "web", "online", "101"}, ""},
	{"ls --json", 0, []string{`"name": "api"`, `"namespace": "front"`}, ""},
	{"jlist", 0, []string{`"pm_id": 2`, `"pm2_env"`}, ""},
	{"show web", 0, []string{"web", "102"}, ""},
	{"show nobody", 1, []string{"nobody", "api, web"}, ""},
	{"show", 2, []string{"show: name at least one"}, ""},
	{"monit", 1, []string{"terminal"}, ""},
	{"pid api", 0, []string{"100\n101\n"}, ""},
	{"pid", 0, nil, ""},
	{"env 1", 0, []string{"WORKER={api 1}\n"}, ""},
	{"env", 2, []string{"env: name one worker"}, ""},
	{"env api", 1, []string{"2 workers"}, ""},
	{"ping", 0, []string{"gorun 9.9.9, pid "}, ""},
	{"plan FILE", 0, []string{"~ api: reload (args)", "+ new: new"}, ""},
	{"plan FILE FILE", 2, []string{"plan: name one file"}, ""},

	{"start api", 0, []string{"api/1  under way"}, "start [{api -1}] parallel 0"},
	{"start FILE", 0, nil, "apply partial true all false restart false start true parallel 0"},
	{"start api --name x", 2, []string{"--name"}, ""},
	{"start api -- x", 2, []string{"running already"}, ""},
	{"start api --no-daemon", 0, nil, "start [{api -1}] parallel 0"},
	{"stop 1 web", 0, nil, "stop [{api 1} {web -1}] parallel 0"},
	{"stop nobody", 1, []string{"nobody", "api, web"}, ""},
	{"stop", 2, []string{"stop: name at least one"}, ""},
	{"stop --only api web", 2, []string{"--only"}, ""},
	{"stop FILE", 0, nil, "stop [{api -1}] parallel 0"},
	{"restart all", 0, nil, "restart [{api -1} {web -1}] parallel 0"},
	{"restart FILE", 0, nil, "apply partial true all true restart true start true parallel 0"},
	{"reload front --parallel 2", 0, nil, "reload [{web -1}] parallel 2"},
	{"reload FILE --only api", 0, nil, "apply partial true all true restart false start false parallel 0"},
	{"delete /^w/", 0, nil, "delete [{web -1}] parallel 0"},
	{"reset api/0", 0, nil, "reset [{api 0}] parallel 0"},
	{"scale api +2", 0, nil, "scale api {Workers:2 Relative:true}"},
	{"scale api -1", 0, nil, "scale api {Workers:-1 Relative:true}"},
	{"scale api max", 0, nil, "scale api {Workers:8 Relative:false}"},
	{"scale api 1000", 1, []string{"--force", "8 CPUs"}, ""},
	{"scale api 1000 --force", 0, nil, "scale api {Workers:1000 Relative:false}"},
	{"scale -f api +1000", 0, nil, "scale api {Workers:1000 Relative:true}"},
	{"scale api", 2, []string{"scale: name an app and a number"}, ""},
	{"scale api 0", 1, []string{"stop"}, ""},
	{"apply", 0, nil, "apply partial false all false restart false start false parallel 0"},
	{"apply FILE --parallel 3", 0, nil, "apply partial false all false restart false start false parallel 3"},

	{"sendSignal USR1 api 2", 0, []string{"sent to 2 processes\n"}, "signal 10 to [{api -1} {web 0}]"},
	{"sendSignal winch api", 1, []string{"SIGWINCH", "api"}, "signal 28 to [{api -1}]"},
	{"sendSignal NONE api", 1, []string{"NONE"}, ""},
	{"sendSignal USR1", 2, []string{"sendSignal: name a signal"}, ""},
	{`send api {"a":1}`, 0, []string{"sent to 2 workers\n"}, `send {"a":1} to [{api -1}]`},
	{"send api hello", 0, nil, `send "hello" to [{api -1}]`},
	{"send api", 2, []string{"send: name a target"}, ""},
	{"send 1 hello", 0, []string{"sent to 2 workers\n"}, `input "hello" to [{api 1}]`},
	{"input api hello", 0, []string{"sent to 2 workers\n"}, `input "hello" to [{api -1}]`},
	{"input api", 2, []string{"input: name a target"}, ""},
	{"trigger web gc now", 0, []string{"\"pong\"\n"}, "trigger gc(now) at [{web -1}]"},
	{"trigger web", 2, []string{"trigger: name a target"}, ""},

	{"logs --nostream", 0, []string{"1|api | hello from api\n"}, ""},
	{"logs --nostream --raw", 0, []string{"hello from api\n"}, ""},
	{"logs --nostream --json --out", 0, []string{`"message":"hello from api"`}, ""},
	{"logs --nostream --err", 0, nil, ""},
	{"logs nobody", 1, []string{"nobody"}, ""},
	{"flush", 0, nil, ""},
	{"reloadLogs", 0, nil, ""},
	{"events --nostream", 0, []string{"api", "state", "online"}, ""},
	{"events --nostream --json", 0, []string{`"kind":"state"`}, ""},
	{"schema", 0, []string{`"$schema"`}, ""},
	{"completion bash", 0, []string{"complete -o default"}, ""},
	{"completion csh", 2, []string{"bash, zsh or fish"}, ""},
}

func TestCommandsAskTheRunningGorun(t *testing.T) {
	f := startFake(t, &fake{})
	file := filepath.Join(t.TempDir(), "eco.yaml")
	if err := os.WriteFile(file, []byte("apps: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range commandCases {
		t.Run(test.line, func(t *testing.T) {
			r := gorunIn(t, f.environ, strings.Split(strings.ReplaceAll(test.line, "FILE", file), " ")...)
			if r.code != test.code {
				t.Errorf("code %d, want %d", r.code, test.code)
			}
			for _, part := range test.want {
				if !strings.Contains(r.out+r.err, part) {
					t.Errorf("%q is missing", part)
				}
			}
			if (r.err != "") != (test.code != 0) {
				t.Errorf("code %d with this on stderr: %q", r.code, r.err)
			}
			if got := f.takeCalls(); got != test.call {
				t.Errorf("the supervisor was asked for %q, want %q", got, test.call)
			}
			if t.Failed() {
				t.Logf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
			}
		})
	}
}

// Whoever adds a command adds a case.
func TestEveryCommandHasACase(t *testing.T) {
	covered := map[string]bool{}
	for _, test := range commandCases {
		name, _, _ := strings.Cut(test.line, " ")
		covered[name] = true
	}
	c := &commandLine{}
	for _, command := range c.clientCommands() {
		if !slices.ContainsFunc(command.Names(), func(name string) bool { return covered[name] }) {
			t.Errorf("no case for %s", command.Name)
		}
	}
}

func TestNoCommandNameStandsForTwo(t *testing.T) {
	seen := map[string]string{}
	c := &commandLine{}
	for _, command := range c.app().Commands {
		for _, name := range command.Names() {
			if other, found := seen[name]; found {
				t.Errorf("%s is %s and %s", name, other, command.Name)
			}
			seen[name] = command.Name
		}
		if command.Usage == "" || slices.ContainsFunc(command.Flags, withoutUsage) {
			t.Errorf("the help of %s is incomplete", command.Name)
		}
	}
}

func withoutUsage(flag cli.Flag) bool {
	documented, ok := flag.(cli.DocGenerationFlag)
	return !ok || documented.GetUsage() == ""
}

func TestAnOrderThatFailsExitsWith1(t *testing.T) {
	f := startFake(t, &fake{err: errors.New("worker 1 is not ready after 30 s")})
	for _, line := range []string{"reload api", "scale api 3", "apply", "trigger api gc", "env 1"} {
		r := gorunIn(t, f.environ, strings.Fields(line)...)
		if r.code != codeFailure || !strings.Contains(r.err, "worker 1 is not ready") {
			t.Errorf("%s: code %d, %q", line, r.code, r.err)
		}
	}
}

// What some workers have done is printed beside the error about the others.
func TestResultsComeBesideAnError(t *testing.T) {
	f := startFake(t, &fake{err: errors.New("web/0 has no IPC channel")})
	r := gorunIn(t, f.environ, "trigger", "all", "gc")
	if r.code != codeFailure || r.out != "\"pong\"\n" || !strings.Contains(r.err, "web/0") {
		t.Errorf("code %d, %q, %q", r.code, r.out, r.err)
	}
}

func TestAnInterruptedOrderIsSaidToGoOn(t *testing.T) {
	hang := make(chan struct{})
	f := startFake(t, &fake{order: func() {
		_ = unix.Kill(os.Getpid(), unix.SIGINT) // the command is in this process
		<-hang
	}})
	r := gorunIn(t, f.environ, "reload", "api")
	close(hang)
	if r.code != codeFailure || !strings.Contains(r.err, "interrupted") {
		t.Errorf("code %d, %q, %q", r.code, r.out, r.err)
	}
}

func TestWithoutAGorunCommandsSayWhereTheyTried(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none")
	for _, line := range []string{"list", "stop all", "logs"} {
		r := gorunIn(t, []string{"GORUN_SOCKET=" + socket}, strings.Fields(line)...)
		if r.code != codeFailure || !strings.Contains(r.err, socket) {
			t.Errorf("%s: code %d, %q", line, r.code, r.err)
		}
	}
}

func TestTheShellCompletesNames(t *testing.T) {
	f := startFake(t, &fake{})
	r := gorunIn(t, f.environ, "stop", "--generate-bash-completion")
	if got := strings.Fields(r.out); !slices.Equal(got, []string{"all", "api", "web"}) {
		t.Errorf("%q", got)
	}
}

func TestHealthOverTheSocketAndOverHTTP(t *testing.T) {
	f := startFake(t, &fake{})
	if r := gorunIn(t, f.environ, "health"); r.code != codeFailure {
		t.Errorf("sick: code %d, %q, %q", r.code, r.out, r.err)
	}
	if r := gorunIn(t, f.environ, "health", "web"); r.code != 0 {
		t.Errorf("well: code %d, %q, %q", r.code, r.out, r.err)
	}
	if r := gorunIn(t, f.environ, "health", "--web", "127.0.0.1:1"); r.code != codeFailure || r.err == "" {
		t.Errorf("asked for an address where nothing listens: code %d, %q", r.code, r.err)
	}
}

func TestTheSchemaIsJSON(t *testing.T) {
	if r := gorun(t, "schema"); !json.Valid([]byte(r.out)) {
		t.Errorf("%.100s", r.out)
	}
}
