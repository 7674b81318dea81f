package trigger

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// modes are the two ways to watch; what counts is the same.
var modes = map[string]time.Duration{"inotify": 0, "polling": 5 * time.Millisecond}

// TestChanges makes changes, and a last one, after which all were seen.
func TestChanges(t *testing.T) {
	tests := []struct {
		name   string
		paths  []string // default: app
		act    func(y folder)
		want   []string // among the names
		absent []string
	}{
		{"new file", nil, func(y folder) {
			y.write("app/new.js")
		}, []string{"new.js"}, nil},
		{"written file", nil, func(y folder) {
			y.write("app/src/a.js")
		}, []string{"src/a.js"}, nil},
		{"touched file", nil, func(y folder) {
			y.touch("app/src/a.js")
		}, []string{"src/a.js"}, nil},
		{"removed file", nil, func(y folder) {
			y.remove("app/src/a.js")
		}, []string{"src/a.js"}, nil},
		{"removed directory", nil, func(y folder) {
			y.remove("app/src")
		}, []string{"src"}, nil},
		{"saved by an editor", nil, func(y folder) {
			y.write("app/src/.a.js.swp")
			y.rename("app/src/a.js", "app/src/a.js~")
			y.write("app/src/.a.js.new")
			y.rename("app/src/.a.js.new", "app/src/a.js")
			y.remove("app/src/a.js~")
		}, []string{"src/a.js"}, []string{"src/.a.js.swp"}},
		{"file beside ignored ones", nil, func(y folder) {
			y.write("app/node_modules/x/y.js")
			y.write("app/.git/index")
			y.chmod("app/src/b.js")
			y.write("app/new.js")
		}, []string{"new.js"}, []string{"node_modules", ".git", "node_modules/x/y.js", "src/b.js"}},
		{"file behind a link", nil, func(y folder) {
			y.write("elsewhere/file")
		}, []string{"link-to-file"}, nil},
		{"directory behind a link", nil, func(y folder) {
			y.write("elsewhere/dir/deep/x.js")
		}, []string{"link-to-dir/deep"}, nil},
		{"root that is a file", []string{"app/src/a.js"}, func(y folder) {
			y.write("app/src/b.js")
			y.write("app/src/a.js")
		}, []string{"a.js"}, []string{"b.js"}},
		{"root that comes later", []string{"app", "later/on/x"}, func(y folder) {
			y.write("later/on/x/y")
		}, nil, nil},
		{"release switched above the root", []string{"app", "current/src"}, func(y folder) {
			y.link("release2", "current.new")
			y.rename("current.new", "current")
		}, nil, nil},
	}
	for _, tt := range tests {
		for mode, poll := range modes {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				y := tree(t)
				w := Watch{Poll: poll, FollowSymlinks: true}
				for _, path := range tt.paths {
					w.Paths = append(w.Paths, y.at(path))
				}
				if w.Paths == nil {
					w.Paths = []string{y.at("app")}
				}
				w.Paths = append(w.Paths, y.at("sentinel"))
				f := start(t, w)
				tt.act(y)
				y.write("sentinel")
				var changed []string
				for !slices.Contains(changed, "sentinel") {
					changed = append(changed, f.next(t)...)
				}
				for _, name := range tt.want {
					if !slices.Contains(changed, name) {
						t.Errorf("changed = %q, want %q among them", changed, name)
					}
				}
				for _, name := range tt.absent {
					if slices.Contains(changed, name) {
						t.Errorf("changed = %q, want no %q", changed, name)
					}
				}
				if len(changed) == 1 {
					t.Error("the change did not fire")
				}
			})
		}
	}
}

// TestWatchGoesOn makes a change, waits for the fire and checks that the new files
// are watched too.
func TestWatchGoesOn(t *testing.T) {
	tests := []struct {
		name  string
		root  string
		act   func(y folder)
		write string // now watched
	}{
		{"in a new directory", "app", func(y folder) {
			y.mkdir("app/one/two/three")
		}, "app/one/two/three/x"},
		{"in a renamed directory", "app", func(y folder) {
			y.write("app/src/deep/er/x")
			y.rename("app/src", "app/lib")
		}, "app/lib/deep/er/new"},
		{"in a directory moved in", "app", func(y folder) {
			y.rename("release1", "app/release")
		}, "app/release/src/x"},
		{"in a recreated root", "app", func(y folder) {
			y.remove("app")
			y.write("app/src/x")
		}, "app/src/y"},
		{"in a root whose parent was recreated", "app/src", func(y folder) {
			y.remove("app")
			y.write("app/src/x")
		}, "app/src/y"},
		{"in a root whose parent was renamed", "app/src", func(y folder) {
			y.rename("app", "old")
			y.write("app/src/x")
		}, "app/src/y"},
		{"in a root that is a replaced file", "app/src/a.js", func(y folder) {
			y.write("new")
			y.rename("new", "app/src/a.js")
		}, "app/src/a.js"},
		{"in a late root", "later/on/x", func(y folder) {
			y.write("later/on/x/y")
		}, "later/on/x/z"},
		{"behind a new link", "app", func(y folder) {
			y.link("../release2", "app/release")
		}, "release2/src/x"},
		{"behind a mended link", "app/file", func(y folder) {
			y.write("app/gone/file")
		}, "app/gone/file"},
		{"behind a switched release", "current", func(y folder) {
			y.link("release2", "current.new")
			y.rename("current.new", "current")
		}, "release2/src/x"},
	}
	for _, tt := range tests {
		for mode, poll := range modes {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				y := tree(t)
				f := start(t, Watch{Paths: []string{y.at(tt.root)}, Poll: poll, FollowSymlinks: true})
				tt.act(y)
				f.next(t)
				y.write(tt.write)
				base := filepath.Base(tt.write)
				for seen := false; !seen; {
					seen = slices.ContainsFunc(f.next(t), func(name string) bool { return strings.HasSuffix(name, base) })
				}
			})
		}
	}
}

// TestConfigMapSwapFires does as the kubelet does: new files in a new dated
// directory, and one rename that publishes them.
func TestConfigMapSwapFires(t *testing.T) {
	tests := []struct {
		name  string
		root  string
		watch Watch
	}{
		{"directory", "config", Watch{FollowSymlinks: true}},
		{"directory, links not followed", "config", Watch{}},
		{"file", "config/app.yaml", Watch{FollowSymlinks: true}},
		{"link to the file", "app", Watch{FollowSymlinks: true}},
		{"dot-files ignored by pm2's expression", "config", Watch{Ignore: []string{`[\/\\]\./`}}},
	}
	for _, tt := range tests {
		for mode, poll := range modes {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				y := newFolder(t)
				y.write("config/..2026_01/app.yaml")
				y.link("..2026_01", "config/..data")
				y.link("..data/app.yaml", "config/app.yaml")
				y.mkdir("app")
				y.link("../config/app.yaml", "app/app.yaml")
				w := tt.watch
				w.Paths, w.Poll = []string{y.at(tt.root)}, poll
				f := start(t, w)
				for _, release := range []string{"..2026_02", "..2026_03"} {
					y.write("config/" + release + "/app.yaml")
					y.link(release, "config/..data_tmp")
					y.rename("config/..data_tmp", "config/..data")
					f.next(t)
				}
			})
		}
	}
}

func TestRunWatchesUntilItsContextEnds(t *testing.T) {
	y := newFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- Watch{Paths: []string{y.dir}}.Run(ctx, func([]string) { cancel() }) }()
	eventually(t, "Run watches", func() bool {
		y.write("x")
		return ctx.Err() != nil
	})
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func TestRunRefusesWhatIsNotValid(t *testing.T) {
	if err := (Watch{Paths: []string{"src"}}).Run(t.Context(), nil); err == nil {
		t.Error("Run of a relative path = nil, want an error")
	}
}
