package latency

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// What is no target, or no host that ssh may be given, is refused before anything
// is opened.
func TestDevicesByName(t *testing.T) {
	if threads := Threads("pi"); !slices.Equal(threads, []int{1, 2, 4, 8, 16}) || !slices.Contains(Targets(), "cuda") || CheckTarget("") != nil {
		t.Errorf("threads %v, targets %v", threads, Targets())
	}
	if (ObservationHeader{Processor: "another"}).Here() || !(ObservationHeader{Host: "phone", Processor: "another"}).Here() {
		t.Error("observations of this machine are of its processor, those of hosts are not")
	}
	for _, name := range []string{"quantum", "CPU", "pi"} {
		if _, err := OpenDevice(t.Context(), DeviceOptions{Target: name}); err == nil || CheckTarget(name) == nil || !strings.Contains(err.Error(), "cpu cuda") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, host := range []string{"-oProxyCommand=reboot", "a b", "pi;reboot", "a@-b", "@pi", "pi@", "$(reboot)", strings.Repeat("a", 256), "\x1b[31m"} {
		if _, err := OpenDevice(t.Context(), DeviceOptions{Host: host}); !errors.Is(err, ssh.ErrHost) {
			t.Errorf("%q: %v", host, err)
		}
	}
	if _, err := Measure(t.Context(), smallSpace(t), MeasureOptions{Method: Isolated, Device: elsewhere{}}); err == nil || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("blocks alone on another device: %v", err)
	}
}

// elsewhere is a device that is not this machine.
type elsewhere struct{ Device }

func (elsewhere) Provenance() Provenance {
	return Provenance{Host: "phone", Device: "cpu", Threads: 1, Batch: 1}
}

// What a killed process left of traces is removed; what a living one uses is not.
func TestLeftTracesAreRemoved(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	used, release, err := traceFolder()
	if err != nil {
		t.Fatal(err)
	}
	left := []string{"binas-tui-trace-1", "binas-tui-trace-2"}
	for _, name := range append(left, "another-program") {
		if err := os.MkdirAll(filepath.Join(temporary, name, "deep"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	removeLeftTraces()
	for _, name := range left {
		if _, err := os.Stat(filepath.Join(temporary, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	for _, folder := range []string{used, filepath.Join(temporary, "another-program")} {
		if _, err := os.Stat(folder); err != nil {
			t.Error(err)
		}
	}
	if _, err := safefile.Lock(filepath.Join(used, traceLock)); err == nil {
		t.Error("the folder of a trace is not locked")
	}
	release()
}

// What the runtime says of a card's operators is when they began: that is no trace,
// and tables are fitted on whole networks.
func TestCardsHaveNoTraces(t *testing.T) {
	m := NewMachine(MachineOptions{Target: "cuda:1"})
	if _, err := m.OpenTraced(t.Context(), nil, 32); !errors.Is(err, ErrNoTrace) {
		t.Errorf("cuda:1: %v", err)
	}
	if p := m.Provenance(); p.Device != "cuda:1" {
		t.Errorf("provenance %+v", p)
	}
	here := ObservationHeader{Processor: "Card A" + cardOf + Processor()}
	if other := (ObservationHeader{Processor: "Card A, another processor"}); !here.Here() || other.Here() {
		t.Error("observations of a card here, and elsewhere")
	}
}

// Networks that are made ready together are measured like others, and all are closed,
// also where one cannot be opened.
func TestNetworksTogether(t *testing.T) {
	onnxtest.Require(t)
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	m := NewMachine(MachineOptions{Classes: 10})
	m.together = true
	archs := each(networksToTime(s, 3, 1), s.Architecture)
	found, err := lookAt(t.Context(), archs, 32, MeasureOptions{Device: m, Rounds: 1})
	if err != nil || len(found.openings) != len(archs) {
		t.Fatalf("%d networks of %d: %v", len(found.openings), len(archs), err)
	}
	for i, one := range found.measurements() {
		if !(one.MedianMS > 0) || one.Rounds != 1 {
			t.Errorf("network %d: %+v", i, one)
		}
	}
	networks, release, err := m.prepare(t.Context(), archs, 32)
	if err != nil || len(networks) != len(archs) {
		t.Fatalf("%d networks: %v", len(networks), err)
	}
	release()
	for i, n := range networks {
		if _, err := n.Run(t.Context(), 1); !errors.Is(err, onnx.ErrClosed) {
			t.Errorf("network %d: %v: expected it to be closed", i, err)
		}
	}
	large, err := model.ParseArchitecture("[['cn_r9_k7_s1_c16384']]")
	if err != nil {
		t.Fatal(err)
	}
	networks, release, err = m.prepare(t.Context(), append(archs, large), 32)
	if release(); !errors.Is(err, memory.ErrTooMuch) || networks != nil {
		t.Errorf("a network that is too large: %d networks, %v", len(networks), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lookAt(ctx, archs, 32, MeasureOptions{Device: m}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
