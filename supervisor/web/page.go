package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"gorun/supervisor/status"

	_ "embed"
)

// pageSource is the supervisor as the page needs it.
type pageSource interface {
	Sample() status.Snapshot
	Recent(n int) []status.Event // the latest n, in any order
}

// statusPage is the page at "/": one document that needs no other. It is complete
// without JavaScript and refreshes itself with it. It shows neither environment, nor
// arguments, nor messages of workers.
type statusPage struct {
	source   pageSource
	template *template.Template
	frame    frame
	policy   string // Content-Security-Policy
}

// frame is what is around the status: the same in each answer.
type frame struct {
	Version string
	Style   template.CSS
	Script  template.JS
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// newPage makes the page of a gorun of that version, "" if it is unknown.
func newPage(source pageSource, version string) *statusPage {
	return &statusPage{
		source:   source,
		template: template.Must(template.New("page").Parse(pageHTML)),
		frame:    frame{Version: version, Style: template.CSS(pageCSS), Script: template.JS(pageJS)},
		policy: "default-src 'none'; style-src " + hashOf(pageCSS) + "; script-src " + hashOf(pageJS) +
			"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

// hashOf allows an inline element of this content.
func hashOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// ServeHTTP answers for "/" alone. With ?fragment, which the page's script requests,
// it leaves the frame out.
func (p *statusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "read-only", http.StatusMethodNotAllowed)
		return
	}
	name := "page"
	if r.URL.Query().Has("fragment") {
		name = "main"
	}
	var body bytes.Buffer
	if err := p.write(&body, name); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	p.head(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	if r.Method == http.MethodGet {
		_, _ = body.WriteTo(w) // the client may be gone
	}
}

func (p *statusPage) write(body *bytes.Buffer, name string) error {
	snapshot, now := p.source.Sample(), time.Now()
	return p.template.ExecuteTemplate(body, name, view{
		frame: p.frame, pageStatus: newPageStatus(snapshot, now), Events: newEventViews(p.source.Recent(eventsAsked), now),
	})
}

func (p *statusPage) head(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
