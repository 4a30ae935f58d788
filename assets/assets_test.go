package assets_test

import (
	"io/fs"
	"path"
	"testing"

	"github.com/binas-tui/binas-tui/assets"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// Every table decodes, says where it comes from and fits the space it names.
func TestLatencyTables(t *testing.T) {
	entries, err := fs.ReadDir(assets.FS, "luts")
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d tables, error %v", len(entries), err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(assets.FS, path.Join("luts", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		lut, err := latency.DecodeLUT(data)
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		p := lut.Provenance
		if p.Name+".json" != e.Name() || p.Source == "" || p.Device == "" || p.Runtime == "" {
			t.Errorf("%s: provenance %+v", e.Name(), p)
		}
		space, err := model.NewSpace(p.Space, p.ImageSize)
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		table, err := lut.Table(space)
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		again, err := latency.EncodeLUT(lut)
		if err != nil || string(again) != string(data) {
			t.Errorf("%s: written again it differs (error %v)", e.Name(), err)
		}
		if space.Name == model.MobileNASNet && space.ImageSize == published.ImageSize {
			ordered(t, e.Name(), space, table)
		}
	}
}

// ordered checks that the first and last published network of each family are
// in the order of latency that their authors give.
func ordered(t *testing.T, name string, space *model.Space, table *latency.Table) {
	t.Helper()
	first := map[string]float64{}
	for _, n := range published.Networks() {
		ms := table.LatencyMS(space, n.Path)
		switch n.Letter {
		case "A":
			first[n.Family] = ms
		case "F":
			if ms <= first[n.Family] {
				t.Errorf("%s: %s F takes %.2f ms, A %.2f ms", name, n.Family, ms, first[n.Family])
			}
		}
		if ms <= 0 || ms > 1000 {
			t.Errorf("%s: %s takes %v ms", name, n.Name, ms)
		}
	}
}
