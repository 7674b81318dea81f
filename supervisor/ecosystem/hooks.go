package ecosystem

import (
	"strings"

	"gorun/supervisor/hooks"
)

// hookKeys say who is told of what becomes of workers.
var hookKeys = [...]Key{
	{Name: "on_exit", Kind: Mixed, Doc: "Who is told when a worker ends that nobody has stopped: {exec: [./notify.sh]} or {webhook: https://…}, with timeout (10s) and retries (3), or a list of these; see hooks.md."},
	{Name: "on_restart", Kind: Mixed, Doc: "Who is told when a worker runs again that nobody has restarted: after its end, or for its memory, health, schedule or files; as on_exit."},
	{Name: "on_giveup", Kind: Mixed, Doc: "Who is told when a worker has failed too often in a row and is errored; as on_exit."},
}

const hookExample = "{exec: [./notify.sh]} or {webhook: https://…}"

// hooks reads who is told of what.
func (d *draft) hooks() {
	d.app.OnExit = d.hooksOf("on_exit")
	d.app.OnRestart = d.hooksOf("on_restart")
	d.app.OnGiveup = d.hooksOf("on_giveup")
}

// hooksOf reads one hook, or a list of them.
func (d *draft) hooksOf(key string) []hooks.Hook {
	s := d.setting(key)
	if !s.given() || s.value.kind == boolean && !d.report.bool(s) {
		return nil
	}
	items := s.value.list
	if s.value.kind != list {
		items = []value{s.value}
	}
	var all []hooks.Hook
	for _, item := range items {
		if hook, ok := d.hook(s.item(item)); ok {
			all = append(all, hook)
		}
	}
	return all
}

func (d *draft) hook(s setting) (hooks.Hook, bool) {
	if s.value.kind != mapping {
		// Not its text: it may be a webhook's URL.
		d.report.wrong(s, "that is no hook; write %s: %s", s.name, hookExample)
		return hooks.Hook{}, false
	}
	hook, before := hooks.Defaults(), len(d.report.mistakes)
	for _, e := range s.value.entries {
		d.hookEntry(&hook, s.inner(e), e.key)
	}
	if len(d.report.mistakes) > before {
		return hook, false
	}
	if err := hook.Valid(); err != nil {
		d.report.wrong(s, "%v", err)
		return hook, false
	}
	return hook, true
}

func (d *draft) hookEntry(hook *hooks.Hook, s setting, key string) {
	switch strings.ToLower(key) {
	case "exec":
		hook.Exec = d.execCheck(s)
	case "webhook":
		hook.Webhook = d.report.text(s)
		if err := hooks.ValidURL(hook.Webhook); err != nil {
			d.report.wrong(s, "%v", err)
		}
	case "timeout":
		hook.Timeout = d.report.duration(s)
	case "retries":
		hook.Retries = int(d.report.between(s, 0, 100))
	default:
		d.strange(s, key, "exec", "webhook", "timeout", "retries")
	}
}
