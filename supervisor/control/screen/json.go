package screen

import (
	"encoding/json"
	"io"
	"math"

	"gorun/supervisor/control/client"
)

// ListJSON prints the apps as the API tells them.
func ListJSON(out io.Writer, now client.Overview) error {
	apps := now.Apps
	if apps == nil {
		apps = []client.App{}
	}
	return indented(out, apps)
}

// JList prints the workers as `pm2 jlist` does, as far as gorun knows them and
// without any environment.
func JList(out io.Writer, before, now client.Overview) error {
	rates := Rates(before, now)
	list := []pm2Worker{}
	for _, app := range now.Apps {
		for _, w := range app.Workers {
			list = append(list, pm2Worker{
				Pid: w.Pid, Name: app.Name, ID: w.ID,
				Env:   pm2EnvOf(app, w),
				Monit: pm2Monit{Memory: w.Memory, CPU: math.Round(rates[w.ID]*10) / 10},
			})
		}
	}
	return indented(out, list)
}

// pm2Worker has the names and the order of pm2's fields.
type pm2Worker struct {
	Pid   int      `json:"pid"`
	Name  string   `json:"name"`
	Env   pm2Env   `json:"pm2_env"`
	ID    int      `json:"pm_id"`
	Monit pm2Monit `json:"monit"`
}

type pm2Monit struct {
	Memory int64   `json:"memory"`
	CPU    float64 `json:"cpu"`
}

type pm2Env struct {
	Name        string   `json:"name"`
	Namespace   string   `json:"namespace"`
	ID          int      `json:"pm_id"`
	Instance    int      `json:"NODE_APP_INSTANCE"`
	Instances   int      `json:"instances"`
	Status      string   `json:"status"`
	Uptime      int64    `json:"pm_uptime"` // when the process started, in Unix milliseconds
	Created     int64    `json:"created_at"`
	Restarts    uint64   `json:"restart_time"`
	Unstable    int      `json:"unstable_restarts"`
	ExitCode    *int     `json:"exit_code,omitempty"`
	Mode        string   `json:"exec_mode"`
	Interpreter string   `json:"exec_interpreter"`
	Script      string   `json:"pm_exec_path"`
	MemoryLimit int64    `json:"max_memory_restart,omitempty"`
	Monitor     pm2Axm   `json:"axm_monitor"`
	Actions     []string `json:"axm_actions"`
}

// pm2Axm has what the app itself reports, by name.
type pm2Axm map[string]pm2Figure

type pm2Figure struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

func pm2EnvOf(app client.App, w client.Worker) pm2Env {
	env := pm2Env{
		Name: app.Name, Namespace: app.Namespace, ID: w.ID, Instance: w.Instance, Instances: app.Desired,
		Status: w.State, Restarts: w.Restarts, Unstable: w.Unstable,
		Mode: app.Mode + "_mode", Interpreter: app.Interpreter, Script: app.Script,
		MemoryLimit: app.MemoryLimit, Actions: []string{}, Monitor: pm2Axm{},
	}
	for _, c := range w.Custom {
		env.Monitor[c.Name] = pm2Figure{c.Value, c.Unit}
	}
	if w.Started != nil {
		env.Uptime = w.Started.UnixMilli()
		env.Created = env.Uptime
	}
	if w.LastExit != nil {
		env.ExitCode = &w.LastExit.Code
	}
	return env
}

// indented prints a value for readers who may be people.
func indented(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
