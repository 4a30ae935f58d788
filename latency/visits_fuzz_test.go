package latency

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// FuzzVisits checks that a file of visits, whatever is in it, is refused or
// gives visits that a table can be fitted on.
func FuzzVisits(f *testing.F) {
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		f.Fatal(err)
	}
	c := newColumns(s)
	paths := networksToTime(s, 24, 1)
	o := MeasureOptions{}.withDefaults()
	header := o.header("context", s.Name, s.ImageSize, c.keys)
	folder := f.TempDir()
	v := visitor{now: time.Now, warn: func(string) {}, has: func(network, block int) bool { return network < len(paths) && s.Active(paths[network], block) }}
	if err := v.openVisits(folder, &header, s.NumBlocks()); err != nil {
		f.Fatal(err)
	}
	for n := range 3 {
		visit := opening{Network: n, Bursts: []burst{{AtMS: float64(n), RunsMS: []float64{2, 1}}},
			Traced: []burst{{AtMS: 1, RunsMS: []float64{3}, BlocksMS: [][]float64{{1, 0.5}}}}, Blocks: []int{fixedBlock, 0}, Nodes: []int{4, 2}}
		if err := visit.check(s.NumBlocks()); err != nil {
			f.Fatal(err)
		}
		if err := v.file.Add(visit.place(), visit); err != nil {
			f.Fatal(err)
		}
	}
	if err := v.close(); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(folder, recordName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-20])
	f.Fuzz(func(t *testing.T, data []byte) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, recordName), data, 0o644); err != nil {
			t.Fatal(err)
		}
		have := header
		v := visitor{now: time.Now, warn: func(string) {}, has: func(network, block int) bool { return network < len(paths) && s.Active(paths[network], block) }}
		if err := v.openVisits(folder, &have, s.NumBlocks()); err != nil {
			return
		}
		defer v.close()
		var known []opening
		for _, visit := range v.openings {
			if err := visit.check(s.NumBlocks()); err != nil {
				t.Fatalf("%+v is taken: %v", visit, err)
			}
			for _, b := range visit.Blocks {
				if b != fixedBlock && !v.has(visit.Network, b) {
					t.Fatalf("%+v is taken: the network has no block %d", visit, b)
				}
			}
			if visit.Network < len(paths) {
				known = append(known, visit)
			}
		}
		for key, m := range c.results(contextFit(c, paths, known, false)) {
			if !usable(m.MedianMS) {
				t.Fatalf("%s takes %v ms", key, m.MedianMS)
			}
		}
	})
}
