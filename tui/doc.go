// Package tui is the explorer: drag a latency budget and see the best network
// at once, with proof.
//
// [App] is the only Bubble Tea model. Each pane is a type in a file named after it
// (pane_architecture.go, pane_frontier.go, pane_why.go) that holds what it alone
// needs, draws what App holds and changes nothing by drawing; panes.go lists them,
// layout.go says where they are, keys.go what keys do. What opens over them is in
// dialog_*.go, picker.go and help.go, made of the menus, forms and entries of
// package form.
//
// Rules: Update reads no files and never waits; solving takes microseconds and
// happens in Update, longer work is a command (App.background), whose result is
// dropped when the setup has changed since. Nothing is told
// by colour alone. Text from files goes through package sanitize.
package tui
