package ecosystem

// ignoredKeys are accepted and have no effect: they make no sense in a container.
func ignoredKeys() []Key {
	return []Key{
		{Name: "automation", NoEffect: true, Doc: "Part of pm2's agent."},
		{Name: "autofork", NoEffect: true, Doc: "Part of pm2's daemon."},
		{Name: "deep_monitoring", NoEffect: true, Doc: "Part of pm2's agent."},
		{Name: "disable_trace", NoEffect: true, Doc: "Part of pm2's agent."},
		{Name: "event_loop_inspector", NoEffect: true, Doc: "Part of pm2's agent."},
		{Name: "execute_command", NoEffect: true, Doc: "Part of pm2's daemon."},
		{Name: "force", NoEffect: true, Doc: "Starts a script twice in pm2's daemon."},
		{Name: "install_url", NoEffect: true, Doc: "Part of pm2's modules."},
		{Name: "instance_id", NoEffect: true, Doc: "Part of pm2's daemon."},
		{Name: "kill_retry_time", NoEffect: true, Doc: "gorun asks the kernel instead of trying again."},
		{Name: "km_link", NoEffect: true, Doc: "Part of pm2's agent."},
		{Name: "PM2_HOME", Aliases: []string{"pm2_home"}, NoEffect: true, Doc: "gorun keeps no folder."},
		{Name: "post_update", NoEffect: true, Doc: "Part of pm2's deployment."},
		{Name: "trace", Aliases: []string{"tracing"}, NoEffect: true, Doc: "Part of pm2's agent."},
		{Name: "username", NoEffect: true, Doc: "Recorded by pm2's daemon only; see uid."},
		{Name: "v8", NoEffect: true, Doc: "Part of pm2's agent."},
		{Name: "vizion", Aliases: []string{"vizion_running"}, NoEffect: true, Doc: "Reads version control in pm2's daemon."},
		{Name: "windows_hide", NoEffect: true, Doc: "gorun runs on Linux only."},
		{Name: "write", NoEffect: true, Doc: "Writes logs in pm2's daemon."},
	}
}
