package web

import (
	"flag"
	"fmt"
	htmltemplate "html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"text/template"
	"time"

	"gorun/supervisor/status"
)

var update = flag.Bool("update", false, "write the golden files")

// open asks a page for a target.
func open(t *testing.T, source pageSource, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	newPage(source, "1.2.3").ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody))
	return recorder
}

func TestPageShowsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const file = "testdata/page.golden.html"
		got := open(t, threeApps(time.Now()), http.MethodGet, "/?fragment").Body.String()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs (-update writes it anew)\n%s", file, got)
		}
	})
}

func TestPageIsOneDocument(t *testing.T) {
	page := open(t, threeApps(time.Now()), http.MethodGet, "/").Body.String()
	for _, part := range []string{
		"<!doctype html>", `<html lang="en">`, "<title>✗ api: 2 of 4 online</title>", `<noscript><meta http-equiv="refresh" content="5"></noscript>`,
		"<main ", "</main>", `aria-live="polite"`, "gorun 1.2.3",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("%q is missing", part)
		}
	}
	foreign := strings.ReplaceAll(page, "http://www.w3.org/2000/svg", "") // a namespace, which nobody fetches
	if outside := regexp.MustCompile(`(?i)\bsrc(set)?=|@import|url\(|https?://|href="//`).FindString(foreign); outside != "" {
		t.Errorf("the page refers to something outside: %q", outside)
	}
	if inline := regexp.MustCompile(`(?i)<[^>]* (style|on[a-z]+)=`).FindString(page); inline != "" {
		t.Errorf("the policy forbids %q", inline)
	}
}

func TestPageIsSmall(t *testing.T) {
	const limit = 30 << 10
	if size := open(t, threeApps(time.Now()), http.MethodGet, "/").Body.Len(); size > limit {
		t.Errorf("%d bytes, want at most %d", size, limit)
	}
}

func TestPageAllowsItsOwnStyleAndScriptOnly(t *testing.T) {
	answer := open(t, threeApps(time.Now()), http.MethodGet, "/")
	policy := answer.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, name := range []string{"style", "script"} {
		elements := regexp.MustCompile(`(?s)<`+name+`>(.*?)</`+name+`>`).FindAllStringSubmatch(answer.Body.String(), -1)
		if len(elements) != 1 || !strings.Contains(policy, name+"-src "+hashOf(elements[0][1])+";") {
			t.Errorf("%d %s elements, of which the policy does not allow one: %s", len(elements), name, policy)
		}
	}
}

func TestPageHeaders(t *testing.T) {
	for _, target := range []string{"/", "/?fragment"} {
		header := open(t, threeApps(time.Now()), http.MethodGet, target).Header()
		for name, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestPageIsReadOnly(t *testing.T) {
	for _, test := range []struct {
		method, target string
		code           int
	}{
		{http.MethodGet, "/", 200},
		{http.MethodHead, "/", 200},
		{http.MethodGet, "/index.html", 404},
		{http.MethodGet, "//", 404},
		{http.MethodPost, "/", 405},
		{http.MethodDelete, "/?fragment", 405},
		{http.MethodOptions, "/", 405},
	} {
		answer := open(t, threeApps(time.Now()), test.method, test.target)
		if answer.Code != test.code {
			t.Errorf("%s %s: %d, want %d", test.method, test.target, answer.Code, test.code)
		}
		if allow := answer.Header().Get("Allow"); (allow == "GET, HEAD") != (test.code == 405) {
			t.Errorf("%s %s: Allow %q", test.method, test.target, allow)
		}
	}
}

func TestPageHeadHasNoBody(t *testing.T) {
	answer := open(t, threeApps(time.Now()), http.MethodHead, "/")
	if answer.Body.Len() > 0 || answer.Header().Get("Content-Length") == "0" {
		t.Errorf("%d bytes, Content-Length %s", answer.Body.Len(), answer.Header().Get("Content-Length"))
	}
}

// threeAppsNamed is threeApps with that name in every text.
func threeAppsNamed(name string) *fakeSupervisor {
	source := threeApps(time.Now())
	for i := range source.snapshot.Apps {
		app := &source.snapshot.Apps[i]
		app.Name, app.Blocked, app.Namespace = name, name, name
		for j := range app.Workers {
			app.Workers[j].LastExit = &status.Exit{Text: name}
		}
	}
	for i := range source.events {
		source.events[i].App, source.events[i].Text = name, name
	}
	return source
}

func TestPageEscapesHostileNames(t *testing.T) {
	for _, name := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onload='alert(1)`, `</title><script>alert(1)</script>`, "{{.}}\x00\xff",
		"</style></main><!--", `javascript:alert(1)`,
	} {
		page := open(t, threeAppsNamed(name), http.MethodGet, "/").Body.String()
		if strings.Contains(page, name) && strings.ContainsAny(name, `<>"'`) {
			t.Errorf("%q is not escaped", name)
		}
		plain := open(t, threeAppsNamed("plain"), http.MethodGet, "/").Body.String()
		for _, sign := range []string{"<", ">", `"`, "<script", "<!--"} {
			if got, want := strings.Count(page, sign), strings.Count(plain, sign); got != want {
				t.Errorf("%q: %q is there %d times, want %d", name, sign, got, want)
			}
		}
	}
}

// What stands outside text and quoted attributes, or is not escaped, html/template
// escapes otherwise: in each place it knows what is needed.
func TestPageEscapesAsHTMLTemplateDoes(t *testing.T) {
	const hostile = "x <script>alert('1')</script> \"y\" = `z` & a+b\x00 {{.}} //"
	now := time.Now()
	source := threeAppsNamed(hostile)
	shown := view{Version: hostile, pageStatus: newPageStatus(source.Sample(), now), Events: newEventViews(source.Recent(eventsAsked), now)}
	ours, theirs := newTemplate(), htmltemplate.Must(htmltemplate.New("page").Parse(pageHTML))
	for _, name := range []string{"style", "script"} { // they show no value
		template.Must(ours.New(name).Parse("-"))
		htmltemplate.Must(theirs.New(name).Parse("-"))
	}
	var got, want strings.Builder
	if err := ours.ExecuteTemplate(&got, "page", shown); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Execute(&want, shown); err != nil {
		t.Fatal(err)
	}
	// It escapes a plus sign, too, against UTF-7, and does not trust a URL of ours.
	theirsToo := strings.NewReplacer("&#43;", "+", "#ZgotmplZ", shown.Summary.Level.Icon()).Replace(want.String())
	ourLines, theirLines := strings.Split(got.String(), "\n"), strings.Split(theirsToo, "\n")
	for i := range min(len(ourLines), len(theirLines)) {
		if ourLines[i] != theirLines[i] {
			t.Errorf("got  %s\nwant %s", ourLines[i], theirLines[i])
		}
	}
	if len(ourLines) != len(theirLines) {
		t.Errorf("%d lines, want %d", len(ourLines), len(theirLines))
	}
}

func TestPageShortensLongNames(t *testing.T) {
	const limit = 64 << 10
	if size := open(t, threeAppsNamed(strings.Repeat("漢字", 5000)), http.MethodGet, "/").Body.Len(); size > limit {
		t.Errorf("%d bytes, want at most %d", size, limit)
	}
}

func TestPageShowsNoSecret(t *testing.T) {
	source := threeApps(time.Now())
	for i := range source.snapshot.Apps {
		source.snapshot.Apps[i].Interpreter, source.snapshot.Apps[i].Script = "/bin/s3cr3t", "run --s3cr3t"
	}
	if page := open(t, source, http.MethodGet, "/").Body.String(); strings.Contains(page, "s3cr3t") {
		t.Error("it shows what a worker has sent, or what it runs")
	}
}

func TestPageWithoutApps(t *testing.T) {
	page := open(t, &fakeSupervisor{}, http.MethodGet, "/").Body.String()
	for _, part := range []string{"<title>✓ gorun: 0 apps</title>", "There are no apps.", "none yet"} {
		if !strings.Contains(page, part) {
			t.Errorf("%q is missing", part)
		}
	}
}

// manyWorkers is an app with many workers.
func manyWorkers(n int) *fakeSupervisor {
	now := time.Now()
	return &fakeSupervisor{snapshot: status.Snapshot{Apps: []status.App{workers("api", 0, n, now)}}, events: manyEvents(now)}
}

func BenchmarkPage(b *testing.B) {
	for _, n := range []int{12, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			page, request := newPage(manyWorkers(n), ""), httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", http.NoBody)
			for b.Loop() {
				recorder := httptest.NewRecorder()
				page.ServeHTTP(recorder, request)
				_, _ = io.Copy(io.Discard, recorder.Body)
			}
		})
	}
}
