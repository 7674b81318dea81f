package trigger

import (
	"context"
	"io/fs"
	"os"
	"sort"
	"syscall"
	"time"
)

// poller finds changes by comparing each scan with the one before.
type poller struct {
	watch Watch
	rules rules
	last  map[location]stamp
}

// stamp is compared to find out whether a file has changed. A directory changes by
// its entries alone, some of which are ignored.
type stamp struct {
	kind     fs.FileMode
	inode    inode
	size     int64
	modified int64
}

type inode struct{ device, number uint64 }

func newPoller(w Watch, r rules) *poller {
	p := &poller{watch: w, rules: r}
	p.last = p.scan()
	return p
}

// run is a source.
func (p *poller) run(ctx context.Context, changes chan<- []location) error {
	ticker := time.NewTicker(p.watch.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		changed := p.compare(p.scan())
		if len(changed) == 0 {
			continue
		}
		select {
		case changes <- changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// compare returns what was created, removed or changed since the last scan, and
// keeps the new one.
func (p *poller) compare(now map[location]stamp) []location {
	var changed []location
	for at, s := range now {
		if old, known := p.last[at]; !known || old != s {
			changed = append(changed, at)
		}
	}
	for at := range p.last {
		if _, still := now[at]; !still {
			changed = append(changed, at)
		}
	}
	p.last = now
	// Not slices.SortFunc, which is compiled anew for every struct.
	sort.Slice(changed, func(i, j int) bool { return changed[i].path < changed[j].path })
	return changed
}

func (p *poller) scan() map[location]stamp {
	s := scan{stamps: map[location]stamp{}, directories: map[inode]bool{}}
	for _, root := range p.watch.roots() {
		p.add(s, root)
	}
	return s.stamps
}

// scan is one look at the files.
type scan struct {
	stamps      map[location]stamp
	directories map[inode]bool // seen so far: links may lead in circles
}

func (p *poller) add(s scan, at location) {
	stat := os.Lstat
	if p.watch.FollowSymlinks {
		stat = os.Stat
	}
	info, err := stat(at.path)
	if err != nil {
		info, err = os.Lstat(at.path) // a link that leads nowhere
	}
	if err != nil {
		return
	}
	stamp := stampOf(info)
	s.stamps[at] = stamp
	if !info.IsDir() || s.directories[stamp.inode] {
		return
	}
	s.directories[stamp.inode] = true
	entries, _ := os.ReadDir(at.path) // An unreadable directory has no entries.
	for _, entry := range entries {
		if inner := at.entry(entry.Name()); !p.rules.ignore(inner) {
			p.add(s, inner)
		}
	}
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{kind: info.Mode().Type()}
	if raw, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = inode{device: raw.Dev, number: raw.Ino}
	}
	if !info.IsDir() {
		s.size, s.modified = info.Size(), info.ModTime().UnixNano()
	}
	return s
}
