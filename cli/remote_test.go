//go:build linux

package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/internal/sshtest"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/latency"
)

// anyLibrary is sent as the library of simulated devices, which load none.
const anyLibrary = "/bin/true"

// distant has the table measured on the host that is far away; by hand.
var distant = flag.Bool("distant", false, "measure on a host 50 ms away, of whose packets 1% are lost")

// onHost are the arguments of a command on the host of a test.
func onHost(host string, args ...string) []string {
	return append(args, "--on", host, "--onnxruntime", anyLibrary)
}

// measureLines is how many networks a run folder holds.
func measureLines(folder string) int {
	data, _ := os.ReadFile(filepath.Join(folder, "measure.jsonl"))
	return max(bytes.Count(data, []byte("\n"))-1, 0)
}

// While a table is measured on a host, the command is cancelled, and the connection
// killed: what runs there ends, and the same command goes on to the table that an
// unbroken one is.
func TestMeasureOnAHost(t *testing.T) {
	if testing.Short() {
		t.Skip("the protocol is tested in package latency")
	}
	server := sshtest.Start(t, sshtest.Options{Far: true})
	ownData(t)
	host := sshtest.Host
	if *distant {
		if host = "far"; server.NoFar != nil {
			t.Fatal(server.NoFar)
		}
	}
	measure := func(ctx context.Context, file string) (string, error) {
		var out, errs bytes.Buffer
		err := run(ctx, onHost(host, "lut", "measure", "--out", file, "--name", "pi", "--image-size", "32", "--networks", "24", "--rounds", "2"), Streams{Out: &out, Err: &errs})
		return errs.String(), err
	}
	dir := t.TempDir()
	unbroken, broken := filepath.Join(dir, "unbroken.json"), filepath.Join(dir, "broken.json")
	said, err := measure(t.Context(), unbroken)
	if err != nil || !strings.Contains(said, host+": pushing binas-tui (") || !strings.Contains(said, host+": pushing libonnxruntime.so.1 (") {
		t.Fatalf("%v, said %q", err, said)
	}
	server.Gone(t, 20*time.Second)

	// interrupted does what ends the command, once it has measured some networks more.
	interrupted := func(end func(cancel func())) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		before := measureLines(broken + ".run")
		go func() { _, err := measure(ctx, broken); ended <- err }()
		for start := time.Now(); measureLines(broken+".run") == before; time.Sleep(5 * time.Millisecond) {
			if time.Since(start) > time.Minute {
				t.Fatal("nothing is measured")
			}
		}
		if len(server.Programs()) != 1 {
			t.Fatalf("processes %v run there", server.Programs())
		}
		end(cancel)
		return <-ended
	}
	var gone []time.Duration
	err = interrupted(func(cancel func()) { cancel(); gone = append(gone, server.Gone(t, 20*time.Second)) })
	if !errors.Is(err, errEnded) {
		t.Errorf("cancelled: %v", err)
	}
	err = interrupted(func(func()) { server.KillSessions(); gone = append(gone, server.Gone(t, 20*time.Second)) })
	if !errors.Is(err, ssh.ErrLost) || !strings.Contains(err.Error(), "the same command resumes after") || exitCode(err) != exitFailed {
		t.Errorf("lost: %v", err)
	}
	t.Logf("the program there is gone %v after cancelling and killing", gone)
	if n := measureLines(broken + ".run"); n < 2 || n >= 48 {
		t.Errorf("%d networks before the end", n)
	}
	if said, err := measure(t.Context(), broken); err != nil || strings.Contains(said, "pushing") {
		t.Fatalf("%v, said %q", err, said)
	}
	date := regexp.MustCompile(`"date": "[^"]*"`)
	var files [2]string
	for i, name := range []string{unbroken, broken} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = date.ReplaceAllString(string(data), "")
	}
	if files[0] != files[1] {
		t.Errorf("the table is another after interruptions:\n%.2000s\n%.2000s", files[0], files[1])
	}
	if p := loadLUT(t, broken).Provenance; p.Host != host || p.Processor != "simulated" || p.Runtime != "devicetest" || p.Device != "cpu" {
		t.Errorf("%+v", p)
	}
	if out := mustRun(t, "lut", "show", broken); !strings.Contains(out, "host         "+host+"\n") || !strings.Contains(out, "processor    simulated\n") {
		t.Errorf("%s", out)
	}

	// The table's host is the default, now that it was used.
	if hosts := explore.Hosts(); !slices.Equal(hosts, []string{host}) {
		t.Errorf("hosts %q", hosts)
	}
	r := decode[verifyReport](t, mustRun(t, "lut", "verify", "--lut", broken, "--networks", "4", "--rounds", "1", "--onnxruntime", anyLibrary, "--json"))
	if r.Host != host || !(r.ShapeMAPE < 0.01) {
		t.Errorf("host %q, shape error %v", r.Host, r.ShapeMAPE)
	}
	kept := decode[keptJSON](t, mustRun(t, onHost(host, "search", "--profile", "digits", "--lut", broken, "--limit", "3ms", "--on-device", "--json")...))
	if kept.Measurements < 1 || !(kept.MeasuredMS > 0 && kept.MeasuredMS <= 3) {
		t.Errorf("%+v", kept)
	}
	n := decode[networkReport](t, mustRun(t, onHost(host, "measure", *kept.Architecture, "--lut", broken, "--rounds", "1", "--json")...))
	if n.Host != host || n.PredictedMS == nil || float64(*n.PredictedMS/n.MedianMS-1) > 0.01 {
		t.Errorf("%+v", n)
	}

	// Second pushes are none.
	for _, host := range []string{"pi", "far"} {
		t.Run(host, func(t *testing.T) {
			if host == "far" && server.NoFar != nil {
				t.Skip(server.NoFar)
			}
			timetest.Measured(t, func() bool {
				start := time.Now()
				d, err := latency.OpenDevice(t.Context(), latency.DeviceOptions{Host: host, Library: anyLibrary})
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(start)
				d.Close()
				t.Logf("%s, which has all, is ready after %v", host, took)
				return took < 10*time.Second
			})
		})
	}
	if out := mustRun(t, "doctor", "--on", "pi", "--remove"); !strings.HasPrefix(out, "pi: removed ") || !strings.Contains(out, " MB in "+server.Cache) {
		t.Errorf("%s", out)
	}
	if entries, err := os.ReadDir(filepath.Join(server.Cache, "binas-tui")); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

// fakes are programs in front of a host's own.
func fakes(t *testing.T, scripts map[string]string) (line string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return " PATH=" + dir + ":/usr/bin:/bin"
}

// Hosts that cannot be measured on are told apart, each in one line, and nothing is
// left of what did not arrive but what the next push goes on with.
func TestHostsThatCannotBeMeasured(t *testing.T) {
	uname := func(machine string) map[string]string {
		return map[string]string{"uname": "test $1 = -s && echo Linux || echo " + machine}
	}
	other := map[string]string{"amd64": "aarch64", "arm64": "x86_64"}[runtime.GOARCH]
	plain := sshtest.Start(t, sshtest.Options{})
	for name, c := range map[string]struct {
		host, server, env string
		fake              map[string]string
		library           string
		want              string
		left              int // parts of what did not arrive
	}{
		"unknown host":    {host: "no-such-host.invalid", want: "no-such-host.invalid: there is no such host"},
		"an option":       {host: "-oProxyCommand=true", want: "--on: host"},
		"changed key":     {host: "changed", want: "changed: its host key has changed"},
		"unknown key":     {host: "unknown-key", want: "unknown-key: its host key is not known yet"},
		"password":        {host: "other-user", want: "other-user: it refuses this user's keys"},
		"32 bits":         {fake: uname("armv7l"), want: "pi: it runs Linux/armv7l: expected 64-bit Linux"},
		"32-bit programs": {fake: map[string]string{"getconf": "echo 32"}, want: ",32-bit: expected 64-bit Linux"},
		"no program":      {fake: uname(other), want: "there is no program for linux/"},
		"full disk":       {fake: map[string]string{"cat": "exec /bin/cat > /dev/full"}, want: "No space left on device"},
		"cut":             {fake: map[string]string{"cat": "exec /usr/bin/head -c 1000"}, want: "1000 of ", left: 1},
		"no sha256sum":    {fake: map[string]string{"sha256sum": "echo sha256sum: not found >&2; exit 127"}, want: "sha256sum: not found"},
		"no cache":        {env: " XDG_CACHE_HOME=/proc/none", want: "pi: pushing binas-tui ("},
		"endless noise":   {server: "ForceCommand yes Welcome", want: "pi: its shell prints more than 64 kB"},
		"no shell":        {server: "ForceCommand echo This account is not available; exit 1", want: "pi: it ended without an answer"},
		"no library":      {library: "remote_test.go", want: "remote_test.go: it is no program or library of linux/"},
	} {
		t.Run(name, func(t *testing.T) {
			ownData(t)
			if c.fake != nil {
				c.env = fakes(t, c.fake)
			}
			server := plain
			if c.server+c.env != "" {
				server = sshtest.Start(t, sshtest.Options{Server: c.server, Env: c.env})
			}
			r := runCLI(t, "measure", tinyNetwork, "--on", cmp.Or(c.host, sshtest.Host), "--onnxruntime", cmp.Or(c.library, anyLibrary))
			lines := strings.Split(strings.TrimSpace(r.err), "\n")
			if r.code != exitUsage || !strings.Contains(lines[len(lines)-1], c.want) || r.out != "" {
				t.Errorf("exit code %d, %q, output %q", r.code, r.err, r.out)
			}
			left, err := filepath.Glob(filepath.Join(server.Cache, "binas-tui/remote/*/.new*"))
			if err != nil || len(left) != c.left {
				t.Errorf("left there: %v, %v", left, err)
			}
			if hosts := explore.Hosts(); len(hosts) > 0 {
				t.Errorf("hosts %q are offered", hosts)
			}
		})
	}
}

// What start-up files of a shell print does not matter, there is no need for scp, and
// a device has one user at a time.
func TestAHostWithNoiseHasOneUser(t *testing.T) {
	server := sshtest.Start(t, sshtest.Options{Server: `ForceCommand echo Welcome; printf unfinished; eval "$SSH_ORIGINAL_COMMAND"`})
	ownData(t)
	path, _, _ := strings.Cut(os.Getenv("PATH"), ":")
	t.Setenv("PATH", path) // which has ssh alone
	o := latency.DeviceOptions{Host: sshtest.Host, Library: anyLibrary}
	d, err := latency.OpenDevice(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := runCLI(t, onHost(sshtest.Host, "measure", tinyNetwork)...)
	if r.code != exitUsage || !strings.Contains(r.err, "pi: the device is in use: another user or program measures on it") {
		t.Errorf("exit code %d, %q", r.code, r.err)
	}
	d.Close()
	server.Gone(t, 20*time.Second)
	if d, err = latency.OpenDevice(t.Context(), o); err != nil {
		t.Error(err)
	} else {
		d.Close()
	}
	t.Setenv("PATH", "")
	if r := runCLI(t, onHost(sshtest.Host, "measure", tinyNetwork)...); r.code != exitUsage || !strings.Contains(r.err, "there is no ssh on this machine") {
		t.Errorf("exit code %d, %q", r.code, r.err)
	}
}
