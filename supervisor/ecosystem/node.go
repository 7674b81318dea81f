package ecosystem

import "gorun/supervisor/spec"

// ofNode warns of what only scripts can have that node runs itself: it comes by
// their IPC channel. Options may be meant for the other apps.
func (d *draft) ofNode() {
	for _, key := range []string{"shutdown_with_message", "node_metrics"} {
		if s := d.setting(key); !d.app.Node && s.at.option == "" && d.on(key) {
			d.report.warn(s.at, "%s has no effect: it is for scripts that node runs itself, and %s is none", s.name, quote(d.app.Script))
		}
	}
	if m := d.app.Metrics; m != nil && m.IPC && d.app.Sharing != spec.ShareNode {
		d.report.warn(d.setting("metrics").at, "metrics.ipc: prom-client answers in Node's cluster alone; set exec_mode: cluster")
	}
}
