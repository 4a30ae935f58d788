//go:build linux

package sshtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Of the network that "far" is behind: how long a packet takes either way, and the
// share that is lost.
const (
	delay = 50 * time.Millisecond
	loss  = 0.01
)

// distance makes a network namespace that packets reach after the delay, if they are
// not lost, as long as the test runs. It returns its name and address. That takes the
// rights of root and TUN devices; the error says what of them is missing.
func distance(t testing.TB) (namespace, address string, err error) {
	n := os.Getpid() % 16384
	namespace = fmt.Sprintf("binas%d", n)
	here, address := fmt.Sprintf("10.%d.%d.1", 64+n/256, n%256), fmt.Sprintf("10.%d.%d.2", 64+n/256, n%256)
	near, err := tun(t, namespace+"a")
	if err != nil {
		return "", "", err
	}
	far, err := tun(t, namespace+"b")
	if err != nil {
		return "", "", err
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", namespace).Run() })
	for _, command := range []string{
		"netns add N", "link set Nb netns N", "addr add " + here + "/30 dev Na", "link set Na up mtu 65000",
		"-n N addr add " + address + "/30 dev Nb", "-n N link set Nb up mtu 65000", "-n N link set lo up",
	} {
		if out, err := exec.Command("ip", strings.Fields(strings.ReplaceAll(command, "N", namespace))...).CombinedOutput(); err != nil {
			return "", "", fmt.Errorf("ip %s: %w: %s", command, err, out)
		}
	}
	go carry(far, near)
	go carry(near, far)
	return namespace, address, nil
}

// tun makes a device of a name, whose packets the file has, as long as the test runs.
func tun(t testing.TB, name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("TUN device %s: %w", name, err)
	}
	file := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { file.Close() }) // and with it the device
	return file, nil
}

// carry hands over packets, in their order, until the devices are closed.
func carry(to, from *os.File) {
	type packet struct {
		data []byte
		due  time.Time
	}
	packets := make(chan packet, 1<<14)
	defer close(packets)
	go func() {
		for p := range packets {
			time.Sleep(time.Until(p.due))
			to.Write(p.data)
		}
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if rand.Float64() >= loss {
			packets <- packet{append([]byte{}, buffer[:n]...), time.Now().Add(delay)}
		}
	}
}
