package published

import (
	"math"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// descend solves the regression of the package comment by coordinate descent:
// another algorithm, and features taken from formula with unit weights.
func descend(x [][3]float64, y []float64, lambda float64) (bias float64, w [3]float64) {
	prior := [3]float64{0, 3.1 / (math.Ln2 * 19.5), 1}
	for range 5000 {
		bias = 0
		for i := range x {
			bias += (y[i] - w[0]*x[i][0] - w[1]*x[i][1] - w[2]*x[i][2]) / float64(len(x))
		}
		for j := range w {
			num, den := 0.0, 0.0
			if prior[j] != 0 {
				num, den = lambda/prior[j], lambda/(prior[j]*prior[j])
			}
			for i := range x {
				rest := y[i] - bias - w[0]*x[i][0] - w[1]*x[i][1] - w[2]*x[i][2] + w[j]*x[i][j]
				num, den = num+rest*x[i][j], den+x[i][j]*x[i][j]
			}
			w[j] = max(0, num/den)
		}
	}
	return bias, w
}

func without[T any](v []T, i int) []T { return append(append([]T{}, v[:i]...), v[i+1:]...) }

// descendTuned chooses λ by leave-one-out on the rows given.
func descendTuned(x [][3]float64, y []float64) (bias float64, w [3]float64) {
	best, chosen := math.Inf(1), 0.0
	for _, lambda := range []float64{0.02, 0.05, 0.1, 0.2} {
		loss := 0.0
		for i := range x {
			b, w := descend(without(x, i), without(y, i), lambda)
			d := b + w[0]*x[i][0] + w[1]*x[i][1] + w[2]*x[i][2] - y[i]
			loss += d * d
		}
		if loss < best {
			best, chosen = loss, lambda
		}
	}
	return descend(x, y, chosen)
}

func TestLeaveOneOutRecomputed(t *testing.T) {
	_, _, r := fitted(t, model.MobileNASNet)
	var x [][3]float64
	var y []float64
	for _, n := range Networks() {
		a := n.Architecture
		x = append(x, [3]float64{formula(a, 0, 1, 0, 0), formula(a, 0, 0, 1, 0), formula(a, 0, 0, 0, 1)})
		y = append(y, n.Top1)
	}
	mae, square, worst := 0.0, 0.0, 0.0
	for i := range x {
		bias, w := descendTuned(without(x, i), without(y, i))
		p := bias + w[0]*x[i][0] + w[1]*x[i][1] + w[2]*x[i][2]
		if got := r.Predictions[i].LeaveOneOut; math.Abs(got-p) > 1e-5 {
			t.Errorf("%s left out: report %.6f, recomputed %.6f", r.Predictions[i].Network, got, p)
		}
		d := math.Abs(p - y[i])
		mae, square, worst = mae+d/12, square+d*d/12, max(worst, d)
	}
	if mae > 0.15 {
		t.Errorf("leave-one-out error %.3f points, expected at most 0.15", mae)
	}
	for name, v := range map[string][2]float64{
		"MAE": {r.LeaveOneOutMAE, mae}, "RMSE": {r.LeaveOneOutRMSE, math.Sqrt(square)}, "worst": {r.LeaveOneOutWorst, worst},
	} {
		if math.Abs(v[0]-v[1]) > 1e-5 {
			t.Errorf("%s: report %v, recomputed %v", name, v[0], v[1])
		}
	}
}

func TestBetterThanTheBaselines(t *testing.T) {
	_, _, r := fitted(t, model.MobileNASNet)
	if len(r.Baselines) != 2 || r.Networks != 12 || len(r.Predictions) != 12 {
		t.Fatalf("%d baselines, %d networks, %d predictions", len(r.Baselines), r.Networks, len(r.Predictions))
	}
	for _, b := range r.Baselines {
		if r.LeaveOneOutMAE >= b.MAE || r.LeaveOneOutRMSE >= b.RMSE || r.LeaveOneOutWorst >= b.Worst || r.Kendall <= b.Kendall {
			t.Errorf("no better than %s:\n%s", b.Features, r)
		}
	}
}

// Networks whose published accuracies differ by 0.4 points or more are ranked
// right even when the one or the other is left out of the fit.
func TestRanking(t *testing.T) {
	space, p, r := fitted(t, model.MobileNASNet)
	for i, a := range r.Predictions {
		x := space.Encode(nil, Networks()[i].Path, model.InactiveMean)
		if got := p.Accuracy(x); math.Abs(got-a.Fitted) > 1e-9 || math.Abs(a.Residual()-(a.Top1-got)) > 1e-9 {
			t.Errorf("%s: predictor %v, report %v", a.Network, got, a.Fitted)
		}
		for _, b := range r.Predictions {
			if b.Top1-a.Top1 > 0.4-1e-9 && (b.Fitted <= a.Fitted || b.LeaveOneOut <= a.LeaveOneOut) {
				t.Errorf("%s (%.1f) is ranked above %s (%.1f)", a.Network, a.Top1, b.Network, b.Top1)
			}
		}
	}
}

func TestReportAsText(t *testing.T) {
	_, _, r := fitted(t, model.MobileNASNet)
	text := r.String()
	for _, want := range []string{"12 published networks", "ln MACs", "HardCoRe-NAS F", "detail"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestCheckpointInfoSaysWhatTheFileIs(t *testing.T) {
	_, _, r := fitted(t, model.MobileNASNet)
	_, _, wide := fitted(t, model.MobileNASNetLarge)
	info := r.CheckpointInfo()
	if info.Samples != 12 || info.LeaveOneOut != r.LeaveOneOutMAE || info.Space != model.MobileNASNet ||
		!strings.Contains(info.Source, "12 published networks") || !strings.Contains(info.Note, "75.4 to 78.1%") {
		t.Errorf("%+v", info)
	}
	if strings.Contains(info.Note, "all of") || !strings.Contains(wide.CheckpointInfo().Note, "all of mobilenasnet_large is extrapolation") {
		t.Errorf("notes %q and %q", info.Note, wide.CheckpointInfo().Note)
	}
}
