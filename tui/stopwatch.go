package tui

import "time"

// stopwatch is how long an answer takes, calm enough to be read: single times
// jump about, and every digit that changes costs bytes on a slow line.
type stopwatch struct {
	mode  optimizerMode
	mean  time.Duration // over the last answers
	shown time.Duration // follows the mean when it is off by more than a quarter
}

// took notes the time of one answer.
func (s *stopwatch) took(mode optimizerMode, d time.Duration) {
	if mode != s.mode || s.mean == 0 {
		*s = stopwatch{mode, d, d}
		return
	}
	s.mean += (d - s.mean) / 8
	if off := s.mean - s.shown; max(off, -off) > s.shown/4 {
		s.shown = s.mean
	}
}

// solveTime is the time of what the mode shows.
func (a *App) solveTime() time.Duration {
	switch a.mode {
	case modeBCFW:
		return a.answer.BCFWTime
	case modeIQCP:
		return a.answer.ExactTime
	}
	return a.answer.BCFWTime + a.answer.ExactTime
}
