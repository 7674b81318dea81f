package logs

const colorOff = "\x1b[0m"

// palette is given out in order, one colour per app; red is left for errors.
var palette = [...]string{"\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[93m", "\x1b[92m", "\x1b[95m", "\x1b[94m"}

// colorOf gives each app a colour of its own, in order of appearance.
func (o *Output) colorOf(app string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, known := o.colors[app]
	if !known {
		c = palette[len(o.colors)%len(palette)]
		o.colors[app] = c
	}
	return c
}
