// Package sanitize makes text that comes from outside (file names, fields of
// files, arguments, the output of other programs) safe to print on a
// terminal. Everything of that kind passes [Line] once, where it enters the
// screen or an error message.
package sanitize
