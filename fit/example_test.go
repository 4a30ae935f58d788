package fit_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/model"
)

// Networks of random decisions whose accuracy grows with their depth, fitted
// in closed form.
func Example() {
	space, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := rand.New(rand.NewPCG(1, 1))
	var samples []model.Sample
	for range 200 {
		p := model.Path{Depth: make([]int, len(space.Stages)), Option: make([]int, space.NumBlocks())}
		blocks := 0
		for i := range p.Depth {
			p.Depth[i] = space.MinDepth + r.IntN(space.NumDepths())
			blocks += p.Depth[i]
		}
		for i := range p.Option {
			p.Option[i] = r.IntN(space.NumOptions())
		}
		samples = append(samples, model.Sample{Path: p, Accuracy: 60 + float64(blocks) + 0.1*r.NormFloat64()})
	}
	report, err := fit.Fit(context.Background(), fit.Settings{Space: space, Kind: fit.Bilinear}, samples)
	if err != nil {
		fmt.Println(err)
		return
	}
	path := samples[0].Path
	fmt.Println("depths", path.Depth)
	fmt.Printf("predicted %.1f ± %.1f %%\n", report.Predictor.Accuracy(space.Encode(nil, path, report.Inactive)), report.Uncertainty.Points(path))
	// Output:
	// depths [4 2 4 4 2]
	// predicted 76.1 ± 0.1 %
}
