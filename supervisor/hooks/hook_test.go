package hooks

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestAHookTellsExactlyOne(t *testing.T) {
	command := []string{"/bin/notify", "SECRET"}
	tests := []struct {
		name string
		hook Hook
		want string // "": it is valid
	}{
		{"a command", Hook{Exec: command, Timeout: 1}, ""},
		{"a webhook", Hook{Webhook: "https://hooks.example/SECRET", Timeout: 1}, ""},
		{"a webhook in the house", Hook{Webhook: "http://user:SECRET@[::1]:8080", Timeout: 1}, ""},
		{"both", Hook{Exec: command, Webhook: "https://hooks.example/SECRET", Timeout: 1}, "both given"},
		{"none", Hook{Timeout: 1}, "neither exec nor webhook"},
		{"no time", Hook{Exec: command}, "timeout is not above 0"},
		{"a relative URL", Hook{Webhook: "/services/SECRET", Timeout: 1}, "not a complete one"},
		{"a host alone", Hook{Webhook: "hooks.example/SECRET", Timeout: 1}, "not a complete one"},
		{"a host with a port", Hook{Webhook: "hooks.example:80/SECRET", Timeout: 1}, "no URL"},
		{"another scheme", Hook{Webhook: "ftp://hooks.example/SECRET", Timeout: 1}, "neither with https://"},
		{"no host", Hook{Webhook: "https:///SECRET", Timeout: 1}, "names no host"},
		{"a port alone", Hook{Webhook: "https://:80/SECRET", Timeout: 1}, "names no host"},
		{"no URL", Hook{Webhook: "https://a/\x7fSECRET", Timeout: 1}, "no URL"},
		{"a URL with spaces", Hook{Webhook: "https://a b/SECRET", Timeout: 1}, "no URL"},
	}
	for _, tt := range tests {
		err := tt.hook.Valid()
		text := fmt.Sprint(err)
		if (err == nil) != (tt.want == "") || tt.want != "" && !strings.Contains(text, tt.want) || strings.Contains(text, "SECRET") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestNoLogHasASecretOfAHook(t *testing.T) {
	var text bytes.Buffer
	for _, hook := range []Hook{
		{Webhook: "https://user:SECRET@hooks.example:444/SECRET?SECRET#SECRET"},
		{Webhook: "https://hooks.example:444/\x7fSECRET"},
		{Exec: []string{"/opt/notify", "SECRET"}},
		{},
	} {
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&text, nil), slog.NewTextHandler(&text, nil)} {
			slog.New(handler).Info("hook", "hook", hook)
		}
		_, _ = fmt.Fprintf(&text, "%v %+v %s\n", hook, hook, hook)
	}
	if strings.Contains(text.String(), "SECRET") || !strings.Contains(text.String(), `"webhook hooks.example:444"`) || !strings.Contains(text.String(), "exec notify") {
		t.Errorf("logged:\n%s", &text)
	}
}

func TestDefaultsLackOnlySomebodyToTell(t *testing.T) {
	hook := Defaults()
	hook.Exec = []string{"/bin/true"}
	if err := hook.Valid(); err != nil || hook.Timeout != 10*time.Second || hook.Retries != 3 {
		t.Errorf("%+v: %v", hook.Timeout, err)
	}
}
