// Package client is what talks to a running gorun over its control socket: the
// client, the JSON that it exchanges with the server (package control), the
// address of the socket, and the words that select apps and workers.
//
// It starts no goroutine and knows no engine: only the published values of
// package status.
package client
