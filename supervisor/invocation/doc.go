// Package invocation is one run of a program, from its start until nothing of it
// is left (systemd.exec(5) calls it so): its process tree, its output, the ports
// that it shares, Node's IPC channel, sd_notify, health check, drain and stop.
//
// Everything that is heard of a run goes into one stream, Events; whoever runs it
// needs one case for it. A new source of readiness is a Kind, and a call of post.
//
// Goroutines: one feeds Events until the run is released; the health check, the
// notify socket, the IPC channel and the interception have one each, which end
// with the run and are waited for by SharedPorts.Close. Nothing in here knows the
// worker: the end of a run that was replaced cannot touch its successor.
package invocation
