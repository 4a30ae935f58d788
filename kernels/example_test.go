package kernels_test

import (
	"context"
	"fmt"
	"log"

	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/onnx"
)

// A 3x3 depthwise convolution of one channel with normalisation and ReLU, of two
// images of 2x2 pixels.
func Example() {
	if _, err := onnx.Open(""); err != nil {
		log.Fatal(err)
	}
	set, why, err := onnx.Kernels()
	if err != nil || set == kernels.Off {
		log.Fatal(why, err)
	}
	g := onnx.NewGraph("block")
	g.Domain(set.Domain(), 1)
	h, w := g.Input("h", 1, 2*2*2), g.Input("w", 1, 3*3)
	gamma, beta := g.Const("gamma", []float32{1}, 1, 1), g.Const("beta", []float32{0}, 1, 1)
	g.Add(onnx.Node{
		Op: "Depthwise", Domain: set.Domain(), Inputs: []string{h, w, gamma, beta}, Outputs: []string{"y", "mean", "variance", "pool"},
		Attrs: []onnx.Attr{
			onnx.Int("kernel", 3), onnx.Int("stride", 1), onnx.Int("side", 2), onnx.Int("batch", 2),
			onnx.Int("act_out", 1),
		},
	})
	g.Output("y", 1, 2*2*2)
	g.Output("mean", 1, 1)
	session, err := onnx.NewSession(g.Marshal(), onnx.SessionOptions{Threads: 1, Kernels: set})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	for i, values := range [][]float32{{1, 2, 3, 4, 5, 6, 7, 8}, {0, 0, 0, 0, 1, 0, 0, 0, 0}} {
		in, err := session.Input(i)
		if err != nil {
			log.Fatal(err)
		}
		copy(in, values)
	}
	if err := session.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	y, _ := session.Output(0)
	mean, _ := session.Output(1)
	fmt.Printf("%.3f\n", y)
	fmt.Println(mean)
	// Output:
	// [0.000 0.000 0.000 0.000 0.218 0.655 1.091 1.528]
	// [4.5]
}
