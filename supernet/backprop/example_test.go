package backprop_test

import (
	"context"
	"fmt"
	"log"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/backprop"
)

// A hundred steps of plain gradient descent on one batch.
func Example() {
	if _, err := onnx.Open(""); err != nil {
		log.Fatal(err)
	}
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		log.Fatal(err)
	}
	engine, err := backprop.NewEngine(space, 10, backprop.Options{Batch: 64, Threads: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	path := space.HeaviestPath()
	weights := supernet.Init{Seed: 1}.Weights(supernet.ChildLayout(space, path, 10))
	network, err := engine.Child(path, weights)
	if err != nil {
		log.Fatal(err)
	}
	images, labels := make([]float32, 64*3*32*32), make([]int, 64)
	for range 100 {
		network.ZeroGradients()
		r, err := network.Step(context.Background(), images, labels, backprop.Loss{Smoothing: 0.1}, backprop.StepOptions{})
		if err != nil {
			log.Fatal(err)
		}
		for name := range network.Touched {
			for i, g := range network.Gradients[name].Data {
				weights[name].Data[i] -= 0.01 * g
			}
		}
		fmt.Println(r.Loss)
	}
}
