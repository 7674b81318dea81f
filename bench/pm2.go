package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
)

// pm2Wanted is the version that gorun is compared with.
const pm2Wanted = "7.0.4"

// installPM2 returns the path of pm2-runtime, fetched from npm once and kept in
// the user's cache directory; "" where that does not work.
func installPM2(ctx context.Context) string {
	cache, err := os.UserCacheDir()
	if err != nil || find("npm") == "" || find("node") == "" {
		return ""
	}
	dir := filepath.Join(cache, "gorun-bench", "pm2-"+pm2Wanted)
	path := filepath.Join(dir, "node_modules", ".bin", "pm2-runtime")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return ""
	}
	install := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "pm2@"+pm2Wanted)
	if install.Run() != nil {
		return ""
	}
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func (l *lab) pm2Version() string {
	if l.pm2 == "" {
		return "not installed"
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(l.pm2), "..", "pm2", "package.json"))
	if err != nil {
		return "of unknown version"
	}
	var about struct{ Version string }
	if json.Unmarshal(text, &about) != nil {
		return "of unknown version"
	}
	return about.Version
}
