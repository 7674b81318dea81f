package screen

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/control/client"
)

func TestL26AnAppAtRestUntilItsScheduleIsShownAsWaiting(t *testing.T) {
	now := time.Date(2030, 5, 6, 12, 0, 0, 0, time.UTC)
	next := now.Add(5*time.Hour + 23*time.Minute)
	app := client.App{
		Name: "nightly", Mode: "fork", NextRun: &next, Waiting: "waiting for 17:23, last run 3",
		Workers: []client.Worker{{State: "stopped", Since: now, LastExit: &client.Exit{Code: 3, Text: "3", At: now}}},
	}
	var list, show bytes.Buffer
	view := client.Overview{Time: now, Apps: []client.App{app}}
	if err := List(&list, Style{Width: 120, Now: now}, client.Overview{}, view); err != nil {
		t.Fatal(err)
	}
	if err := Show(&show, Style{Width: 120, Now: now}, client.Overview{}, view); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{list.String(), show.String()} {
		if !strings.Contains(text, "waiting for 17:23, last run 3") || strings.Contains(text, "stopped") || strings.Contains(text, "0 of 0") {
			t.Errorf("shown:\n%s", text)
		}
	}
}
