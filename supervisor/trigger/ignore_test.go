package trigger

import (
	"strings"
	"testing"
)

func TestIgnore(t *testing.T) {
	const dir = "/data/.app" // names above a watched path never count
	tests := []struct {
		name   string
		root   string // below dir
		ignore []string
		yes    []string // below dir
		no     []string
	}{
		{
			"default", "", nil,
			[]string{".git/index", "a/.env", "node_modules", "a/node_modules/x/y.js"},
			[]string{"a.js", "a/b.js", "..data", "node_modules2"},
		},
		{
			"default below a dot-directory", ".next", nil,
			[]string{".next/.x"},
			[]string{".next/a"},
		},
		{
			"name at any depth", "",
			[]string{"logs"},
			[]string{"logs", "logs/a/b", "a/logs/b"},
			[]string{"logs2", "a/b", ".git/x", "node_modules/x", "a/xlogs"},
		},
		{"name with a slash behind", "", []string{"logs/"}, []string{"logs/a", "b/logs/a"}, []string{"log"}},
		{"glob over a name", "", []string{"*.log"}, []string{"a.log", "b/a.log", "b/.log"}, []string{"a.logs", "log"}},
		{"class", "", []string{"[a-c]?.js"}, []string{"a1.js", "x/c2.js"}, []string{"d1.js", "a.js"}},
		{"path", "", []string{"client/img"}, []string{"client/img", "client/img/a.png"}, []string{"img", "client/imgs", "x/client/img"}},
		{"path from here", "", []string{"./logs/*"}, []string{"logs/a", "logs/a/b"}, []string{"logs", "x/logs/a"}},
		{"name from here", "", []string{"./logs"}, []string{"logs/a"}, []string{"x/logs/a"}},
		{"path with another root", "client", []string{"client/img"}, []string{"client/img/x"}, []string{"client/x"}},
		{"path below the root", "client", []string{"img/big"}, []string{"client/img/big"}, []string{"client/big"}},
		{"never the root", "client", []string{"*", "client"}, []string{"client/a"}, []string{"client"}},
		{"any depth", "", []string{"**/tmp/*.json"}, []string{"tmp/a.json", "a/b/tmp/x.json"}, []string{"tmp/a/b.json", "a.json"}},
		{"all below", "", []string{"logs/**"}, []string{"logs", "logs/a/b"}, []string{"a/logs/b"}},
		{"in the middle", "", []string{"a/**/z"}, []string{"a/z", "a/b/c/z/y"}, []string{"a/b", "z"}},
		{"twice", "", []string{"**/a/**/b"}, []string{"x/a/a/y/b"}, []string{"x/b/a"}},
		{"braces", "", []string{"*.{db,db-{wal,shm}}", "{x,y}/z"}, []string{"a.db", "q/a.db-wal", "a.db-shm", "y/z"}, []string{"a.db-", "z"}},
		{"names and paths in braces", "", []string{"{dist,src/gen}"}, []string{"a/dist/x", "src/gen/x"}, []string{"a/src/gen", "gen"}},
		{"a name in braces that is the root's", "client", []string{"{client,src/gen}"}, []string{"client/src/gen/x"}, []string{"client/a"}},
		{"star at the end", "", []string{"src/*.log*"}, []string{"src/a.log", "src/a.log.1"}, []string{"src/a.lo"}},
		{"negated class within one name", "", []string{"logs/*[!0-9]5"}, []string{"logs/a5", "logs/5a5/x"}, []string{"logs/1/5", "logs/15"}},
		{"absolute", "", []string{"/data/.app/logs"}, []string{"logs", "logs/x"}, []string{"a/logs"}},
		{"absolute glob", "", []string{"/data/**/x-*"}, []string{"x-1", "a/x-1/b"}, []string{"x"}},
		{"upwards", "", []string{"../.app/logs"}, []string{"logs/x"}, []string{"a/logs"}},
		{"pm2's dot-files", "", []string{`[\/\\]\./`, "x"}, []string{".git/x", "a/.b", "x"}, []string{"a/b", "..data"}},
		{"escaped", "", []string{`a\*`}, []string{"a*"}, []string{"ab"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := newRules(Watch{Dir: dir + "/", Ignore: tt.ignore})
			if err != nil {
				t.Fatal(err)
			}
			root := strings.TrimSuffix(dir+"/"+tt.root, "/")
			for want, paths := range map[bool][]string{true: tt.yes, false: tt.no} {
				for _, path := range paths {
					if got := r.ignore(location{root: root, path: dir + "/" + path}); got != want {
						t.Errorf("%q ignores %q below %q: %v, want %v", tt.ignore, path, tt.root, got, want)
					}
				}
			}
		})
	}
}

func TestDirIsNoGlob(t *testing.T) {
	r, err := newRules(Watch{Dir: "/data/{a,b}[1]*/app", Ignore: []string{"../logs"}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"/data/{a,b}[1]*/logs/x": true, "/data/a1/logs/x": false} {
		if got := r.ignore(location{root: "/", path: path}); got != want {
			t.Errorf("ignores %q: %v, want %v", path, got, want)
		}
	}
}

func TestValidNamesTheEntry(t *testing.T) {
	tests := []struct{ entry, want string }{
		{"", "names nothing"},
		{".", "names nothing"},
		{"../x", "names nothing"},
		{"[a", "bad glob"},
		{"a/[b/c", "bad glob"},
		{"*.{a", "bad braces"},
		{"a}", "bad braces"},
		{"{a}", "bad braces"},
		{strings.Repeat("{a,b}", 20), "too many alternatives"},
		{"!node_modules/app", "exceptions are not supported"},
		{"^logs", "regular expressions"},
		{`\.log$`, "regular expressions"},
		{`.*\.log`, "regular expressions"},
		{"a|b", "regular expressions"},
		{"!(a)", "exceptions"},
		{"+(a)", "extended globs"},
	}
	for _, tt := range tests {
		err := Watch{Paths: []string{"/a"}, Ignore: []string{"fine", tt.entry}}.Valid()
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "ignore_watch") {
			t.Errorf("Valid() with %q = %v, want …%s…", tt.entry, err, tt.want)
		}
	}
}

func TestValidTellsEveryMistake(t *testing.T) {
	err := Watch{Paths: []string{"src"}, Ignore: []string{"[", "^a"}}.Valid()
	for _, want := range []string{`"src"`, `"["`, `"^a"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Valid() = %v, want …%s…", err, want)
		}
	}
	if err := (Watch{}).Valid(); err == nil {
		t.Error("Valid() without a path = nil")
	}
	if err := (Watch{Paths: []string{"/a"}, Ignore: []string{"logs"}}).Valid(); err != nil {
		t.Errorf("Valid() = %v, want nil", err)
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("**/a/**/{b,c*}/[x-z]", "q/a/r/s/b/y")
	f.Add(`[\/\\]\./`, ".git/x")
	f.Add("/data/../x", "x")
	f.Fuzz(func(t *testing.T, entry, path string) {
		r, err := newRules(Watch{Dir: "/data", Ignore: []string{entry}})
		if err != nil {
			return
		}
		root := location{root: "/data", path: "/data"}
		if r.ignore(root) {
			t.Fatalf("%q ignores the watched path", entry)
		}
		p := root.entry(path)
		if _, inside := below(root.path, p.path); inside && p != root && r.ignore(p) && !r.ignore(p.entry("child")) {
			t.Fatalf("%q ignores %q but not what is below", entry, path)
		}
	})
}
