package latency

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/model"
)

// cardOpenings are what was found on an NVIDIA H200 at 224 pixels: 168 networks of
// networksToTime, opened twice each.
func cardOpenings(t *testing.T) []opening {
	t.Helper()
	data, err := os.ReadFile("testdata/h200-224.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := map[[2]int]*opening{}
	for line := range strings.Lines(string(data)) {
		var round, network int
		var at, us float64
		if n, _ := fmt.Sscan(line, &round, &network, &at, &us); n < 4 {
			continue
		}
		o := found[[2]int{round, network}]
		if o == nil {
			o = &opening{Network: network, Round: round}
			found[[2]int{round, network}] = o
		}
		o.Bursts = append(o.Bursts, burst{AtMS: at, RunsMS: []float64{us / 1000}})
	}
	var out []opening
	for _, o := range found {
		out = append(out, *o)
	}
	return out
}

// Of a card whose launches take one and a half times as long for seconds on end, 72
// networks that were opened once predict the others: the sums of their blocks are
// within 2% in the mean, and rank them, and every block is a latency.
func TestRegressionOnACard(t *testing.T) {
	s, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	c, paths := newColumns(s), networksToTime(s, 168, 1)
	all := cardOpenings(t)
	if len(all) != 336 {
		t.Fatalf("%d openings", len(all))
	}
	var first []opening
	for _, o := range all {
		if o.Network < regressionNetworks && o.Round == 0 {
			first = append(first, o)
		}
	}
	var measured, predicted []float64
	truth := contextFit(c, paths, all, true)
	whole := networksOfColumns(c, paths, timings(all))
	f := contextFit(c, paths, first, true)
	for i, p := range paths[regressionNetworks:] {
		measured, predicted = append(measured, whole.ms[regressionNetworks+i]), append(predicted, dot(c.row(p), f.ms))
	}
	_, off, worst, within := shape(predicted, measured)
	tau := model.KendallTau(predicted, measured)
	t.Logf("%d networks: shape error %.2f%%, worst %.1f%%, within 5%% %.3f, tau %.3f; left out %.2f%% and %.2f%% of all, speeds %.2f",
		len(first), 100*off, 100*worst, within, tau, 100*f.sums, 100*truth.sums, f.speeds)
	if off > 0.02 || within < 0.9 || tau < 0.88 || f.sums > 0.02 || f.speeds < 1.2 {
		t.Error("that is worse than it was")
	}
	if blocks := c.results(f); len(blocks) != len(c.keys) {
		t.Errorf("%d blocks", len(blocks))
	}
	for i, ms := range f.ms {
		if !(ms > 0) || !(f.error[i] > 0 && f.error[i] < 1) {
			t.Errorf("%s takes %v ms, an error of %v", c.keys[i], ms, f.error[i])
		}
	}
}

// A normal distribution above 0 has the mean and deviation of its draws there; far
// below 0 it is an exponential one, whose deviation is its mean.
func TestNormalAboveZero(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, of := range [][2]float64{{5, 1}, {1, 1}, {0, 2}, {-1, 1}, {30, 1}} {
		var draws []float64
		for len(draws) < 50000 {
			if v := of[0] + of[1]*rng.NormFloat64(); v > 0 {
				draws = append(draws, v)
			}
		}
		wantMean, wantDeviation := stat.MeanStdDev(draws, nil)
		if mean, deviation := above0(of[0], of[1]); math.Abs(mean/wantMean-1) > 0.02 || math.Abs(deviation/wantDeviation-1) > 0.02 {
			t.Errorf("%v: %v ± %v: expected %v ± %v", of, mean, deviation, wantMean, wantDeviation)
		}
	}
	for _, mean := range []float64{-7, -1e9} {
		if m, d := above0(mean, 1); !(m > 0) || d/m < 0.9 || d/m > 1 {
			t.Errorf("%v: %v ± %v", mean, m, d)
		}
	}
	if m, d := above0(-1, 0); m != 0 || d != 0 {
		t.Errorf("certainly below 0: %v ± %v", m, d)
	}
}

// What kinds of work take is found where it adds up, and is never below nothing.
func TestRatesAreNotNegative(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	want := [6]float64{2, 0, 0.5, 3, 0, 1}
	var x [][6]float64
	for range 40 {
		var row [6]float64
		sum := 0.0
		for k := range row {
			row[k] = rng.ExpFloat64()
			sum += want[k] * row[k]
		}
		for k := range row {
			row[k] /= sum
		}
		x = append(x, row)
	}
	got := nonNegative(x)
	for k := range got {
		if math.Abs(got[k]-want[k]) > 0.01 {
			t.Fatalf("found %v of %v", got, want)
		}
	}
	for i := range x {
		x[i] = [6]float64{rng.ExpFloat64(), rng.ExpFloat64(), 0, 0, 0, 0}
		x[i][1] = x[i][0] * (1 + rng.Float64()) // alike
	}
	for _, rate := range nonNegative(x) {
		if !(rate >= 0) {
			t.Errorf("found %v", rate)
		}
	}
}
