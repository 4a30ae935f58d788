package tui

import (
	"runtime/debug"

	tea "charm.land/bubbletea/v2"
)

// stream runs work in a goroutine of its own, which hands over the latest of
// what it publishes whenever somebody asks for it. Its messages are what message
// makes of that, with the command for the next one, and at the end of what work
// returns, with nil.
func stream[T any](work func(publish func(T)) T, message func(v T, more tea.Cmd) tea.Msg) tea.Cmd {
	return func() tea.Msg {
		latest, done := make(chan T, 1), make(chan tea.Msg, 1)
		publish := func(v T) {
			select {
			case <-latest: // nobody took the one before
			default:
			}
			latest <- v
		}
		go func() {
			defer func() {
				if v := recover(); v != nil {
					done <- panicMsg{v, debug.Stack()}
				}
			}()
			done <- message(work(publish), nil)
		}()
		var next tea.Cmd
		next = func() tea.Msg {
			select {
			case msg := <-done:
				return msg
			case v := <-latest:
				return message(v, next)
			}
		}
		return next()
	}
}
