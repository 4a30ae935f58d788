package dataset_test

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// A run that ended after step 2 of epoch 5 goes on where it was.
func ExampleLoader() {
	// 100 grey images of 8x8 in two classes; dataset.Open reads files instead.
	pixels, labels := make([]byte, 100*8*8), make([]int, 100)
	for i := range labels {
		labels[i] = i % 2
		pixels[64*i] = byte(i)
	}
	set, err := dataset.NewSet("dots", 2, 1, 8, pixels, labels)
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
