//go:build linux

// Package sshtest runs an SSH server on this machine for tests, with keys and
// folders of its own.
package sshtest

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// Host is what the server is called in the configuration of ssh.
const Host = "pi"

// Server is an SSH server on the loopback device.
type Server struct {
	Cache string // the remote's cache folder
	Temp  string // its folder of temporary files
	NoFar error  // why there is no host "far" that was asked for

	dir, ssh string
	port     int
	daemons  []*exec.Cmd
}

// Options are lines of the server's configuration, and variables of the environment,
// such as " A=1 B=2".
type Options struct {
	Server, Env string
	// Far has a second server, with the same folders, in a network namespace of its
	// own: "ssh far" reaches it through a network that delays packets and loses some.
	// That takes rights that not every machine gives, see [Server.NoFar].
	Far bool
}

// Start starts a server that "ssh pi" reaches for the rest of the test; "changed" and "unknown-key" are hosts whose key is wrong or not known, and
// "other-user" has the wrong key of a user. The test is skipped without OpenSSH.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{dir: t.TempDir(), ssh: needed.Program(t, "ssh")}
	keygen := needed.Program(t, "ssh-keygen")
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		if sshd = "/usr/sbin/sshd"; !exists(sshd) {
			needed.Missing(t, err)
		}
	}
	s.Cache, s.Temp = filepath.Join(s.dir, "cache"), filepath.Join(s.dir, "tmp")
	for _, dir := range []string{s.Cache, s.Temp, filepath.Join(s.dir, "bin")} {
		check(t, os.MkdirAll(dir, 0o755))
	}
	if os.Getuid() == 0 {
		check(t, os.MkdirAll("/run/sshd", 0o755)) // it wants an empty folder
	}
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", s.file(key)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	check(t, os.Rename(s.file("user.pub"), s.file("authorized_keys")))
	me, err := user.Current()
	check(t, err)
	s.port = freePort(t)
	write(t, s.file("sshd_config"), fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\n"+
		"PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSetEnv%s XDG_CACHE_HOME=%s TMPDIR=%s\n%s\n",
		s.port, s.file("host"), s.file("authorized_keys"), o.Env, s.Cache, s.Temp, o.Server), 0o644)
	config, namespace, distant := "", "", ""
	if o.Far {
		namespace, distant, s.NoFar = distance(t)
	}
	for _, h := range []struct{ host, address, key, known string }{
		{Host, "127.0.0.1", "user", "known"}, {"far", distant, "user", "known"}, {"changed", "127.0.0.1", "user", "known-other"}, {"unknown-key", "127.0.0.1", "user", "none"}, {"other-user", "127.0.0.1", "host", "known"},
	} {
		if h.address == "" {
			continue
		}
		config += fmt.Sprintf("Host %s\n  HostName %s\n  Port %d\n  User %s\n  IdentityFile %s\n  IdentitiesOnly yes\n  StrictHostKeyChecking yes\n"+
			"  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n", h.host, h.address, s.port, me.Username, s.file(h.key), s.file(h.known))
	}
	write(t, s.file("ssh_config"), config, 0o644)
	for name, key := range map[string]string{"known": "host.pub", "known-other": "authorized_keys"} {
		public, err := os.ReadFile(s.file(key))
		check(t, err)
		write(t, s.file(name), fmt.Sprintf("[127.0.0.1]:%d,[%s]:%d %s", s.port, cmp.Or(distant, "127.0.0.1"), s.port, public), 0o644)
	}
	write(t, s.file("bin/ssh"), fmt.Sprintf("#!/bin/sh\nexec %s -F %s \"$@\"\n", s.ssh, s.file("ssh_config")), 0o755)
	t.Setenv("PATH", s.file("bin")+":"+os.Getenv("PATH"))

	command := []string{sshd, "-D", "-e", "-f", s.file("sshd_config")}
	s.start(t, command)
	if distant != "" {
		s.start(t, append([]string{"ip", "netns", "exec", namespace}, append(command, "-o", "ListenAddress="+distant)...))
	}
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			c.Close()
			return s
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal(err)
		}
	}
}

// start starts a server until the end of the test.
func (s *Server) start(t testing.TB, command []string) {
	t.Helper()
	daemon := exec.Command(command[0], command[1:]...)
	var log bytes.Buffer
	daemon.Stderr = &log
	check(t, daemon.Start())
	s.daemons = append(s.daemons, daemon)
	t.Cleanup(func() {
		s.KillSessions()
		daemon.Process.Kill()
		daemon.Wait()
		if t.Failed() {
			t.Logf("sshd: %s", log.String())
		}
	})
}

func (s *Server) file(name string) string { return filepath.Join(s.dir, name) }

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, name, text string, mode os.FileMode) {
	t.Helper()
	check(t, os.WriteFile(name, []byte(text), mode))
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// KillSessions kills the processes of the server that serve connections.
func (s *Server) KillSessions() {
	parents := map[int]int{}
	eachProcess(func(pid int, stat []string) {
		if strings.HasPrefix(stat[0], "sshd") {
			parents[pid], _ = strconv.Atoi(stat[2])
		}
	})
	for pid := range parents {
		for p := parents[pid]; p > 1; p = parents[p] {
			if slices.ContainsFunc(s.daemons, func(d *exec.Cmd) bool { return p == d.Process.Pid }) {
				syscall.Kill(pid, syscall.SIGKILL)
				break
			}
		}
	}
}

// Programs are the processes that run what was pushed.
func (s *Server) Programs() (pids []int) {
	eachProcess(func(pid int, stat []string) {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err == nil && strings.HasPrefix(exe, s.Cache) && stat[1] != "Z" {
			pids = append(pids, pid)
		}
	})
	return pids
}

// Gone waits until no pushed program runs, and returns how long that took.
func (s *Server) Gone(t testing.TB, most time.Duration) time.Duration {
	t.Helper()
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		left := len(s.Programs())
		took := time.Since(start)
		if left == 0 {
			return took
		}
		if took > most {
			t.Fatalf("processes %v are there %v later", s.Programs(), took)
		}
	}
}

// eachProcess calls do with the name, state and parent of every process.
func eachProcess(do func(pid int, stat []string)) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		data, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		_, rest, ok := strings.Cut(string(data), "(")
		end := strings.LastIndex(rest, ") ")
		if err != nil || !ok || end < 0 {
			continue
		}
		if fields := strings.Fields(rest[end+2:]); len(fields) > 1 {
			do(pid, []string{rest[:end], fields[0], fields[1]})
		}
	}
}
