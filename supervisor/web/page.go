package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"text/template"
	"text/template/parse"
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
	version  string
	policy   string // Content-Security-Policy
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
		template: newTemplate(),
		version:  version,
		policy: "default-src 'none'; style-src " + hashOf(pageCSS) + "; script-src " + hashOf(pageJS) +
			"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

// newTemplate parses the page. Every value that it shows is escaped for text and for
// quoted attributes, and it shows none elsewhere: html/template, which would find out
// where a value stands, is a hundredth of gorun's size.
func newTemplate() *template.Template {
	page := template.Must(template.New("page").Parse(pageHTML))
	template.Must(page.New("style").Parse(pageCSS))
	template.Must(page.New("script").Parse(pageJS))
	for _, one := range page.Templates() {
		escape(one.Root)
	}
	return page
}

// escape adds "| html" to each action that shows a value.
func escape(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, inner := range n.Nodes {
			escape(inner)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier("html")}})
		}
	case *parse.IfNode:
		escape(n.List)
		escape(n.ElseList)
	case *parse.RangeNode:
		escape(n.List)
		escape(n.ElseList)
	case *parse.WithNode:
		escape(n.List)
		escape(n.ElseList)
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
		Version: p.version, pageStatus: newPageStatus(snapshot, now), Events: newEventViews(p.source.Recent(eventsAsked), now),
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
