// Package tui is the explorer: drag a latency budget and see the best network
// at once, with proof.
//
// [App] is the only Bubble Tea model. Each pane is a type in a file named after it
// (pane_architecture.go, pane_frontier.go, pane_why.go) that holds what it alone
// needs, draws what App holds and changes nothing by drawing; panes.go lists them,
// layout.go says where they are, keys.go what keys do, dialog.go, entry.go,
// picker.go and help.go what opens over them.
//
// Rules: Update reads no files and never waits; solving takes microseconds and
// happens in Update, longer work is a command whose result carries a
// generation and is dropped when the setup has changed since. Nothing is told
// by colour alone. Text from files goes through package sanitize.
package tui
