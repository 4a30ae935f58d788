// Package datatest makes data sets for tests that train and evaluate.
package datatest

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Patches writes a data set of 32 pixels as IDX files: noise with a bright
// patch whose place is the class, of four. Part is train or t10k.
func Patches(t testing.TB, dir, part string, n int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, uint64(n)))
	writeIDX(t, dir, part, 32, n, func(i int) ([]byte, int) { return patch(rng, 32, i%4), i % 4 })
}

// Twins writes one data set in two ways: as IDX files, which are kept in memory,
// and as a folder of PNG images, which are read from disk again each time. There
// are train and val images of size pixels (a multiple of 16), those of a class one
// after the other, so that image i is the same in both.
func Twins(t testing.TB, size, classes, train, val int) (memory, disk string) {
	t.Helper()
	memory, disk = t.TempDir(), t.TempDir()
	for part, n := range map[string]int{"train": train, "val": val} {
		rng := rand.New(rand.NewPCG(6, uint64(n)))
		idx := map[string]string{"train": "train", "val": "t10k"}[part]
		writeIDX(t, memory, idx, size, n, func(i int) ([]byte, int) {
			class := i * classes / n
			pixels := patch(rng, size, class)
			writePNG(t, filepath.Join(disk, part, strconv.Itoa(class), fmt.Sprintf("%05d.png", i)), size, pixels)
			return pixels, class
		})
	}
	return memory, disk
}

// patch is a noisy image with a bright cell, of 2x2 or 4x4, where the class says.
func patch(rng *rand.Rand, size, class int) []byte {
	cells := 2
	if class >= 4 {
		cells = 4
	}
	pixels := make([]byte, 0, size*size)
	for y := range size {
		for x := range size {
			v := rng.IntN(100)
			if y*cells/size == class/cells%cells && x*cells/size == class%cells {
				v += 150
			}
			pixels = append(pixels, byte(v))
		}
	}
	return pixels
}

// writeIDX writes n grey images of size pixels and their classes.
func writeIDX(t testing.TB, dir, part string, size, n int, each func(i int) (pixels []byte, class int)) {
	t.Helper()
	images := binary.BigEndian.AppendUint32(nil, 0x803)
	for _, d := range []int{n, size, size} {
		images = binary.BigEndian.AppendUint32(images, uint32(d))
	}
	labels := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 0x801), uint32(n))
	for i := range n {
		pixels, class := each(i)
		images, labels = append(images, pixels...), append(labels, byte(class))
	}
	for name, data := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
		if err := os.WriteFile(filepath.Join(dir, part+name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func writePNG(t testing.TB, file string, size int, pixels []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	e := png.Encoder{CompressionLevel: png.NoCompression}
	if err := e.Encode(f, &image.Gray{Pix: pixels, Stride: size, Rect: image.Rect(0, 0, size, size)}); err != nil {
		t.Fatal(err)
	}
}
