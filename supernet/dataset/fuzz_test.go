package dataset

import (
	"bytes"
	"testing"
)

// What is accepted is consistent, and reads back the same.
func FuzzDatasetIDX(f *testing.F) {
	f.Add([]byte{0, 0, 8, 1, 0, 0, 0, 2, 7, 8})
	f.Add([]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 7, 8})
	f.Add([]byte{0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1, 7, 8, 9})
	f.Add([]byte{0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := readIDX(bytes.NewReader(data))
		if err != nil {
			return
		}
		if again := idxBytes(t, file.shape, file.data); !bytes.Equal(again, data) {
			t.Fatalf("%d bytes were read, %d written", len(data), len(again))
		}
		m, err := idxImages(file)
		if err != nil {
			return
		}
		m.labels = make([]byte, file.shape[0])
		s := newSet(Set{Classes: 1, Size: 3, Std: [3]float64{1, 1, 1}}, "train", m, Options{})
		collect(t, s, LoaderOptions{Batch: min(s.Len(), 4), Evaluate: true, Workers: 1}, 0, 0, 1)
	})
}

func FuzzDatasetCIFAR(f *testing.F) {
	f.Add(cifarRecords(3))
	f.Add(cifarRecords(3, 9)[:4000])
	f.Add(cifarRecords(11))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m memory
		if err := readCIFAR(bytes.NewReader(data), &m); err != nil {
			return
		}
		if n := len(data) / cifarRecord; n*cifarRecord != len(data) || m.len() != n || len(m.pixels) != n*(cifarRecord-1) {
			t.Fatalf("%d bytes became %d images", len(data), m.len())
		}
	})
}

func FuzzDatasetDescription(f *testing.F) {
	f.Add([]byte(`{"name": "x", "class_names": ["a"], "mean": [0, 0, 0], "std": [1, 1, 1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := decodeDescription(data)
		if err != nil {
			return
		}
		for _, v := range d.Std {
			if !(v > 0) {
				t.Fatalf("deviation %g is accepted", v)
			}
		}
	})
}
