// Package ssh runs a program on another machine through the system's ssh, whose
// configuration, agent and jump hosts work as users have them. What the program
// needs is pushed once into the cache folder there, in folders named by their
// SHA-256, verified and renamed into place: nothing is installed. A push that was cut
// off is gone on with by the next. The program ends
// when its standard input does, which is when this process, ssh or the connection
// ends.
//
// Files are sent through ssh's standard input: neither scp nor an SFTP server,
// which small systems lack, is needed. The remote needs a POSIX shell and
// sha256sum.
package ssh
