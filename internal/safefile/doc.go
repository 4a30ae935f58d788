// Package safefile is how the program reads, writes and locks files.
//
// Reading is bounded before it begins, and waits for nothing: what is no regular
// file (a pipe, a device, a socket, a folder) is refused before it is opened. It
// is opened without blocking as well, so that a file which is replaced by a pipe
// in between does no harm.
//
// Writing is by rename, in the folder of the file: there is the old file or the
// new one, whole. Modes are what the umask says, over an existing file too, so
// that a group can share a folder.
//
// Errors name the file, once.
package safefile
