// Package tui is the explorer: drag a latency budget and see the best network
// at once, with proof.
//
// [App] is the only Bubble Tea model. Each pane is a file named after it
// (budget.go, architecture.go, frontier.go, contributions.go, why.go,
// published.go) with a draw method that reads App and writes cells; layout.go
// says where panes are, keys.go what keys do, dialog.go, entry.go, picker.go
// and help.go what opens over the panes.
//
// Rules: Update reads no files and never waits; solving takes microseconds and
// happens in Update, longer work is a command whose result carries a
// generation and is dropped when the setup has changed since. Nothing is told
// by colour alone. Text from files goes through package sanitize.
package tui
