package container

import (
	"log/slog"
	"os"
	"strings"

	"gorun/supervisor/ecosystem"
)

// Announce begins the start-up screen.
func Announce(log *slog.Logger, file ecosystem.File, version string) {
	log.Info("starting", "version", version, "pid", os.Getpid())
	if file.Path != "" {
		log.Info("ecosystem", "file", file.Path)
	}
	log.Info("apps", "workers", file.Summary())
	for _, warning := range file.Warnings {
		log.Warn("not understood", "at", warning)
	}
	if len(file.Ignored) > 0 {
		log.Info("accepted, but without effect here", "keys", strings.Join(file.Ignored, ", "))
	}
}
