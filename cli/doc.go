// Package cli is the command line: flags in, text, JSON or files out. One file
// holds one command; the work is done by the packages below it, so that every
// command and the explorer give the same answers.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage or unreadable input, 3 no
// network fits the limit, 128+n ended by signal n (130 for an interrupt, 143
// for SIGTERM). An error is one line on standard error; results alone go to
// standard output.
package cli
