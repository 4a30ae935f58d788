// Package datatest makes data sets for tests that train.
package datatest

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Patches writes a data set of 32 pixels as IDX files: noise with a bright
// patch whose place is the class, of four. Part is train or t10k.
func Patches(t testing.TB, dir, part string, n int) {
	t.Helper()
	const size = 32
	rng := rand.New(rand.NewPCG(5, uint64(n)))
	images := binary.BigEndian.AppendUint32(nil, 0x803)
	for _, d := range []uint32{uint32(n), size, size} {
		images = binary.BigEndian.AppendUint32(images, d)
	}
	labels := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 0x801), uint32(n))
	for i := range n {
		class := i % 4
		labels = append(labels, byte(class))
		for y := range size {
			for x := range size {
				v := rng.IntN(100)
				if y/16 == class/2 && x/16 == class%2 {
					v += 150
				}
				images = append(images, byte(v))
			}
		}
	}
	for name, data := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
		if err := os.WriteFile(filepath.Join(dir, part+name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
