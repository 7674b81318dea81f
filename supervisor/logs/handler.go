package logs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"
)

// linesKey is the attribute of type []string whose elements text shows as lines of their own.
const linesKey = "lines"

// newHandler writes each record to w in one piece.
func newHandler(format Format, level slog.Leveler, w io.Writer) slog.Handler {
	if level == nil {
		level = slog.LevelInfo
	}
	opt := &slog.HandlerOptions{Level: level, ReplaceAttr: replacer(format)}
	switch format {
	case JSON:
		return slog.NewJSONHandler(w, opt)
	case KeyValue:
		return slog.NewTextHandler(w, opt)
	case Raw, Tagged:
		return &textHandler{w: w, level: level}
	}
	return &textHandler{w: w, level: level}
}

// replacer gives slog's own keys the names of the workers' lines.
func replacer(format Format) func([]string, slog.Attr) slog.Attr {
	return func(groups []string, a slog.Attr) slog.Attr {
		lines, isLines := a.Value.Any().([]string)
		switch {
		case format == KeyValue && isLines:
			a.Value = slog.StringValue(strings.Join(lines, "\n"))
		case a.Value.Kind() == slog.KindDuration:
			a.Value = slog.StringValue(a.Value.Duration().String())
		case len(groups) > 0:
		case a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime:
			a = slog.String("timestamp", a.Value.Time().UTC().Format(timestampLayout))
		case a.Key == slog.MessageKey:
			a.Key = "message"
		case a.Key == slog.LevelKey:
			a.Value = slog.StringValue(strings.ToLower(a.Value.String()))
		}
		return a
	}
}

// textHandler writes `gorun: message key=value` for people: the container's log
// has the time, and only levels other than Info are named.
type textHandler struct {
	w      io.Writer
	level  slog.Leveler
	preset string // attributes of WithAttrs
	group  string // "a.b." of WithGroup
}

// Enabled implements slog.Handler.
func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle implements slog.Handler.
func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	var b, below strings.Builder
	b.WriteString("gorun: ")
	b.WriteString(levelWord(r.Level))
	b.WriteString(r.Message)
	b.WriteString(h.preset)
	r.Attrs(func(a slog.Attr) bool {
		if lines, ok := a.Value.Any().([]string); ok && a.Key == linesKey {
			for _, line := range lines {
				below.WriteString("  " + line + "\n")
			}
			return true
		}
		writeAttr(&b, h.group, a)
		return true
	})
	b.WriteByte('\n')
	b.WriteString(below.String())
	_, err := io.WriteString(h.w, b.String())
	return err
}

// WithAttrs implements slog.Handler.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		writeAttr(&b, h.group, a)
	}
	with := *h
	with.preset += b.String()
	return &with
}

// WithGroup implements slog.Handler.
func (h *textHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group += name + "."
	return &with
}

func levelWord(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error: "
	case l >= slog.LevelWarn:
		return "warning: "
	case l < slog.LevelInfo:
		return "debug: "
	}
	return ""
}

func writeAttr(b *strings.Builder, group string, a slog.Attr) {
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if a.Value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range a.Value.Group() {
			writeAttr(b, group, inner)
		}
		return
	}
	fmt.Fprintf(b, " %s%s=%s", group, a.Key, readable(a.Value))
}

// readable quotes a value that would not be read as one word.
func readable(v slog.Value) string {
	text := v.String()
	if v.Kind() == slog.KindTime {
		text = v.Time().Format(time.RFC3339)
	}
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || slices.Contains([]rune{'"', '=', unicode.ReplacementChar}, r)
	}
	if text != "" && strings.IndexFunc(text, odd) < 0 {
		return text
	}
	return string(appendQuoted(nil, []byte(text)))
}
