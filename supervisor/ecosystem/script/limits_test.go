package script

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// None of these would end by itself while somebody waits.
func TestEverythingEnds(t *testing.T) {
	for name, source := range map[string]string{
		"loop":         "for (;;) {}",
		"caught loop":  "for (;;) { try { for (;;) {} } catch {} finally { for (;;) {} } }",
		"async loop":   "module.exports = (async () => { await null; for (;;) {} })()",
		"job loop":     "const again = () => Promise.resolve().then(again); module.exports = again()",
		"timer loop":   "const again = () => setTimeout(again, 1); again(); module.exports = new Promise(() => {})",
		"getter loop":  "module.exports = { get a() { for (;;) {} } }",
		"shared":       "let a = {}; for (let i = 0; i < 60; i++) a = { x: a, y: a }; module.exports = a",
		"toJSON":       "module.exports = { toJSON() { for (;;) {} } }",
		"proxy":        "module.exports = new Proxy({}, { ownKeys() { for (;;) {} } })",
		"deep":         "let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; module.exports = a",
		"longest text": "let s = 'x'.repeat(2 ** 40)",
		"normalized":   "let s = '\ufdfa'.repeat(2 ** 25).normalize('NFKD')",
	} {
		t.Run(name, func(t *testing.T) {
			o := optionsFor(write(t, "ecosystem.config.js", source))
			o.Limit = 100 * time.Millisecond
			if got, err := Evaluate(t.Context(), o); err == nil {
				t.Errorf("Evaluate = %s, want an error", got.Exports)
			}
		})
	}
}

func TestMemoryIsLimited(t *testing.T) {
	o := optionsFor(write(t, "ecosystem.config.js", "const l = []; for (;;) l.push(new ArrayBuffer(1 << 22))"))
	o.Limit = time.Minute
	if _, err := Evaluate(t.Context(), o); err == nil || !strings.Contains(err.Error(), "MiB of memory") {
		t.Errorf("Evaluate = %v, want an error about memory", err)
	}
}

func TestContextEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Evaluate(ctx, optionsFor(write(t, "ecosystem.config.js", "for (;;) {}"))); err == nil {
		t.Error("Evaluate succeeded with a context that is over")
	}
}

func FuzzEvaluate(f *testing.F) {
	files, err := filepath.Glob("testdata/*/ecosystem.config.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil {
			f.Add(string(content), strings.HasSuffix(file, ".mjs"))
		}
	}
	f.Fuzz(func(t *testing.T, source string, es bool) {
		name := "ecosystem.config.cjs"
		if es {
			name = "ecosystem.config.mjs"
		}
		o := optionsFor(write(t, name, source))
		o.Limit = 200 * time.Millisecond
		start := time.Now()
		_, err := Evaluate(t.Context(), o)
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Errorf("Evaluate = %T %v, want an *Error", err, err)
		}
		// Not a matter of the machine's speed: what the limit does not end takes for ever.
		if took := time.Since(start); took > time.Minute {
			t.Errorf("Evaluate took %s with a limit of %s", took, o.Limit)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	path, err := filepath.Abs("testdata/plain/ecosystem.config.js")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Evaluate(b.Context(), optionsFor(path)); err != nil {
			b.Fatal(err)
		}
	}
}
