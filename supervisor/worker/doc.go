// Package worker keeps one slot of an app running: it starts an invocation, waits
// until that is ready, replaces it with or without a gap, and asks the restart policy
// when it ends. What is known of the worker, and who hears of it, is in record.
//
// One goroutine, in Run, owns everything about the slot: its position in the code
// is the state. An activation goes from the start of an invocation, over those that
// replace it, to the end of the last; restartLoop goes from one to the next. Beside it
// there is one goroutine for each invocation that is terminated while another serves:
// it knows that invocation only, and hands its End back. Others read what is published
// (Status, Published) or leave a request (Update, Restart, Reset), which never waits.
package worker
