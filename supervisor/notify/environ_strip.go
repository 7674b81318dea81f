package notify

import "strings"

// WithoutVariables drops what is meant for gorun itself: the sd_notify variables of
// whoever runs it.
func WithoutVariables(env []string) []string {
	var kept []string
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		if name != "NOTIFY_SOCKET" && name != "WATCHDOG_USEC" && name != "WATCHDOG_PID" {
			kept = append(kept, pair)
		}
	}
	return kept
}
