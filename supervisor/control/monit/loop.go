package monit

import (
	"context"
	"strconv"
	"sync"
	"time"

	"gorun/supervisor/control/client"
)

const (
	inboxSize = 256
	pause     = time.Second           // between overviews, and before a lost connection is tried again
	patience  = 5 * time.Second       // for an overview
	frame     = 33 * time.Millisecond // at most so often is it drawn anew
	backlog   = 200                   // lines of a newly selected worker
)

// display is what the model is drawn on.
type display interface {
	size() (width, height int)
	draw(lines []string) error
	forget()
}

// loop feeds the model and does what it decides. run's goroutine owns the model.
type loop struct {
	source   Source
	operator Operator
	display  display
	resized  <-chan struct{}
	inbox    chan message
	model    model

	tasks     sync.WaitGroup
	following int // the worker whose log is read
	unfollow  context.CancelFunc
}

// run returns when the user quits or ctx ends, after every task has ended.
func (l *loop) run(ctx context.Context, keys keyboard) error {
	ctx, cancel := context.WithCancel(ctx)
	l.following, l.unfollow = none, func() {}
	typed := make(chan struct{})
	go func() {
		defer close(typed)
		l.read(ctx, keys)
	}()
	l.tasks.Go(func() { l.poll(ctx) })
	err := l.serve(ctx)
	l.unfollow()
	cancel()
	l.tasks.Wait()
	if keys.Cancel() {
		<-typed
	}
	return err
}

// serve draws at once, and then a frame after something has changed.
func (l *loop) serve(ctx context.Context) error {
	next := time.After(0)
	for {
		var act action
		select {
		case <-ctx.Done():
			return nil
		case m := <-l.inbox:
			act = l.model.update(m)
		case <-l.resized:
		case <-next:
			if err := l.draw(); err != nil {
				return err
			}
			next = nil
			continue
		}
		if _, over := act.(quit); over {
			return nil
		}
		l.do(ctx, act)
		l.follow(ctx)
		if next == nil {
			next = time.After(frame)
		}
	}
}

func (l *loop) draw() error {
	width, height := l.display.size()
	if width != l.model.style.Width || height != l.model.height {
		l.model.update(sized{width, height})
		l.display.forget()
	}
	return l.display.draw(l.model.view())
}

// do begins what the model has decided.
func (l *loop) do(ctx context.Context, act action) {
	each := func(n client.Progress) { l.send(ctx, told{n}) }
	switch act := act.(type) {
	case order:
		l.tasks.Go(func() {
			l.send(ctx, ended{l.operator.Order(ctx, act.verb, []string{act.app}, each)})
		})
	case scale:
		l.tasks.Go(func() {
			l.send(ctx, ended{l.operator.Scale(ctx, act.app, act.by, each)})
		})
	}
}

// follow reads the log of the worker that is selected by now.
func (l *loop) follow(ctx context.Context) {
	id := l.model.selected
	if id == l.following {
		return
	}
	l.unfollow()
	l.following = id
	if id == none {
		return
	}
	ctx, l.unfollow = context.WithCancel(ctx)
	l.tasks.Go(func() { l.tail(ctx, id) })
}

// tail starts the log anew whenever its connection was lost.
func (l *loop) tail(ctx context.Context, id int) {
	for ctx.Err() == nil {
		first := true
		err := l.source.Logs(ctx, strconv.Itoa(id), backlog, func(line client.Line) {
			l.send(ctx, wrote{worker: id, line: line, first: first})
			first = false
		})
		l.send(ctx, silent{id, err})
		wait(ctx)
	}
}

func (l *loop) poll(ctx context.Context) {
	for ctx.Err() == nil {
		overview, err := l.overview(ctx)
		if err != nil {
			l.send(ctx, lost{err})
		} else {
			l.send(ctx, sampled{overview})
		}
		wait(ctx)
	}
}

func (l *loop) overview(ctx context.Context) (client.Overview, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.source.Overview(ctx)
}

// read passes on keys; without a keyboard there is nobody to watch.
func (l *loop) read(ctx context.Context, keys keyboard) {
	input := make([]byte, 256)
	for {
		n, err := keys.Read(input)
		for _, k := range parseKeys(input[:n]) {
			l.send(ctx, k)
		}
		if err != nil {
			l.send(ctx, key(keyBreak))
			return
		}
	}
}

func (l *loop) send(ctx context.Context, m message) {
	select {
	case l.inbox <- m:
	case <-ctx.Done():
	}
}

func wait(ctx context.Context) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}
