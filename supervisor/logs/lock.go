package logs

// lock is a mutex whose waiters can give up.
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

// acquire returns false if quit was closed first; a nil quit never is.
func (l lock) acquire(quit <-chan struct{}) bool {
	select {
	case l <- struct{}{}:
		return true
	case <-quit:
		return false
	}
}

func (l lock) release() { <-l }
