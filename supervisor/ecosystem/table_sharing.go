package ecosystem

import (
	"time"

	"gorun/supervisor/spec"
)

// sharingKeys say how workers share their ports, and when they are ready.
var sharingKeys = [...]Key{
	{Name: "sharing", Kind: Text, Default: "auto", Doc: "How workers in cluster mode come to share a port: node (Node's cluster protocol), intercept (any program), inherit (the sockets of listen), none; auto chooses."},
	{Name: "balance", Kind: Text, Default: "spread", Doc: "How connections are spread over workers: spread (at random), sticky (by the client's address), shared (one socket for all)."},
	{Name: "listen", Kind: Mixed, Doc: "Sockets that gorun opens and passes on (LISTEN_FDS): a list of 8080, 127.0.0.1:8080, [::1]:8080 or /path, or a mapping of names to these."},
	{Name: "wait_ready", Kind: Bool, Default: "false", Doc: "Waits until a worker says that it is ready, process.send('ready') in Node or READY=1 by sd_notify elsewhere, for at most listen_timeout."},
	{Name: "drain_timeout", Kind: Duration, Doc: "How much of kill_timeout a worker may take to finish what it has accepted; half of it by default."},
	{Name: "drain_idle", Kind: Duration, Default: "1s", Doc: "How long a connection must have been idle, in both directions, before a worker that is being stopped counts as done with it.", set: into((*report).duration, func(a *spec.App) *time.Duration { return &a.DrainIdle })},
	{Name: "reload_parallel", Kind: Integer, Doc: "How many workers a reload replaces at a time; a quarter of them by default.", set: into((*report).count, func(a *spec.App) *int { return &a.ReloadParallel })},
	{Name: "reload_fallback", Kind: Text, Default: "keep", Doc: "What a reload does when a replacement does not become ready: keep (the old worker stays, the reload stops) or restart (as pm2: the old one is stopped, then a new one started)."},
}
