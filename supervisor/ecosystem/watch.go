package ecosystem

import (
	"path/filepath"
	"strings"
	"time"

	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
	"gorun/supervisor/trigger"
)

// triggerKeys configure restarts by schedule and by changed files. Their order
// counts: watch_options adds to ignore_watch.
func (b *builder) triggerKeys() []Key {
	return []Key{
		{Name: "cron_restart", Aliases: []string{"cron"}, Type: typeOf(setting.schedule, &b.app.Cron, ref("text")), Doc: "Restarts by schedule: 5 fields, or 6 with seconds first, CRON_TZ=Zone before them if you like; in cluster mode without a gap. With autorestart: false a job of the clock."},
		{Name: "watch", Type: watchPathsVar(&b.watch.Paths), Default: "false", Doc: "Restarts when files change: true for all below cwd, or a path or list of paths; in cluster mode without a gap."},
		{Name: "ignore_watch", Type: textsVar(&b.watch.Ignore), Doc: "Files that watch ignores: names, globs, paths; dot-files and node_modules by default."},
		{Name: "watch_delay", Type: durationVar(&b.watch.Delay), Default: "200ms", Doc: "Quiet time after a change, before the restart."},
		{Name: "watch_options", Type: watchOptionsVar(&b.watch), Default: "{}", Doc: "Options of watch, as chokidar has them."},
	}
}

func (s setting) schedule(r *report) string {
	words := strings.TrimSpace(s.text(r))
	if _, err := trigger.ParseSchedule(words); err != nil {
		s.wrong(r, "%v", err)
	}
	return words
}

// watchOptionsVar has those of chokidar's options that make sense here.
func watchOptionsVar(field *spec.Watch) Type {
	return Type{object: func() object {
		var polls bool
		var interval time.Duration
		var ignored []string
		return object{
			example: "{usePolling: true}",
			open:    true,
			keys: []Key{
				{Name: "follow_symlinks", Type: boolVar(&field.FollowSymlinks), Default: "true", Doc: "Whether the targets of symbolic links are watched."},
				{Name: "use_polling", Type: boolVar(&polls), Default: "false", Doc: "Polls instead of using inotify, for network shares and folders of another system."},
				{Name: "interval", Type: durationVar(&interval), Default: "100ms", Doc: "Interval of polling."},
				{Name: "ignored", Type: textsVar(&ignored), Doc: "Added to ignore_watch."},
				{Name: "persistent", NoEffect: true, Doc: "One of chokidar's options.", Aliases: []string{
					"ignore_initial", "cwd", "disable_globbing", "use_fs_events", "always_stat", "depth", "binary_interval", "ignore_permission_errors", "atomic", "await_write_finish",
				}},
			},
			done: func(scope, setting) {
				field.Ignore = append(field.Ignore, ignored...)
				if polls {
					field.Poll = interval
				}
			},
		}
	}}
}

// chooseWatch decides whether files are watched.
func (b *builder) chooseWatch() {
	w := b.watch
	if len(w.Paths) == 0 {
		return
	}
	w.Dir = b.app.Dir
	if len(w.Ignore) > 0 {
		w.Ignore = append(w.Ignore, ownFiles(b.app.Logs, b.app.PidFile)...)
	}
	if err := trigger.Watch(w).Valid(); err != nil {
		b.settings["watch"].wrong(b.report, "%v", err)
		return
	}
	b.app.Watch = &w
}

// ownFiles are the app's own output files: each line would be a change.
func ownFiles(conf logs.Config, pidFile string) []string {
	var files []string
	for _, path := range []string{conf.OutFile, conf.ErrorFile, conf.File, pidFile} {
		if path != "" {
			extension := filepath.Ext(path)
			files = append(files, strings.TrimSuffix(path, extension)+"*")
		}
	}
	return files
}

// watchPathsVar makes the paths absolute; there are none when nothing is watched.
func watchPathsVar(field *[]string) Type {
	return Type{forms: []any{ref("boolean"), ref("words")}, set: func(in scope, s setting) {
		if s.value.kind == boolean || s.value.kind == text && (s.value.text == "true" || s.value.text == "false") {
			if s.bool(in.report) {
				*field = []string{in.programs.dir}
			}
			return
		}
		for _, path := range s.texts(in.report) {
			if i := strings.IndexAny(path, "*?[{"); i >= 0 {
				path = filepath.Dir(path[:i] + "x") // the part before a glob
			}
			*field = append(*field, absolute(in.programs.dir, path))
		}
	}}
}
