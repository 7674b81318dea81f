// Package worker keeps one slot of an app running: it starts an invocation, waits
// until that is ready, replaces it with or without a gap, asks the restart policy
// when it ends, and names every exit.
//
// One goroutine, in Run, owns everything about the slot: its position in the code
// is the state, and status.Steps says which step may follow which. Beside it there
// is one goroutine for each invocation that is terminated while another serves: it
// knows that invocation only, and hands its End back. Others read what is published
// (Status, Published) or leave a request (Update, Restart, Reset), which never waits.
package worker
