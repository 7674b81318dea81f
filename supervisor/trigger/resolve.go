package trigger

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxLinks is how many links the kernel follows in one path.
const maxLinks = 40

// mount is a place whose meaning can change elsewhere: a watched path, or a
// link on the way to files. A ConfigMap's file leads through two links.
type mount struct {
	place
	via  []string // the links on the way, then where it ends or the first step that is missing
	real string   // where it leads; empty: nowhere
}

// depends tells whether the coming or going of path may change where m leads.
func (m mount) depends(path string) bool {
	return slices.ContainsFunc(m.via, func(step string) bool {
		_, inside := below(path, step)
		return inside
	})
}

// anchored tells whether dir must be listened to for m's sake.
func (m mount) anchored(dir string) bool {
	return slices.ContainsFunc(m.via, func(step string) bool { return filepath.Dir(step) == dir })
}

// resolve follows p link by link, the last step only with FollowSymlinks.
func (w Watch) resolve(p place) mount {
	m := mount{place: p}
	current, rest := "/", strings.Split(strings.TrimPrefix(p.path, "/"), "/")
	for len(rest) > 0 && len(m.via) <= maxLinks {
		next := filepath.Join(current, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil {
			m.via = append(m.via, next)
			return m
		}
		if info.Mode().Type() != fs.ModeSymlink || len(rest) == 0 && !w.FollowSymlinks {
			current = next
			continue
		}
		m.via = append(m.via, next)
		target, err := os.Readlink(next)
		if err != nil {
			return m
		}
		if filepath.IsAbs(target) {
			current = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	if len(m.via) <= maxLinks {
		m.real = current
		m.via = append(m.via, current)
	}
	return m
}
