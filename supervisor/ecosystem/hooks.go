package ecosystem

import (
	"strconv"

	"gorun/supervisor/hooks"
	"gorun/supervisor/spec"
)

// hookKeys configure the hooks that are run on events of workers.
func hookKeys(a *spec.App) []Key {
	return []Key{
		{Name: "on_exit", Type: hooksVar(&a.OnExit), Doc: "Hook, or list of hooks, run when a worker exits and no operator has stopped it; see hooks.md."},
		{Name: "on_restart", Type: hooksVar(&a.OnRestart), Doc: "Hooks run when a worker runs again and no operator has restarted it: after an exit, or for its memory, health, schedule or files."},
		{Name: "on_giveup", Type: hooksVar(&a.OnGiveup), Doc: "Hooks run when a worker has failed too often in a row and is errored."},
	}
}

// hooksVar is one hook, or a list of them.
func hooksVar(field *[]hooks.Hook) Type {
	return Type{object: func() object {
		hook, byDefault := new(hooks.Hook), hooks.Defaults()
		return object{
			name: "hook", list: true,
			off: true, example: "{exec: [./notify.sh]} or {webhook: https://…}",
			keys: []Key{
				{Name: "exec", Type: commandVar(&hook.Exec), Doc: "Command to run: a list, or a string split as a shell would."},
				{Name: "webhook", Type: webhookVar(&hook.Webhook), Doc: "URL to post to, http or https."},
				{Name: "timeout", Type: durationVar(&hook.Timeout), Default: byDefault.Timeout.String(), Doc: "Time limit of one try."},
				{Name: "retries", Type: intVar(&hook.Retries, 0, 100), Default: strconv.Itoa(byDefault.Retries), Doc: "Further tries after a failure."},
			},
			done: func(in scope, s setting) {
				if err := hook.Valid(); err != nil {
					s.wrong(in.report, "%v", err)
				}
				*field = append(*field, *hook)
			},
		}
	}}
}

// webhookVar is a URL. It is a secret: no message repeats it.
func webhookVar(field *string) Type {
	return Type{forms: []any{shape{"type": "string", "pattern": "^https?://"}}, set: func(in scope, s setting) {
		*field = s.text(in.report)
		if err := hooks.ValidURL(*field); err != nil {
			s.wrong(in.report, "%v", err)
		}
	}}
}
