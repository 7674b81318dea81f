package client

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gorun/supervisor/status"
)

func appNamed(name, namespace string, firstID, count int) status.App {
	a := status.App{Name: name, Namespace: namespace}
	for i := range count {
		a.Workers = append(a.Workers, status.Worker{App: name, Instance: i, ID: firstID + i})
	}
	return a
}

// shop has an app that is called like an id, and one like another's worker.
func shop() []status.App {
	return []status.App{
		appNamed("web", "front", 0, 2), appNamed("api", "back", 2, 3), appNamed("1", "back", 5, 1), appNamed("api/9", "default", 6, 1),
	}
}

func whole(app string) status.Target {
	return status.Target{App: app, Instance: status.EveryWorker}
}

func TestResolve(t *testing.T) {
	one := func(app string, instance int) status.Target {
		return status.Target{App: app, Instance: instance}
	}
	for _, test := range []struct {
		name  string
		words []string
		want  []status.Target
	}{
		{"a name", []string{"api"}, []status.Target{whole("api")}},
		{"an id", []string{"3"}, []status.Target{one("api", 1)}},
		{"a name like an id", []string{"1"}, []status.Target{whole("1")}},
		{"a namespace", []string{"back"}, []status.Target{whole("api"), whole("1")}},
		{"all", []string{"all"}, []status.Target{whole("web"), whole("api"), whole("1"), whole("api/9")}},
		{"an instance", []string{"api/2"}, []status.Target{one("api", 2)}},
		{"a name like an instance", []string{"api/9"}, []status.Target{whole("api/9")}},
		{"an instance of a name with a slash", []string{"api/9/0"}, []status.Target{one("api/9", 0)}},
		{"a pattern", []string{"/^(web|1)$/"}, []status.Target{whole("web"), whole("1")}},
		{"the order of the words", []string{"api", "web"}, []status.Target{whole("api"), whole("web")}},
		{"the same twice", []string{"2", "api/0", "web", "web"}, []status.Target{one("api", 0), whole("web")}},
		{"an app and its worker", []string{"3", "api", "4"}, []status.Target{whole("api")}},
	} {
		got, err := Resolve(test.words, shop())
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: resolve(%q) = %v, %v, want %v", test.name, test.words, got, err, test.want)
		}
	}
}

func TestResolveSaysWhatThereIs(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"foo"}, `no app, namespace or id "foo"; there are: 1, api, api/9, web`},
		{[]string{"api", "wbe"}, `no app, namespace or id "wbe"; there are: 1, api, api/9, web; did you mean web?`},
		{[]string{"Frnt"}, `no app, namespace or id "Frnt"; there are: 1, api, api/9, web; did you mean front?`},
		{[]string{"03"}, `no app, namespace or id "03"`},
		{[]string{"+3"}, `no app, namespace or id "+3"`},
		{[]string{"99999999999999999999"}, `no app, namespace or id "9999`},
		{[]string{"web/7"}, `no app, namespace or id "web/7"; there are: web/0, web/1`},
		{[]string{"/^zzz/"}, `no app, namespace or id "/^zzz/"`},
		{[]string{""}, `no app, namespace or id ""`},
		{[]string{"/(/"}, "read the pattern /(/: error parsing regexp"},
		{nil, "name a target"},
	} {
		_, err := Resolve(test.words, shop())
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("resolve(%q): %v, want %s", test.words, err, test.want)
		}
	}
	if _, err := Resolve([]string{"all"}, nil); err == nil || !strings.Contains(err.Error(), "there are none") {
		t.Errorf("resolve in nothing: %v", err)
	}
}

func FuzzResolve(f *testing.F) {
	for _, word := range []string{"api", "3", "all", "/a|b/", "/(/", "api/1", "back", "//", "/", "api/", "-1", "\xff/\x00"} {
		f.Add(word, "web")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		apps := shop()
		targets, err := Resolve([]string{one, two}, apps)
		if err != nil {
			if len(targets) != 0 || err.Error() == "" {
				t.Fatalf("%v with %v", targets, err)
			}
			if unknown, ok := errors.AsType[*UnknownTargetError](err); ok && unknown.Word != one && unknown.Word != two {
				t.Fatalf("%q is unknown, asked for %q and %q", unknown.Word, one, two)
			}
			return
		}
		for i, target := range targets {
			if slices.Contains(targets[:i], target) || target.Instance != status.EveryWorker && slices.Contains(targets, whole(target.App)) {
				t.Fatalf("%v is named twice", target)
			}
			if !slices.ContainsFunc(apps, func(a status.App) bool { return a.Name == target.App && target.Instance < len(a.Workers) }) {
				t.Fatalf("%v is none of the apps", target)
			}
		}
	})
}
