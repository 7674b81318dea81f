package ecosystem

// ignoredKeys make no sense in a container: accepted, and named once.
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
		{Name: "username", NoEffect: true, Doc: "Noted by pm2's daemon only; uid says whom to run as."},
		{Name: "v8", NoEffect: true, Doc: "Part of pm2's agent."},
		{Name: "vizion", Aliases: []string{"vizion_running"}, NoEffect: true, Doc: "Reads version control in pm2's daemon."},
		{Name: "windows_hide", NoEffect: true, Doc: "gorun runs on Linux only."},
		{Name: "write", NoEffect: true, Doc: "Writes logs in pm2's daemon."},
	}
}

// topKeys stand beside apps.
func (l *loader) topKeys() []Key {
	return []Key{
		{Name: "apps", Doc: "The apps: a list of entries, one entry, or a mapping of names to entries."},
		{Name: "pm2", Doc: "The same as apps, or a mapping that has apps in it."},
		{Name: "shutdown_delay", Type: durationVar(&l.file.ShutdownDelay), Default: "0", Doc: "Between the first SIGTERM and the stop of the workers: time for the load balancer to notice."},
		{Name: "deploy", NoEffect: true, Doc: "pm2's deployment over ssh."},
	}
}
