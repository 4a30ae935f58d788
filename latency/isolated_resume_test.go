package latency

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A run that is stopped goes on where it was, and ends with what an unbroken
// run ends with.
func TestStoppedRunGoesOn(t *testing.T) {
	const n, rounds = 30, 8
	whole := newFakeDevice()
	want, err := whole.measure(context.Background(), n, MeasureOptions{Rounds: rounds})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "run")
	o := MeasureOptions{Rounds: rounds, Folder: folder}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d := newFakeDevice()
	d.onRun = func(d *fakeDevice) {
		if d.runs > whole.runs*3/4 {
			cancel()
		}
	}
	if _, err := d.measure(ctx, n, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	again := newFakeDevice()
	have, err := again.measure(context.Background(), n, o)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(have, want) {
		t.Errorf("resumed run: %v\nunbroken: %v", have, want)
	}
	if again.runs > whole.runs/2 {
		t.Errorf("the second call made %d runs: an unbroken run makes %d", again.runs, whole.runs)
	}
	done := newFakeDevice()
	if have, err = done.measure(context.Background(), n, o); err != nil || !maps.Equal(have, want) || done.opened != 0 {
		t.Errorf("finished run: %d sessions opened, %v", done.opened, err)
	}
	o.Rounds += 2
	if have, err = done.measure(context.Background(), n, o); err != nil || have["task 0"].Rounds != rounds+2 {
		t.Errorf("finished run made longer: %v, %v", have["task 0"], err)
	}
}

// The same with a process that is killed outright in the middle of a round.
func TestKilledRunGoesOn(t *testing.T) {
	const n, rounds = 30, 8
	if folder := os.Getenv("LATENCY_TEST_RUN"); folder != "" {
		d := newFakeDevice()
		d.onRun = func(d *fakeDevice) {
			if d.runs == 1500 {
				self, _ := os.FindProcess(os.Getpid())
				self.Kill()
				select {}
			}
		}
		d.measure(context.Background(), n, MeasureOptions{Rounds: rounds, Folder: folder})
		return
	}
	folder := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledRunGoesOn$")
	cmd.Env = append(os.Environ(), "LATENCY_TEST_RUN="+folder)
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Fatalf("the process was not killed: %s", out)
	}
	if left, err := os.ReadFile(filepath.Join(folder, recordName)); err != nil || bytes.Count(left, []byte("\n")) < 3 {
		t.Fatalf("the killed process left %q, %v", left, err)
	}
	want, err := newFakeDevice().measure(context.Background(), n, MeasureOptions{Rounds: rounds})
	if err != nil {
		t.Fatal(err)
	}
	d := newFakeDevice()
	have, err := d.measure(context.Background(), n, MeasureOptions{Rounds: rounds, Folder: folder})
	if err != nil || !maps.Equal(have, want) {
		t.Errorf("after the kill: %v, %v\nunbroken: %v", have, err, want)
	}
	if d.runs > 1500 {
		t.Errorf("after the kill %d runs were made", d.runs)
	}
}

// Wherever a kill cuts the file, the run goes on and ends the same.
func TestRunGoesOnFromAnyCut(t *testing.T) {
	const n = 3
	folder := t.TempDir()
	o := MeasureOptions{Rounds: 3, Folder: folder, Slice: time.Microsecond}
	want, err := newFakeDevice().measure(context.Background(), n, o)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, recordName)
	full, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(full); cut += 5 {
		if err := os.WriteFile(path, full[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		have, err := newFakeDevice().measure(context.Background(), n, o)
		if err != nil || !maps.Equal(have, want) {
			t.Fatalf("cut after %d bytes: %v, %v", cut, have, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(after, full) {
			t.Fatalf("cut after %d bytes, the file became\n%s\nfrom\n%s", cut, after, full)
		}
	}
}

func TestOtherSettingsAreRefusedByName(t *testing.T) {
	folder := t.TempDir()
	base := MeasureOptions{Rounds: 1, Folder: folder, Seed: 1 << 60}
	if _, err := newFakeDevice().measure(context.Background(), 3, base); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*MeasureOptions){
		"threads": func(o *MeasureOptions) { o.Threads = 2 },
		"batch":   func(o *MeasureOptions) { o.Batch = 8 },
		"classes": func(o *MeasureOptions) { o.Classes = 10 },
		"slice":   func(o *MeasureOptions) { o.Slice = time.Second },
		"seed":    func(o *MeasureOptions) { o.Seed++ },
		"target":  func(o *MeasureOptions) { o.Target = "cuda" },
	} {
		o := base
		change(&o)
		_, err := newFakeDevice().measure(context.Background(), 3, o)
		if !errors.Is(err, ErrRunMismatch) || !strings.Contains(err.Error(), name+" is ") {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := newFakeDevice().measure(context.Background(), 4, base); !errors.Is(err, ErrRunMismatch) {
		t.Errorf("another space: %v", err)
	}
	if _, err := newFakeDevice().measure(context.Background(), 3, base); err != nil {
		t.Errorf("the refusals changed the run: %v", err)
	}
}

// A damaged line loses its round, which is told and made again.
func TestADamagedRoundIsMadeAgain(t *testing.T) {
	folder := t.TempDir()
	o := MeasureOptions{Rounds: 2, Folder: folder}
	want, err := newFakeDevice().measure(context.Background(), 2, o)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, recordName)
	full, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(full, []byte("\n"))
	for _, bad := range []string{"{}\n", "nonsense\n", `{"ms":[1,-1],"sentinel":[1]}` + "\n", `{"ms":[1],"sentinel":[1]}` + "\n", `{"ms":[1,1],"sentinel":[]}` + "\n",
		strings.Repeat("x", 2<<20) + "\n"} {
		damaged := append(append([]byte{}, lines[0]...), lines[1]...)
		damaged = append(damaged, bad...)
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		told := ""
		o.Warn = func(text string) { told = text }
		have, err := newFakeDevice().measure(context.Background(), 2, o)
		if err != nil || !maps.Equal(have, want) || !strings.Contains(told, "3") {
			t.Errorf("%.40q: %v, %v, told %q", bad, have, err, told)
		}
	}
}
