package status

// Transitions is the table of legal steps: what may follow each state.
var Transitions = map[State][]State{
	Stopped:        {Launching},
	Errored:        {Launching},
	Launching:      {Online, Stopping, WaitingRestart, Stopped, Errored},
	Online:         {Stopping, WaitingRestart, Stopped, Errored},
	Stopping:       {Stopped, Launching, WaitingRestart, Errored},
	WaitingRestart: {Launching, Stopped},
}
