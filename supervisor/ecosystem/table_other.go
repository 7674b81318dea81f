package ecosystem

// ignoredKeys make no sense in a container: accepted, and named once.
var ignoredKeys = [...]Key{
	{Name: "automation", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's agent."},
	{Name: "autofork", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's daemon."},
	{Name: "deep_monitoring", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's agent."},
	{Name: "disable_trace", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's agent."},
	{Name: "event_loop_inspector", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's agent."},
	{Name: "execute_command", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's daemon."},
	{Name: "force", Kind: Mixed, Status: NoEffect, Doc: "Starts a script twice in pm2's daemon."},
	{Name: "install_url", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's modules."},
	{Name: "instance_id", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's daemon."},
	{Name: "kill_retry_time", Kind: Mixed, Status: NoEffect, Doc: "gorun asks the kernel instead of trying again."},
	{Name: "km_link", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's agent."},
	{Name: "PM2_HOME", Aliases: []string{"pm2_home"}, Kind: Mixed, Status: NoEffect, Doc: "gorun keeps no folder."},
	{Name: "post_update", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's deployment."},
	{Name: "trace", Aliases: []string{"tracing"}, Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's agent."},
	{Name: "username", Kind: Mixed, Status: NoEffect, Doc: "Noted by pm2's daemon only; uid says whom to run as."},
	{Name: "v8", Kind: Mixed, Status: NoEffect, Doc: "Part of pm2's agent."},
	{Name: "vizion", Aliases: []string{"vizion_running"}, Kind: Mixed, Status: NoEffect, Doc: "Reads version control in pm2's daemon."},
	{Name: "windows_hide", Kind: Mixed, Status: NoEffect, Doc: "gorun runs on Linux only."},
	{Name: "write", Kind: Mixed, Status: NoEffect, Doc: "Writes logs in pm2's daemon."},
}

// topKeys stand beside apps.
var topKeys = [...]Key{
	{Name: "apps", Kind: Mixed, Place: AtTop, Doc: "The apps: a list of entries, one entry, or a mapping of names to entries."},
	{Name: "pm2", Kind: Mixed, Place: AtTop, Doc: "The same as apps, or a mapping that has apps in it."},
	{Name: "shutdown_delay", Kind: Duration, Default: "0", Place: AtTop, Doc: "Between the first SIGTERM and the stop of the workers: time for the load balancer to notice."},
	{Name: "deploy", Kind: Mixed, Place: AtTop, Status: NoEffect, Doc: "pm2's deployment over ssh."},
}
