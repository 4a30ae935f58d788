//go:build linux || darwin

package dataset

import "golang.org/x/sys/unix"

// freeBytes is the room on the disk of a folder for this user.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
