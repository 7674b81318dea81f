// Package endpoint connects one run of a program with what it shares with others: the
// sockets of its app, gorun's end of sd_notify(3), and for Node the IPC channel. It
// hears when the run listens and is ready, checks its health, and drains it.
//
// Goroutines: the health check, the notify socket, the IPC channel and the interception
// have one each. They end with Release, and SharedPorts.Close waits for them. Nothing in here
// knows the worker or the process's life: it posts what it hears.
package endpoint
