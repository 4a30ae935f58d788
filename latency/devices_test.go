package latency

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Another kind of device is found by its name; what is none of a device is refused
// with the names there are.
func TestDevicesByName(t *testing.T) {
	kinds := deviceKinds
	t.Cleanup(func() { deviceKinds = kinds })
	var opened DeviceOptions
	deviceKinds = append(slices.Clone(kinds), deviceKind{
		targets: []string{"phone", "ssh:"}, threads: func() int { return 6 }, elsewhere: true,
		open: func(o DeviceOptions) (Device, error) { opened = o; return NewMachine(MachineOptions{}), nil },
	})
	if _, err := OpenDevice(DeviceOptions{Target: "phone", Threads: 3}); err != nil || opened.Threads != 3 {
		t.Errorf("opened with %+v, %v", opened, err)
	}
	if !slices.Equal(Threads("phone"), []int{1, 2, 4, 6}) || !slices.Contains(Targets(), "phone") || CheckTarget("") != nil {
		t.Errorf("threads %v, targets %v", Threads("phone"), Targets())
	}
	if _, err := OpenDevice(DeviceOptions{Target: "ssh:pi@shelf"}); err != nil || opened.Target != "ssh:pi@shelf" {
		t.Errorf("opened with %+v, %v", opened, err)
	}
	if (ObservationHeader{Target: "cpu", Processor: "another"}).Here() || !(ObservationHeader{Target: "phone", Processor: "another"}).Here() {
		t.Error("observations of this machine are of its processor, those of others are not")
	}
	for _, name := range []string{"quantum", "CPU", "pi"} {
		if _, err := OpenDevice(DeviceOptions{Target: name}); err == nil || CheckTarget(name) == nil || !strings.Contains(err.Error(), "cpu, cuda") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Measure(t.Context(), smallSpace(t), MeasureOptions{Method: Isolated, Device: elsewhere{}}); err == nil || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("blocks alone on another device: %v", err)
	}
}

// elsewhere is a device that is not this machine.
type elsewhere struct{ Device }

func (elsewhere) Provenance() Provenance { return Provenance{Device: "phone", Threads: 1, Batch: 1} }

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
