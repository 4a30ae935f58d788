package onnx_test

import (
	"fmt"
	"log"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

func Example() {
	arch, err := model.ParseArchitecture(
		"[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k5_s2_e3_c24_nre_se0.25'], ['cn_r1_k1_s1_c960']]")
	if err != nil {
		log.Fatal(err)
	}
	graph, err := onnx.Network(arch, onnx.RandomWeights{Seed: 1}, onnx.NetworkOptions{ImageSize: 32, Classes: 10})
	if err != nil {
		log.Fatal(err)
	}
	inputs, outputs, err := onnx.ModelIO(graph.Marshal())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(inputs[0].Name, inputs[0].Shape)
	fmt.Println(outputs[0].Name, outputs[0].Shape)
	// Output:
	// image [1 3 32 32]
	// logits [1 10]
}
