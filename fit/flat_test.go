package fit

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// A predictor of noise alone tells networks apart by nothing, and it is said why.
func TestFlat(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(61, 62))
	samples := drawn(r, s, truth(r, s), 60, model.InactiveMean, 0)
	informed := mustFit(t, Settings{Space: s}, samples)
	for i := range samples {
		samples[i].Accuracy = 30.37 + 0.05*float64(i%2)
	}
	noise := mustFit(t, Settings{Space: s, Penalties: Penalties{mostPenalty, mostPenalty}}, samples)
	for _, c := range []struct {
		report *Report
		want   string
	}{{informed, ""}, {noise, "cannot tell networks apart: every network is predicted 30.39 %; it was fitted on 30.37 to 30.42 %"}} {
		var predicted []float64
		for _, x := range samples {
			predicted = append(predicted, c.report.Predictor.Accuracy(s.Encode(nil, x.Path, model.InactiveMean)))
		}
		if got := Flat(predicted, c.report.Least, c.report.Most); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if Flat([]float64{5}, 0, 0) != "" || Flat([]float64{30.37, 30.371}, 30.37, 30.371) == "" || Flat(nil, 0, 0) != "" {
		t.Error("one network, equal ones or none")
	}
}
