package ecosystem

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"gorun/supervisor/spec"
)

// self is whom gorun runs as.
type self struct{ uid, gid uint32 }

// identity reads uid and gid.
func (d *draft) identity() {
	uid, gid := d.setting("uid"), d.setting("gid")
	if !uid.given() && !gid.given() {
		return
	}
	me := self{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	before := len(d.report.mistakes)
	found := spec.User{UID: me.uid, GID: me.gid}
	if uid.given() {
		found = parsed(d.report, uid, errors.New("is not a user"), findUser)
	}
	if gid.given() {
		found.GID = parsed(d.report, gid, errors.New("is not a group"), findGroup)
	}
	found.Switched = found.UID != me.uid
	switch {
	case len(d.report.mistakes) > before:
	case !found.Switched && found.GID == me.gid:
	case me.uid == 0:
		d.app.User = &found
	case found.Switched:
		d.report.wrong(uid, "gorun runs as uid %d and cannot become another user; start it as root or leave it out", me.uid)
	default:
		if !gid.given() {
			gid = uid
		}
		d.report.wrong(gid, "gorun runs as gid %d and cannot take another group; start it as root or leave it out", me.gid)
	}
}

// findUser looks a user up by name or number. Numbers need no /etc/passwd: a
// scratch image has none. The group of an unknown number is the same number,
// never root's.
func findUser(words string) (spec.User, error) {
	entry, err := user.Lookup(words)
	id, numeric := parseID(words)
	if numeric {
		entry, err = user.LookupId(words)
	}
	switch {
	case err != nil && numeric:
		return spec.User{UID: id, GID: id}, nil
	case err != nil:
		return spec.User{}, errors.New("is no user in /etc/passwd; write a number, or add the user to the image")
	}
	uid, uidOK := parseID(entry.Uid)
	gid, gidOK := parseID(entry.Gid)
	if !uidOK || !gidOK {
		return spec.User{}, fmt.Errorf("has numbers in /etc/passwd that are none: %s, %s", entry.Uid, entry.Gid)
	}
	return spec.User{UID: uid, GID: gid, Groups: groupsOf(entry), Home: entry.HomeDir, Name: entry.Username}, nil
}

// groupsOf returns the supplementary groups; none where /etc/group is missing.
func groupsOf(entry *user.User) []uint32 {
	ids, err := entry.GroupIds()
	if err != nil {
		return nil
	}
	var groups []uint32
	for _, text := range ids {
		if id, ok := parseID(text); ok {
			groups = append(groups, id)
		}
	}
	return groups
}

func findGroup(words string) (uint32, error) {
	if id, numeric := parseID(words); numeric {
		return id, nil
	}
	entry, err := user.LookupGroup(words)
	if err != nil {
		return 0, errors.New("is no group in /etc/group; write a number, or add the group to the image")
	}
	id, ok := parseID(entry.Gid)
	if !ok {
		return 0, fmt.Errorf("has a number in /etc/group that is none: %s", entry.Gid)
	}
	return id, nil
}

// parseID refuses the largest number as well, which means "unchanged" to the
// kernel.
func parseID(words string) (uint32, bool) {
	id, err := strconv.ParseUint(words, 10, 32)
	return uint32(id), err == nil && id != 1<<32-1
}
