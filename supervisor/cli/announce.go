package cli

import (
	"log/slog"
	"os"
	"strings"

	"gorun/supervisor/ecosystem"
)

// announce logs the first lines of a run: its version, file and apps.
func announce(log *slog.Logger, file ecosystem.File, version string) {
	log.Info("starting", "version", version, "pid", os.Getpid())
	if file.Path != "" {
		log.Info("ecosystem", "file", file.Path)
	}
	log.Info("apps", "workers", file.Summary())
	warnAbout(log, file)
	if len(file.Ignored) > 0 {
		log.Info("accepted, but without effect here", "keys", strings.Join(file.Ignored, ", "))
	}
}

// warnAbout logs what is doubtful in a file that is good otherwise: unknown keys,
// keys without effect.
func warnAbout(log *slog.Logger, file ecosystem.File) {
	for _, warning := range file.Warnings {
		switch {
		case warning.Key == "":
			log.Warn("problem in the ecosystem file", "at", warning.Position(), "problem", warning.Text)
		case warning.Nearest == "":
			log.Warn("unknown key ignored", "key", warning.Key, "at", warning.Position())
		default:
			log.Warn("unknown key ignored", "key", warning.Key, "at", warning.Position(), "did_you_mean", warning.Nearest)
		}
	}
}
