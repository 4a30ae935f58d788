// Package timetest is for tests of how soon something ends, and of how long
// things take, on machines that other programs use too.
//
// What another program can spoil proves nothing: such a test is tried a few
// times, by the clock and by the processor time of its own process, to which
// other programs cannot add.
package timetest
