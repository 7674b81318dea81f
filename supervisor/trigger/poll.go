package trigger

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

// poller finds changes by comparing what it sees with what it saw.
type poller struct {
	watch Watch
	rules rules
	seen  map[place]stamp
}

// stamp is what must differ for a file to have changed. A directory changes by
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
	p.seen = p.look()
	return p
}

// run is a source.
func (p *poller) run(ctx context.Context, changes chan<- []place) error {
	ticker := time.NewTicker(p.watch.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		changed := p.compare(p.look())
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

// compare returns what is new, gone or other in now, and keeps now.
func (p *poller) compare(now map[place]stamp) []place {
	var changed []place
	for at, s := range now {
		if old, known := p.seen[at]; !known || old != s {
			changed = append(changed, at)
		}
	}
	for at := range p.seen {
		if _, still := now[at]; !still {
			changed = append(changed, at)
		}
	}
	p.seen = now
	slices.SortFunc(changed, func(a, b place) int { return cmp.Compare(a.path, b.path) })
	return changed
}

func (p *poller) look() map[place]stamp {
	v := view{stamps: map[place]stamp{}, entered: map[inode]bool{}}
	for _, root := range p.watch.roots() {
		p.enter(v, root)
	}
	return v.stamps
}

// view is one look at the files.
type view struct {
	stamps  map[place]stamp
	entered map[inode]bool // directories; each is looked at once, as links may lead in circles
}

func (p *poller) enter(v view, at place) {
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
	s := stampOf(info)
	v.stamps[at] = s
	if !info.IsDir() || v.entered[s.inode] {
		return
	}
	v.entered[s.inode] = true
	entries, _ := os.ReadDir(at.path) // What cannot be read has no entries.
	for _, entry := range entries {
		if inner := at.entry(entry.Name()); !p.rules.ignore(inner) {
			p.enter(v, inner)
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
