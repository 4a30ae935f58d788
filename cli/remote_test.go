//go:build linux

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
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

// onHost are the arguments of a command on the host of a test.
func onHost(args ...string) []string {
	return append(args, "--on", sshtest.Host, "--onnxruntime", anyLibrary)
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
	server := sshtest.Start(t, "", "")
	ownData(t)
	measure := func(ctx context.Context, file string) (string, error) {
		var out, errs bytes.Buffer
		err := run(ctx, onHost("lut", "measure", "--out", file, "--name", "pi", "--image-size", "32", "--networks", "24", "--rounds", "2"), Streams{Out: &out, Err: &errs})
		return errs.String(), err
	}
	dir := t.TempDir()
	unbroken, broken := filepath.Join(dir, "unbroken.json"), filepath.Join(dir, "broken.json")
	said, err := measure(t.Context(), unbroken)
	if err != nil || !strings.Contains(said, "pi: pushing binas-tui (") || !strings.Contains(said, "pi: pushing libonnxruntime.so.1 (") {
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
	if p := loadLUT(t, broken).Provenance; p.Host != sshtest.Host || p.Processor != "simulated" || p.Runtime != "devicetest" || p.Device != "cpu" {
		t.Errorf("%+v", p)
	}
	if out := mustRun(t, "lut", "show", broken); !strings.Contains(out, "host         pi\n") || !strings.Contains(out, "processor    simulated\n") {
		t.Errorf("%s", out)
	}

	// The table's host is the default, now that it was used.
	if hosts := explore.Hosts(); !slices.Equal(hosts, []string{"pi"}) {
		t.Errorf("hosts %q", hosts)
	}
	r := decode[verifyReport](t, mustRun(t, "lut", "verify", "--lut", broken, "--networks", "4", "--rounds", "1", "--onnxruntime", anyLibrary, "--json"))
	if r.Host != "pi" || !(r.ShapeMAPE < 0.01) {
		t.Errorf("host %q, shape error %v", r.Host, r.ShapeMAPE)
	}
	kept := decode[keptJSON](t, mustRun(t, onHost("search", "--profile", "digits", "--lut", broken, "--limit", "3ms", "--on-device", "--json")...))
	if kept.Measurements < 1 || !(kept.MeasuredMS > 0 && kept.MeasuredMS <= 3) {
		t.Errorf("%+v", kept)
	}
	n := decode[networkReport](t, mustRun(t, onHost("measure", *kept.Architecture, "--lut", broken, "--rounds", "1", "--json")...))
	if n.Host != "pi" || n.PredictedMS == nil || float64(*n.PredictedMS/n.MedianMS-1) > 0.01 {
		t.Errorf("%+v", n)
	}

	// Second pushes are none.
	timetest.Measured(t, func() bool {
		start := time.Now()
		d, err := latency.OpenDevice(t.Context(), latency.DeviceOptions{Host: sshtest.Host, Library: anyLibrary})
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		defer d.Close()
		t.Logf("a host that has all is ready after %v", took)
		return took < 2*time.Second
	})
}
