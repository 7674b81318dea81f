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

// Watched is whoever the page tells about.
type Watched interface {
	Sample() status.Snapshot
	Recent(n int) []status.Event // the latest n, in any order
}

// Page is the status page at "/". One document without any other: it is
// complete without JavaScript and live with it. It tells neither environment,
// nor arguments, nor what workers send.
type Page struct {
	source   Watched
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

// NewPage makes the page of a gorun of that version, "" if it is unknown.
func NewPage(source Watched, version string) *Page {
	return &Page{
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

// ServeHTTP answers for "/" alone. With ?fragment, which the page's script asks
// for, it leaves the frame out.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

func (p *Page) write(body *bytes.Buffer, name string) error {
	snapshot := p.source.Sample()
	shown := view{frame: p.frame, pageStatus: statusOf(snapshot, time.Now())}
	shown.Events = eventsOf(p.source.Recent(eventsAsked), time.Now())
	return p.template.ExecuteTemplate(body, name, shown) //nolint:wrapcheck // says what failed
}

func (p *Page) head(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
