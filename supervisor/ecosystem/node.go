package ecosystem

import "gorun/supervisor/spec"

// warnWithoutNode warns of keys that need Node's IPC channel, of scripts that node
// does not run directly. Options may be meant for the other apps.
func (b *builder) warnWithoutNode() {
	for _, key := range []string{"shutdown_with_message", "node_metrics", "relay_messages"} {
		if s := b.settings[key]; !b.app.Node && s.at.option == "" && b.settings.enabled(key, b.report) {
			b.report.warn(s.at, "%s has no effect: it needs a script that node runs directly, and %s is not one", s.name, quote(b.app.Script))
		}
	}
	if m := b.app.Metrics; m != nil && m.IPC && b.app.Sharing != spec.ShareNode {
		b.report.warn(b.settings["metrics"].at, "metrics.ipc: prom-client answers only in Node's cluster mode; set exec_mode: cluster")
	}
}
