// Package explore is the engine behind every screen and command: it finds
// latency tables and predictors by name or file, joins them with a search
// space into a solver.Problem, and answers budgets.
//
// A [Setup] says what to explore; [New] prepares it (a few milliseconds); the
// resulting [Engine] answers a budget in microseconds with [Engine.Solve].
// The explorer in package tui and the commands in package cli use the same
// engine, so that both give the same answers.
package explore
