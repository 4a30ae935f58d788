package dataset_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// dots is a folder of IDX files: 100 grey images of 8x8 in two classes, to train on
// and to validate on.
func dots() string {
	dir, err := os.MkdirTemp("", "dots")
	if err != nil {
		panic(err)
	}
	images, labels := []byte{0, 0, 8, 3, 0, 0, 0, 100, 0, 0, 0, 8, 0, 0, 0, 8}, []byte{0, 0, 8, 1, 0, 0, 0, 100}
	for i := range 100 {
		images, labels = append(append(images, byte(i)), make([]byte, 63)...), append(labels, byte(i%2))
	}
	for _, part := range []string{"train", "t10k"} {
		for name, data := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
			if err := os.WriteFile(filepath.Join(dir, part+name), data, 0o644); err != nil {
				panic(err)
			}
		}
	}
	return dir
}

// A run that ended after step 2 of epoch 5 goes on where it was.
func ExampleLoader() {
	dir := dots()
	defer os.RemoveAll(dir)
	set, _, err := dataset.Open(context.Background(), dir, dataset.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	train, heldOut, err := set.Split(80, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	augment, err := dataset.NewAugment("digits")
	if err != nil {
		fmt.Println(err)
		return
	}
	loader, err := dataset.NewLoader(train, dataset.LoaderOptions{Batch: 16, Seed: 1, Augment: augment})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(train.Len(), "to train on,", heldOut.Len(), "held out,", loader.Steps(), "steps per epoch")
	for batch, err := range loader.From(context.Background(), 5, 3) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("epoch", batch.Epoch, "step", batch.Step, "images", len(batch.Labels), "values", len(batch.X))
		if batch.Epoch == 6 {
			break
		}
	}
	// Output:
	// 80 to train on, 20 held out, 5 steps per epoch
	// epoch 5 step 3 images 16 values 3072
	// epoch 5 step 4 images 16 values 3072
	// epoch 6 step 0 images 16 values 3072
}
