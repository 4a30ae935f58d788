package published_test

import (
	"fmt"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/model"
)

// What the fitted predictor says about BINAS A, and how far to trust it.
func Example() {
	space, err := model.NewSpace(model.MobileNASNet, published.ImageSize)
	if err != nil {
		panic(err)
	}
	predictor, report, err := published.Fit(space)
	if err != nil {
		panic(err)
	}
	network := published.Networks()[0]
	x := space.Encode(nil, network.Path, model.InactiveMean)
	fmt.Printf("%s: published %.1f%%, predicted %.1f%%\n", network.Name, network.Top1, predictor.Accuracy(x))
	fmt.Printf("fitted on %d published networks, leave-one-out error %.2f points\n", report.Networks, report.LeaveOneOutMAE)
	// Output:
	// BINAS A: published 75.9%, predicted 75.9%
	// fitted on 12 published networks, leave-one-out error 0.14 points
}
