// Package cell draws on a grid of styled cells: clipped and sanitised text, boxes,
// bars, rows with a cursor, plots and their axes, by a theme and a set of glyphs
// that can be switched. It knows nothing of what is explored.
//
// Whatever a [Screen] is asked to write is clean and stays within the grid, so that
// callers need not sanitise names from outside. Nothing is told by colour alone.
package cell
