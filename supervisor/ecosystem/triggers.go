package ecosystem

import (
	"path/filepath"
	"strings"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/trigger"
)

// triggerKeys say what besides its end restarts a worker.
var triggerKeys = [...]Key{
	{Name: "cron_restart", Aliases: []string{"cron"}, Kind: Text, Doc: "Restarts by schedule: 5 fields, or 6 with seconds first, CRON_TZ=Zone before them if you like; in cluster mode without a gap.", set: setCron},
	{Name: "watch", Kind: Mixed, Default: "false", Doc: "Restarts when files change: true for all below cwd, or a path or list of paths; in cluster mode without a gap."},
	{Name: "ignore_watch", Kind: Texts, Doc: "What watch overlooks: names, globs, paths; dot-files and node_modules by default."},
	{Name: "watch_delay", Kind: Duration, Default: "200ms", Doc: "How long files must rest before watch restarts."},
	{Name: "watch_options", Kind: Object, Doc: "followSymlinks (true), usePolling (false), interval (100 ms) and ignored, as chokidar has them."},
}

func setCron(d *draft, s setting) {
	text := strings.TrimSpace(d.report.text(s))
	if _, err := trigger.ParseSchedule(text); err != nil {
		d.report.wrong(s, "%v", err)
		return
	}
	d.app.Cron = text
}

// watching reads what is watched, and how.
func (d *draft) watching() {
	w := &spec.Watch{Dir: d.app.Dir, FollowSymlinks: true, Delay: d.report.duration(d.setting("watch_delay"))}
	if s := d.setting("ignore_watch"); s.given() {
		w.Ignore = d.report.texts(s)
	}
	d.watchOptions(w)
	s := d.setting("watch")
	w.Paths = d.watchPaths(s)
	if len(w.Paths) == 0 {
		return
	}
	if len(w.Ignore) > 0 {
		w.Ignore = append(w.Ignore, d.ownFiles()...)
	}
	if err := trigger.Watch(*w).Valid(); err != nil {
		d.report.wrong(s, "%v", err)
		return
	}
	d.app.Watch = w
}

// ownFiles are those that the app's own output goes to: each line would be a
// change.
func (d *draft) ownFiles() []string {
	var files []string
	for _, path := range []string{d.app.Logs.OutFile, d.app.Logs.ErrorFile, d.app.Logs.File, d.app.PidFile} {
		if path != "" {
			extension := filepath.Ext(path)
			files = append(files, strings.TrimSuffix(path, extension)+"*")
		}
	}
	return files
}

// watchPaths are absolute; none when nothing is watched.
func (d *draft) watchPaths(s setting) []string {
	if s.value.kind == boolean || s.value.kind == text && (s.value.text == "true" || s.value.text == "false") {
		if d.report.bool(s) {
			return []string{d.app.Dir}
		}
		return nil
	}
	var paths []string
	for _, path := range d.report.texts(s) {
		if i := strings.IndexAny(path, "*?[{"); i >= 0 {
			path = filepath.Dir(path[:i] + "x") // the part before a glob
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(d.app.Dir, path)
		}
		paths = append(paths, filepath.Clean(path))
	}
	return paths
}

// pollInterval is chokidar's.
const pollInterval = 100 * time.Millisecond

func (d *draft) watchOptions(w *spec.Watch) {
	s := d.setting("watch_options")
	if !s.given() {
		return
	}
	interval, polls := pollInterval, false
	for _, e := range d.report.entriesOf(s, "watch_options: {usePolling: true}") {
		of := s.inner(e)
		switch strings.ToLower(strings.ReplaceAll(e.key, "_", "")) {
		case "followsymlinks":
			w.FollowSymlinks = d.report.bool(of)
		case "usepolling":
			polls = d.report.bool(of)
		case "interval":
			interval = d.report.duration(of)
		case "ignored":
			w.Ignore = append(w.Ignore, d.report.texts(of)...)
		default:
			d.report.ignore("watch_options." + e.key)
		}
	}
	if polls {
		w.Poll = interval
	}
}
