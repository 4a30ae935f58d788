package fit

import (
	"fmt"
	"slices"
)

// flatPoints is by how many points the accuracies of two networks must differ to be
// told apart: less is the same in two decimals.
const flatPoints = 0.005

// Flat says that predictions of several networks tell none from another, and
// why; "" where they do. least and most are the accuracies fitted on, percent; 0
// and 0 are not known.
func Flat(predicted []float64, least, most float64) string {
	if len(predicted) < 2 || slices.Max(predicted)-slices.Min(predicted) >= flatPoints {
		return ""
	}
	text := fmt.Sprintf("cannot tell networks apart: every network is predicted %.2f %%", predicted[0])
	switch {
	case least == 0 && most == 0:
		return text
	case most-least < flatPoints:
		return text + ", as were all that it was fitted on: train the supernet longer, or sample another"
	}
	return text + fmt.Sprintf("; it was fitted on %.2f to %.2f %%, and nothing in the networks explains the difference: sample more networks, on more images, or train the supernet longer", least, most)
}
