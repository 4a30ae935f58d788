package latency

import (
	"errors"
	"testing"

	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/model"
)

// What a table says it was measured with is what searches on the device open
// sessions with: a table of a hundred thousand threads is refused.
func TestTablesOfTooManyThreads(t *testing.T) {
	space, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		threads, batch int
		fine           bool
	}{{MaxThreads, MaxBatch, true}, {MaxThreads + 1, 1, false}, {1, MaxBatch + 1, false}, {-1, 1, false}, {1, -1, false}} {
		lut := &LUT{Provenance: Provenance{Threads: c.threads, Batch: c.batch}, Fixed: Measurement{MedianMS: 1}, Blocks: map[string]Measurement{}}
		for b := range space.NumBlocks() {
			for _, o := range space.Options {
				lut.Blocks[space.Block(b).LUTKey(o)] = Measurement{MedianMS: 1}
			}
		}
		data, err := EncodeLUT(lut)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeLUT(data); (err == nil) != c.fine || err != nil && !errors.Is(err, ErrLUTFormat) {
			t.Errorf("%d threads, batch %d: %v", c.threads, c.batch, err)
		}
	}
}

func TestMeasuringIsBoundedByMemory(t *testing.T) {
	space, err := model.NewSpace(model.MobileNASNet, model.MaxImageSize)
	if err != nil {
		t.Fatal(err)
	}
	arch := space.Architecture(space.HeaviestPath())
	o := MeasureOptions{Batch: MaxBatch, Classes: 10}
	_, open := NewMachine(MachineOptions{Batch: MaxBatch}).Open(t.Context(), arch, model.MaxImageSize)
	for name, err := range map[string]error{"table": checkTableMemory(space, o), "network": checkNetworkMemory([]model.Architecture{arch}, model.MaxImageSize, o), "device": open} {
		if !errors.Is(err, memory.ErrTooMuch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkNetworkMemory([]model.Architecture{arch}, 32, MeasureOptions{Batch: 1, Classes: 10}); err != nil {
		t.Error(err)
	}
}
