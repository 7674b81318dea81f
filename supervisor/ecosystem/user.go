package ecosystem

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"gorun/supervisor/spec"
)

// chooseUser reads uid and gid.
func (b *builder) chooseUser() {
	uid, gid := b.settings["uid"], b.settings["gid"]
	if !uid.given() && !gid.given() {
		return
	}
	self := spec.User{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
	before, found := len(b.report.mistakes), self
	if uid.given() {
		found = scalarOf(errors.New("is not a user"), findUser)(uid, b.report)
	}
	if gid.given() {
		found.GID = scalarOf(errors.New("is not a group"), findGroup)(gid, b.report)
	}
	found.Switched = found.UID != self.UID
	switch {
	case len(b.report.mistakes) > before:
	case !found.Switched && found.GID == self.GID:
	case self.UID == 0:
		b.app.User = &found
	case found.Switched:
		uid.wrong(b.report, "gorun runs as uid %d and cannot switch to another user; start gorun as root, or remove this key", self.UID)
	default:
		if !gid.given() {
			gid = uid
		}
		gid.wrong(b.report, "gorun runs as gid %d and cannot switch to another group; start gorun as root, or remove this key", self.GID)
	}
}

// findUser looks up a user by name or number. Numbers need no /etc/passwd: a
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
		return spec.User{}, errors.New("is not a user in /etc/passwd; write a number, or add the user to the image")
	}
	uid, uidOK := parseID(entry.Uid)
	gid, gidOK := parseID(entry.Gid)
	if !uidOK || !gidOK {
		return spec.User{}, fmt.Errorf("has invalid ids in /etc/passwd: %s, %s", entry.Uid, entry.Gid)
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
		return 0, errors.New("is not a group in /etc/group; write a number, or add the group to the image")
	}
	id, ok := parseID(entry.Gid)
	if !ok {
		return 0, fmt.Errorf("has an invalid id in /etc/group: %s", entry.Gid)
	}
	return id, nil
}

// parseID refuses the largest number as well, which means "unchanged" to the
// kernel.
func parseID(words string) (uint32, bool) {
	id, err := strconv.ParseUint(words, 10, 32)
	return uint32(id), err == nil && id != 1<<32-1
}
