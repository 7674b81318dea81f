package intercept

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// caller is the directory in /proc of the calling thread. It is the caller's as long as
// its call waits. Reading it needs the rights that ptrace(2) demands
// (PTRACE_MODE_READ_FSCREDS, for mem ATTACH).
type caller string

func callerOf(tid uint32) caller {
	return caller("/proc/" + strconv.FormatUint(uint64(tid), 10))
}

// cloexec is the close-on-exec flag of a descriptor: 0 or O_CLOEXEC.
type cloexec uint32

// socket is what /proc shows of the caller's socket.
type socket struct {
	inode    uint64
	protocol string // a name of /proc/net/protocols, e.g. TCPv6
	nonblock bool
	cloexec  cloexec
}

// errNoSocket means that the call will fail by itself.
var errNoSocket = errors.New("not a socket")

// memory reads the caller's memory. It fails where the caller could not read it,
// either. process_vm_readv(2) would be simpler, but container profiles forbid it.
func (c caller) memory(address uint64, into []byte) error {
	mem, err := os.Open(string(c) + "/mem")
	if err != nil {
		return fmt.Errorf("read the arguments: %w", err)
	}
	defer mem.Close()
	if _, err := mem.ReadAt(into, int64(address)); err != nil {
		return fmt.Errorf("read the arguments: %w", err)
	}
	return nil
}

// inode returns the inode of a socket: the same in every process and under every
// descriptor number.
func (c caller) inode(descriptor int) (uint64, error) {
	target, err := os.Readlink(c.descriptor(descriptor))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, errNoSocket
	}
	if err != nil {
		return 0, fmt.Errorf("inspect socket: %w", err)
	}
	return parseInode(target)
}

func (c caller) descriptor(number int) string {
	return string(c) + "/fd/" + strconv.Itoa(number)
}

// parseInode parses a link in /proc/PID/fd to a socket.
func parseInode(target string) (uint64, error) {
	digits, isSocket := strings.CutPrefix(target, "socket:[")
	digits, closed := strings.CutSuffix(digits, "]")
	inode, err := strconv.ParseUint(digits, 10, 64)
	if !isSocket || !closed || err != nil {
		return 0, errNoSocket
	}
	return inode, nil
}

// socket inspects a descriptor of the caller.
func (c caller) socket(descriptor int) (socket, error) {
	inode, err := c.inode(descriptor)
	if err != nil {
		return socket{}, err
	}
	info, err := os.ReadFile(string(c) + "/fdinfo/" + strconv.Itoa(descriptor))
	if err != nil {
		return socket{}, fmt.Errorf("inspect socket: %w", err)
	}
	flags, err := parseFlags(info)
	if err != nil {
		return socket{}, err
	}
	protocol, err := c.protocol(descriptor, inode)
	if err != nil {
		return socket{}, err
	}
	return socket{
		inode:    inode,
		protocol: protocol,
		nonblock: flags&unix.O_NONBLOCK != 0,
		cloexec:  cloexec(flags & unix.O_CLOEXEC),
	}, nil
}

// parseFlags parses the flags of a descriptor in /proc/PID/fdinfo: octal, and O_CLOEXEC
// among them (proc_pid_fdinfo(5)).
func parseFlags(info []byte) (uint64, error) {
	for line := range bytes.Lines(info) {
		if value, found := bytes.CutPrefix(line, []byte("flags:")); found {
			flags, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 8, 64)
			if err != nil {
				return 0, fmt.Errorf("read flags of descriptor: %w", err)
			}
			return flags, nil
		}
	}
	return 0, errors.New("read flags of descriptor: no flags line")
}

// protocol reads an extended attribute of sockets (sockfs_xattr_get in net/socket.c).
// It needs no descriptor of the socket, and works before bind(2).
func (c caller) protocol(descriptor int, inode uint64) (string, error) {
	var name [32]byte
	n, err := unix.Getxattr(c.descriptor(descriptor), "system.sockprotoname", name[:])
	if err != nil {
		return "", fmt.Errorf("protocol of socket: %w", err)
	}
	protocol := string(bytes.TrimRight(name[:n], "\x00"))
	if protocol == "UNIX" && c.streams(inode) {
		return "UNIX-STREAM", nil
	}
	return protocol, nil
}

// streams reports whether a unix socket is a stream. Since Linux 5.15 the name of its
// protocol shows it; before, all are UNIX.
func (c caller) streams(inode uint64) bool {
	table, err := os.ReadFile(string(c) + "/net/unix")
	if err != nil {
		return false
	}
	for line := range bytes.Lines(table) {
		// Num RefCount Protocol Flags Type St Inode Path
		fields := bytes.Fields(line)
		if len(fields) >= 7 && string(fields[6]) == strconv.FormatUint(inode, 10) {
			return string(fields[4]) == "0001" // SOCK_STREAM
		}
	}
	return false
}

// errOtherNamespace means that the caller has a network or files of its own.
var errOtherNamespace = errors.New("in another namespace")

// sharesNetwork fails where the caller's addresses are not gorun's.
func (c caller) sharesNetwork() error {
	return c.shares("ns/net")
}

// absolute returns a path of the caller as an absolute one for gorun.
func (c caller) absolute(path string) (string, error) {
	if err := c.shares("ns/mnt"); err != nil {
		return "", err
	}
	if root, err := os.Readlink(string(c) + "/root"); err != nil || root != "/" {
		return "", errors.Join(errOtherNamespace, err)
	}
	if filepath.IsAbs(path) {
		return path, nil
	}
	directory, err := os.Readlink(string(c) + "/cwd")
	if err != nil {
		return "", fmt.Errorf("working directory: %w", err)
	}
	if strings.Contains(path, "..") { // it may lead through symbolic links: Clean would change it
		return directory + "/" + path, nil
	}
	return filepath.Join(directory, path), nil
}

func (c caller) shares(namespace string) error {
	theirs, err := os.Readlink(string(c) + "/" + namespace)
	if err != nil {
		return fmt.Errorf("read namespace: %w", err)
	}
	ours, err := os.Readlink("/proc/self/" + namespace)
	if err != nil {
		return fmt.Errorf("read namespace: %w", err)
	}
	if theirs != ours {
		return errOtherNamespace
	}
	return nil
}

// holds reports whether the process has the socket open.
func (c caller) holds(inode uint64) (bool, error) {
	entries, err := os.ReadDir(string(c) + "/fd")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // it has ended
	}
	if err != nil {
		return false, fmt.Errorf("list descriptors: %w", err)
	}
	want := "socket:[" + strconv.FormatUint(inode, 10) + "]"
	var refused error // the directory may be readable where the links are not
	for _, entry := range entries {
		target, err := os.Readlink(string(c) + "/fd/" + entry.Name())
		if err == nil && target == want {
			return true, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			refused = err
		}
	}
	return false, refused
}

// Process is a process that binds an address.
type Process struct {
	Program    string   // path
	Args       []string // without its name; as it shows them now
	Environ    []string // of its start
	MainThread bool     // and not another thread of it
}

// process describes the caller's process.
func (c caller) process() (Process, error) {
	program, err := os.Readlink(string(c) + "/exe")
	if err != nil {
		return Process{}, fmt.Errorf("program of the process: %w", err)
	}
	p := Process{Program: program}
	var errs []error
	for name, words := range map[string]*[]string{"cmdline": &p.Args, "environ": &p.Environ} {
		text, err := os.ReadFile(string(c) + "/" + name)
		errs = append(errs, err)
		*words = strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	}
	p.Args = p.Args[1:]
	text, err := os.ReadFile(string(c) + "/status")
	for line := range bytes.Lines(text) {
		if group, found := bytes.CutPrefix(line, []byte("Tgid:")); found {
			p.MainThread = string(bytes.TrimSpace(group)) == filepath.Base(string(c))
		}
	}
	return p, errors.Join(append(errs, err)...)
}
