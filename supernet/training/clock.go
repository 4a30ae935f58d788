package training

import "time"

// clock measures speed: since the last line of metrics, and smoothed, for what
// is left.
type clock struct {
	start   time.Time // of the lap
	last    time.Time // end of the last step
	images  int       // of the lap
	perStep float64   // seconds, smoothed
	speed   float64   // images per second, smoothed
	share   float64   // of a step that ranks communicate or wait for each other, smoothed
}

// smoothing is the share of the newest step.
const smoothing = 0.05

// count notes the end of a step.
func (c *clock) count(images int) {
	now := time.Now()
	if c.last.IsZero() {
		c.start, c.last = now, now // what was prepared for the first step does not count
		return
	}
	seconds := max(now.Sub(c.last).Seconds(), 1e-9)
	c.last = now
	c.images += images
	if c.perStep == 0 {
		c.perStep, c.speed = seconds, float64(images)/seconds
	}
	c.perStep += smoothing * (seconds - c.perStep)
	c.speed += smoothing * (float64(images)/seconds - c.speed)
}

// communicated notes the share of a step in which ranks communicated.
func (c *clock) communicated(share float64) {
	if c.share == 0 {
		c.share = share
	}
	c.share += smoothing * (share - c.share)
}

// skip leaves out time in which nothing was trained.
func (c *clock) skip(d time.Duration) {
	if !c.last.IsZero() {
		c.start, c.last = c.start.Add(d), c.last.Add(d)
	}
}

// lap is the images per second since the last lap.
func (c *clock) lap() float64 {
	seconds, images := c.last.Sub(c.start).Seconds(), c.images
	c.start, c.images = c.last, 0
	if seconds <= 0 {
		return 0
	}
	return float64(images) / seconds
}

func (c *clock) rate() float64 { return c.speed }

func (c *clock) left(steps int) time.Duration {
	return time.Duration(float64(steps) * c.perStep * float64(time.Second))
}
