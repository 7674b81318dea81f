package ecosystem

// sharingKeys say how workers share their ports, and when they are ready.
var sharingKeys = [...]Key{
	{Name: "sharing", Kind: Text, Default: "auto", Doc: "How workers in cluster mode come to share a port: node (Node's cluster protocol), intercept (any program), inherit (the sockets of listen), none; auto chooses."},
	{Name: "balance", Kind: Text, Default: "spread", Doc: "How connections are spread over workers: spread (at random), sticky (by the client's address), shared (one socket for all)."},
	{Name: "listen", Kind: Mixed, Doc: "Sockets that gorun opens and passes on (LISTEN_FDS): a list of 8080, 127.0.0.1:8080, [::1]:8080 or /path, or a mapping of names to these."},
	{Name: "wait_ready", Kind: Bool, Default: "false", Doc: "Waits for process.send('ready') of a Node script, for at most listen_timeout."},
	{Name: "drain_timeout", Kind: Duration, Doc: "How much of kill_timeout a worker may take to finish what it has accepted; half of it by default."},
}
