package ssh

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Errors of hosts.
var (
	// ErrHost is wrapped by errors about a host that cannot be reached or does
	// not have what is needed.
	ErrHost = errors.New("host")
	// ErrLost is wrapped by errors about a connection that ended.
	ErrLost = errors.New("the connection ended")
)

// hostError is an ErrHost whose text is all that is to be said.
type hostError struct{ text string }

func (e hostError) Error() string        { return e.text }
func (e hostError) Is(target error) bool { return target == ErrHost }

func hostErrorf(host, format string, args ...any) error {
	return hostError{host + ": " + fmt.Sprintf(format, args...)}
}

// Payload is what a platform is sent.
type Payload struct {
	Program File   // to be run
	Library []File // of one folder; the program gets the path of the first in the environment variable Variable
}

// File is a file of this machine, and what it is called there. Where its SHA-256 is
// given, the file need not be there before it is pushed.
type File struct{ Path, Name, SHA256 string }

// Options say what to run.
type Options struct {
	Host string
	// Payload gets what a platform, such as linux/arm64, is sent; its errors are the
	// caller's.
	Payload  func(ctx context.Context, platform string) (Payload, error)
	Variable string   // see Payload
	Args     []string // plain words
	Log      func(text string)
	// LibraryLater runs the program also where its library was not pushed before: none
	// may be at the path that it gets.
	LibraryLater bool
}

// Of the connection: how long it may take, and after what silence it is given up.
var options = []string{"-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
	"-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none", "-o", "EscapeChar=none"}

// mark begins a line of what is run here among what shells and their start-up
// files may print before.
const mark = "binas-tui-remote:"

// Bounds of what is read before the mark, and of what is kept of the errors.
const (
	maxNoise  = 64 << 10
	maxErrors = 8 << 10
)

// Session is a program that runs on a host. Read and Write are its standard output
// and input.
type Session struct {
	host string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	errs *tail
	wait func() error // once
}

// Read implements [io.Reader].
func (s *Session) Read(p []byte) (int, error) { return s.out.Read(p) }

// Write implements [io.Writer].
func (s *Session) Write(p []byte) (int, error) { return s.in.Write(p) }

// Close ends the program by closing its input, and ssh where that does not. It
// returns how the program ended.
func (s *Session) Close() error {
	s.in.Close()
	late := time.AfterFunc(closeTime, func() { s.cmd.Process.Kill() })
	defer late.Stop()
	return s.wait()
}

// closeTime is how long a program may take to end.
const closeTime = 2 * time.Second

// Lost is the error of a session that ended while it was needed: an [ErrLost].
func (s *Session) Lost() error {
	s.Close()
	text := s.errs.last()
	if text == "" {
		return fmt.Errorf("%s: %w", s.host, ErrLost)
	}
	return fmt.Errorf("%s: %w: %s", s.host, ErrLost, text)
}

// start runs a script in the POSIX shell of a host. It holds no single quotes.
func start(ctx context.Context, host, script string) (*Session, error) {
	if err := CheckHost(host); err != nil {
		return nil, hostError{err.Error()}
	}
	args := append(slices.Clone(options), "--", host, "exec sh -c '"+script+"'")
	cmd := exec.CommandContext(ctx, "ssh", args...)
	cmd.WaitDelay = closeTime
	s := &Session{host: host, cmd: cmd, errs: &tail{}, wait: sync.OnceValue(cmd.Wait)}
	cmd.Stderr = s.errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		s.in, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, hostErrorf(host, "there is no ssh on this machine: install OpenSSH's client")
	}
	if err != nil {
		return nil, fmt.Errorf("ssh: %w", err)
	}
	s.out = bufio.NewReader(out)
	return s, nil
}

// marked is the rest of the next marked line; what stands before is of start-up
// files. The error says why there was none.
func (s *Session) marked(ctx context.Context) (string, error) {
	for left := maxNoise; left > 0; {
		line, err := s.out.ReadSlice('\n')
		left -= len(line)
		if _, rest, ok := bytes.Cut(line, []byte(mark)); ok && err == nil {
			return strings.TrimSpace(string(rest)), nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return "", s.failed(ctx)
		}
	}
	s.cmd.Process.Kill()
	s.wait()
	return "", hostErrorf(s.host, "its shell prints more than %d kB before it runs a command: a start-up file does so even where no one is there to read", maxNoise>>10)
}

// failed says why a script did not come to its end.
func (s *Session) failed(ctx context.Context) error {
	ended := s.Close()
	if err := ctx.Err(); err != nil {
		return err
	}
	text := s.errs.last()
	for _, known := range []struct{ sign, says string }{
		{"IDENTIFICATION HAS CHANGED", "its host key has changed: another machine answers, or it was set up anew; if it was, ssh-keygen -R removes the old key"},
		{"Host key verification failed", "its host key is not known yet: connect once with ssh and confirm it"},
		{"Permission denied", "it refuses this user's keys, and passwords cannot be asked for here: ssh-copy-id sets up a key, ssh-add unlocks one"},
		{"Could not resolve hostname", "there is no such host: expected a Host of ~/.ssh/config or a name that resolves"},
	} {
		if s.errs.contains(known.sign) {
			return hostErrorf(s.host, "%s (ssh: %s)", known.says, text)
		}
	}
	if text == "" {
		text = "it ended without an answer"
		if ended != nil {
			text += " (" + ended.Error() + ")"
		}
	}
	return hostErrorf(s.host, "%s", text)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	t.data = t.data[max(0, len(t.data)-maxErrors):]
	return len(p), nil
}

func (t *tail) contains(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Contains(t.data, []byte(text))
}

// last is the last line that says something.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(string(t.data), "\n")
	for _, line := range slices.Backward(lines) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "Connection to ") {
			return sanitize.Line(strings.TrimPrefix(line, "ssh: "))
		}
	}
	return ""
}
