package latency_test

import (
	"fmt"
	"os"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// A table that BINAS measured, laid out for the space it is of.
func Example() {
	data, err := os.ReadFile("testdata/device_a.pkl")
	if err != nil {
		fmt.Println(err)
		return
	}
	lut, err := latency.DecodeLUT(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	space, _ := model.NewSpace(lut.Provenance.Space, lut.Provenance.ImageSize)
	table, err := lut.Table(space)
	if err != nil {
		fmt.Println(err)
		return
	}
	smallest := model.Path{Depth: []int{2, 2, 2, 2, 2}, Option: make([]int, space.NumBlocks())}
	fmt.Printf("%s at %d pixels: fixed part %.2f ms, smallest network %.2f ms\n",
		space.Name, space.ImageSize, table.FixedMS, table.LatencyMS(space, smallest))
	// Output: mobilenasnet at 224 pixels: fixed part 1.17 ms, smallest network 5.51 ms
}
