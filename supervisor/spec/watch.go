package spec

import "time"

// Watch says which files an app's restarts depend on: pm2's watch,
// ignore_watch, watch_delay and watch_options.
type Watch struct {
	// Paths are absolute: files, and directories with everything below them.
	// One that does not exist is waited for.
	Paths []string
	// Dir is the app's working directory. Entries of Ignore that have a slash
	// are relative to it or to a watched path; reported names to the first that
	// holds them. Empty: to the watched path only.
	Dir string
	// Ignore lists what to overlook, with everything below it:
	//
	//	node_modules     a name, at any depth
	//	*.log            a glob over one name, at any depth: * ? [a-z] {a,b}
	//	client/img       a path or glob below Dir or a watched path
	//	**/tmp/*.json    ** stands for any number of directories, none included
	//	/var/lib/app     an absolute path or glob
	//	[\/\\]\./        dot-files; the only regular expression understood
	//
	// Empty: dot-files and node_modules. The paths themselves are never ignored.
	Ignore []string
	// Delay is how long files must rest before fire, at least 50 ms. Files that
	// never rest hold it up for ten times as long, at least 2 s.
	Delay time.Duration
	// Poll makes Run compare the files at this interval, for file systems that
	// do not tell of changes (network shares, folders of a Mac). Zero: inotify.
	Poll time.Duration
	// FollowSymlinks watches what links lead to; without it only the links.
	FollowSymlinks bool
}
