package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

func TestEndpoints(t *testing.T) {
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		want                     string // in the answer
		call                     string // of the supervisor, in what was noted
	}{
		{"ping", "GET", "/v1/ping", "", 200, `"version":"1.2.3"`, ""},
		{"env of an id", "GET", "/v1/env?target=1", "", 200, `["A=<1>","PATH=/bin"]`, "environ {api 1}"},
		{"env of an app with one worker", "GET", "/v1/env?target=web", "", 200, `"A=<1>"`, "environ {web 0}"},
		{"env of an app with two", "GET", "/v1/env?target=api", "", 400, "2 workers", ""},
		{"env of nobody", "GET", "/v1/env", "", 400, "target=", ""},
		{"plan", "GET", "/v1/plan?file=/x/good.yaml&only=a&all=1", "", 200, `[{"app":"api","what":"reload","why":["args"]}]`, "plan 1 apps partial true all true"},
		{"plan of a bad file", "GET", "/v1/plan?file=/x/bad.yaml", "", 400, `/x/bad.yaml:2:3: unknown\n/x/bad.yaml: no apps`, ""},
		{"a bad flag", "GET", "/v1/plan?all=maybe", "", 400, "all is", ""},
		{"reload", "POST", "/v1/orders", `{"verb":"reload","targets":["api","2"],"parallel":2}`, 200, `{"done":true}`, "reload [{api -1} {web 0}] parallel 2"},
		{"delete", "POST", "/v1/orders", `{"verb":"delete","targets":["front"]}`, 200, `{"done":true}`, "delete [{web -1}] parallel 0"},
		{"an unknown verb", "POST", "/v1/orders", `{"verb":"rstart","targets":["api"]}`, 400, "delete, reload, reset, restart, start, stop", ""},
		{"an unknown target", "POST", "/v1/orders", `{"verb":"stop","targets":["foo"]}`, 404, `no app, namespace or id \"foo\"; there are: api, web`, ""},
		{"no target", "POST", "/v1/orders", `{"verb":"stop","targets":[]}`, 400, "target", ""},
		{"a bad pattern", "POST", "/v1/orders", `{"verb":"stop","targets":["/(/"]}`, 400, "read the pattern", ""},
		{"a negative parallel", "POST", "/v1/orders", `{"verb":"reload","targets":["api"],"parallel":-1}`, 400, "parallel is -1", ""},
		{"no JSON", "POST", "/v1/orders", `{"verb":`, 400, "read the request", ""},
		{"no body", "POST", "/v1/orders", ``, 400, "empty", ""},
		{"an unknown key", "POST", "/v1/orders", `{"verbs":"stop"}`, 400, "verbs", ""},
		{"two values", "POST", "/v1/orders", `{"verb":"stop","targets":["api"]}}`, 400, "something follows", ""},
		{"a huge body", "POST", "/v1/orders", `{"verb":"` + strings.Repeat("x", maxBody) + `"}`, 413, "larger than", ""},
		{"scale", "POST", "/v1/scale", `{"app":"api","workers":"4"}`, 200, `{"done":true}`, "scale api {Workers:4 Relative:false}"},
		{"scale up", "POST", "/v1/scale", `{"app":"api","workers":"+3"}`, 200, `{"done":true}`, "scale api {Workers:3 Relative:true}"},
		{"scale down", "POST", "/v1/scale", `{"app":"api","workers":"-2"}`, 200, `{"done":true}`, "scale api {Workers:-2 Relative:true}"},
		{"scale to max", "POST", "/v1/scale", `{"app":"api","workers":"max"}`, 200, `{"done":true}`, "scale api {Workers:8 Relative:false}"},
		{"scale far", "POST", "/v1/scale", `{"app":"api","workers":"+1000"}`, 400, "--force", ""},
		{"scale far by force", "POST", "/v1/scale", `{"app":"api","workers":"+1000","force":true}`, 200, `{"done":true}`, "scale api {Workers:1000 Relative:true}"},
		{"scale to none", "POST", "/v1/scale", `{"app":"api","workers":"0"}`, 400, "stop the app", ""},
		{"scale to nonsense", "POST", "/v1/scale", `{"app":"api","workers":"many"}`, 400, "many", ""},
		{"scale too far", "POST", "/v1/scale", `{"app":"api","workers":"10001"}`, 400, "10001", ""},
		{"scale a worker", "POST", "/v1/scale", `{"app":"1","workers":"2"}`, 400, "one app", ""},
		{"scale nobody", "POST", "/v1/scale", `{"app":"foo","workers":"2"}`, 404, "there are: api, web", ""},
		{"apply", "POST", "/v1/apply", `{"file":"/x/good.yaml","all":true,"parallel":3}`, 200, `{"done":true}`, "apply 2 apps partial false all true restart false start false parallel 3"},
		{"apply gorun's own", "POST", "/v1/apply", `{}`, 200, `{"done":true}`, "apply 2 apps partial false all false"},
		{"apply with a restart", "POST", "/v1/apply", `{"all":true,"restart":true,"start":true}`, 200, `{"done":true}`, "apply 2 apps partial false all true restart true start true parallel 0"},
		{"apply a part", "POST", "/v1/apply", `{"partial":true}`, 200, `{"done":true}`, "apply 2 apps partial true"},
		{"only some stay partial", "POST", "/v1/apply", `{"only":["api"]}`, 200, `{"done":true}`, "apply 1 apps partial true"},
		{"apply a bad file", "POST", "/v1/apply", `{"file":"/x/bad.yaml"}`, 400, `unknown\n/x/bad.yaml: no apps`, ""},
		{"apply a relative file", "POST", "/v1/apply", `{"file":"good.yaml"}`, 400, "good.yaml", ""},
		{"signal", "POST", "/v1/signal", `{"signal":"usr1","targets":["all"]}`, 200, `{"signalled":2}`, "signal 10 to [{api -1} {web -1}]"},
		{"no signal", "POST", "/v1/signal", `{"signal":"FOO","targets":["all"]}`, 400, "there is no signal", ""},
		{"send", "POST", "/v1/send", `{"targets":["api"],"message":{"a":[1]}}`, 200, `{"sent":1}`, `send {"a":[1]} to [{api -1}]`},
		{"send nothing", "POST", "/v1/send", `{"targets":["api"]}`, 400, "no message", ""},
		{"input", "POST", "/v1/input", `{"targets":["api"],"line":"quit"}`, 200, `{"sent":1}`, `input "quit" to [{api -1}]`},
		{"an empty line", "POST", "/v1/input", `{"targets":["api"]}`, 200, `{"sent":1}`, `input "" to [{api -1}]`},
		{"trigger", "POST", "/v1/trigger", `{"targets":["api/1"],"action":"gc","params":"now"}`, 200, `{"replies":["done"]}`, "trigger gc(now) at [{api 1}]"},
		{"trigger nothing", "POST", "/v1/trigger", `{"targets":["api"]}`, 400, "action", ""},
		{"flush", "POST", "/v1/flush", `{"targets":["api"]}`, 200, `{}`, ""},
		{"flush nobody", "POST", "/v1/flush", `{"targets":["foo"]}`, 404, "there are: api, web", ""},
		{"reopen", "POST", "/v1/reopen", ``, 200, `{}`, ""},
		{"logs of nobody", "GET", "/v1/logs?target=foo", "", 404, "there are: api, web", ""},
		{"logs of no stream", "GET", "/v1/logs?stream=in", "", 400, "out and err", ""},
		{"a bad number of lines", "GET", "/v1/logs?lines=-1", "", 400, "lines is", ""},
		{"a bad seq", "GET", "/v1/events?after=x", "", 400, "after is", ""},
		{"another method", "DELETE", "/v1/apps", "", 405, "only GET, HEAD", ""},
		{"no such path", "GET", "/v1/nothing", "", 404, "/v1/ping", ""},
		{"health", "GET", "/health", "", 503, "sick", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &fake{apps: twoApps(), replies: []json.RawMessage{json.RawMessage(`"done"`)}}
			c := serve(t, f)
			status, header, body := request(t, c, test.method, test.path, test.body)
			if status != test.status || !strings.Contains(body, test.want) {
				t.Errorf("answer %d %s, want %d %s", status, body, test.status, test.want)
			}
			if !strings.Contains(f.recorded(), test.call) {
				t.Errorf("calls %q, want %q", f.recorded(), test.call)
			}
			if status == 405 && header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow: %s", header.Get("Allow"))
			}
			if status >= 400 && strings.HasPrefix(test.path, "/v1/") && !json.Valid([]byte(body)) {
				t.Errorf("%s is no JSON", body)
			}
			if test.call == "" && strings.Contains(f.recorded(), " parallel ") {
				t.Errorf("a refused order was carried out: %s", f.recorded())
			}
		})
	}
}

func request(t *testing.T, c *client.Client, method, path, body string) (code int, header http.Header, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://gorun"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	transport := transportTo(c.Address())
	t.Cleanup(transport.CloseIdleConnections)
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var all bytes.Buffer
	if _, err := all.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, all.String()
}

func TestAppsAreShownAsTheyAre(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	one := status.Worker{
		App: "api", Instance: 1, ID: 4, State: status.WaitingRestart, Since: at, Unstable: 2,
		Restarts: [len(status.Reasons)]uint64{1, 2, 3}, LastExit: &status.Exit{Code: 137, Text: "137 = SIGKILL", At: at, Uptime: 1500 * time.Millisecond},
	}
	online := status.Worker{App: "api", ID: 3, State: status.Online, Since: at, Started: at, Ready: true, Pid: 7}
	online.Usage.CPU, online.Usage.Resident, online.Lines.ErrLines = 1500*time.Millisecond, 1<<20, 5
	app := status.App{
		Name: "api", Namespace: "default", Mode: "cluster", Sharing: "node", Interpreter: "node", Script: "a.js", Desired: 2,
		Workers: []status.Worker{online, one}, Ports: []status.Port{{Address: ":80", Instance: 1, Length: 2, Limit: 3}},
	}
	text, err := json.MarshalIndent(overviewOf(status.Snapshot{Apps: []status.App{app}}, at), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != wantOverview {
		t.Errorf("overview:\n%s", text)
	}
}

const wantOverview = `{
 "time": "2026-01-02T03:04:05Z",
 "pid": 0,
 "version": "",
 "shutting_down": false,
 "apps": [
  {
   "name": "api",
   "namespace": "default",
   "mode": "cluster",
   "sharing": "node",
   "interpreter": "node",
   "script": "a.js",
   "desired": 2,
   "online": 1,
   "troubles": [
    "worker 1 is waiting restart, last exit 137 = SIGKILL"
   ],
   "workers": [
    {
     "id": 3,
     "instance": 0,
     "state": "online",
     "since": "2026-01-02T03:04:05Z",
     "ready": true,
     "pid": 7,
     "started": "2026-01-02T03:04:05Z",
     "restarts": 0,
     "unstable_restarts": 0,
     "cpu_seconds": 1.5,
     "memory_bytes": 1048576,
     "open_fds": 0,
     "threads": 0,
     "processes": 0,
     "out_lines": 0,
     "err_lines": 5
    },
    {
     "id": 4,
     "instance": 1,
     "state": "waiting restart",
     "since": "2026-01-02T03:04:05Z",
     "ready": false,
     "restarts": 6,
     "unstable_restarts": 2,
     "last_exit": {
      "code": 137,
      "text": "137 = SIGKILL",
      "at": "2026-01-02T03:04:05Z",
      "uptime_seconds": 1.5
     },
     "cpu_seconds": 0,
     "memory_bytes": 0,
     "open_fds": 0,
     "threads": 0,
     "processes": 0,
     "out_lines": 0,
     "err_lines": 0
    }
   ],
   "ports": [
    {
     "address": ":80",
     "instance": 1,
     "queue_length": 2,
     "queue_limit": 3
    }
   ]
  }
 ]
}`

// Every method of the client, against the server.
func TestEveryMethodOfTheClient(t *testing.T) {
	f := &fake{apps: twoApps(), replies: []json.RawMessage{json.RawMessage(`{"a":1}`)}}
	c := serve(t, f)
	ctx := t.Context()
	check := func(what string, got any, err error, want string) {
		t.Helper()
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v, %v, want %s", what, got, err, want)
		}
	}
	overview, err := c.Apps(ctx)
	check("Apps", len(overview.Apps), err, "2")
	pairs, err := c.Env(ctx, "api/1")
	check("Env", pairs, err, "[A=<1> PATH=/bin]")
	changes, err := c.Plan(ctx, client.Revision{File: "/a/good.yaml", Only: []string{"x"}, All: true})
	check("Plan", changes, err, "[{api reload [args]}]")
	n, err := c.Signal(ctx, client.Signal{Signal: "HUP", Targets: []string{"web"}})
	check("Signal", n, err, "1")
	n, err = c.Send(ctx, client.Message{Targets: []string{"all"}, Message: json.RawMessage(`1`)})
	check("Send", n, err, "2")
	given, err := c.Trigger(ctx, client.Trigger{Targets: []string{"api"}, Action: "x"})
	check("Trigger", string(given[0]), err, `{"a":1}`)
	check("Flush", nil, c.Flush(ctx, []string{"api"}), "<nil>")
	check("Reopen", nil, c.Reopen(ctx), "<nil>")
	check("Scale", nil, drain(c.Scale(ctx, client.Scale{App: "api", Workers: "max"})), "<nil>")
	check("Apply", nil, drain(c.Apply(ctx, client.Revision{})), "<nil>")
	page, err := c.Get(ctx, "/health")
	check("Get", fmt.Sprintf("%d %s", page.Status, page.Body), err, "503 sick\n")
	if _, err := c.Env(ctx, "foo"); !isReply(err, http.StatusNotFound) || !strings.HasPrefix(err.Error(), "no app, namespace or id") {
		t.Errorf("Env of nobody: %v", err)
	}
}

func TestASupervisorsErrorIsPassedOn(t *testing.T) {
	for code, failure := range map[int]error{http.StatusInternalServerError: fmt.Errorf("start api: no such file"), http.StatusConflict: busyError{}} {
		c := serve(t, &fake{apps: twoApps(), err: failure})
		err := drain(c.Order(t.Context(), client.Order{Verb: "start", Targets: []string{"api"}}))
		if !isReply(err, code) || err.Error() != failure.Error() {
			t.Errorf("Order: %v, want %v", err, failure)
		}
		_, err = c.Trigger(t.Context(), client.Trigger{Targets: []string{"api"}, Action: "x"})
		if !isReply(err, code) {
			t.Errorf("Trigger: %v", err)
		}
	}
}

func TestResultsOfSomeWorkersComeBesideTheError(t *testing.T) {
	c := serve(t, &fake{apps: twoApps(), err: errors.New("api/1: no answer"), replies: []json.RawMessage{json.RawMessage(`1`)}})
	given, err := c.Trigger(t.Context(), client.Trigger{Targets: []string{"api"}, Action: "x"})
	if len(given) != 1 || err == nil || err.Error() != "api/1: no answer" {
		t.Errorf("Trigger: %s, %v", given, err)
	}
	n, err := c.Send(t.Context(), client.Message{Targets: []string{"api"}, Message: json.RawMessage(`1`)})
	if n != 1 || err == nil || err.Error() != "api/1: no answer" {
		t.Errorf("Send: %d, %v", n, err)
	}
}

func TestHeadersAreNotWaitedForForEver(t *testing.T) {
	s, err := Serve(context.Background(), options(t, &fake{}))
	if err != nil {
		t.Fatal(err)
	}
	defer closeServer(t, s)
	if s.http.ReadHeaderTimeout == 0 || s.http.MaxHeaderBytes == 0 {
		t.Error("a client may keep a connection busy with its headers")
	}
}
