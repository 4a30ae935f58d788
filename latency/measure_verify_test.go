package latency

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

func space(t *testing.T) *model.Space {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// If networks take 1.2 times the sum plus 0.3 ms, calibration finds that, and
// predicts networks it has not seen exactly.
func TestCalibrationFindsTheLine(t *testing.T) {
	var checks []NetworkCheck
	for i := range 12 {
		x := 3 + float64(i*7%12)
		checks = append(checks, NetworkCheck{PredictedMS: x, MeasuredMS: 1.2*x + 0.3})
	}
	c, v, err := calibration(checks, 6, 1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(c.Slope-1.2) > 1e-9 || math.Abs(c.InterceptMS-0.3) > 1e-9 || c.Networks != 6 {
		t.Errorf("calibration %+v", c)
	}
	if len(v.Networks) != 6 || v.MAPE > 1e-9 || v.Kendall != 1 || c.Kendall != 1 || math.Abs(v.Slope-1) > 1e-9 {
		t.Errorf("verification %+v", v)
	}
	if checks[6].PredictedMS != 3+float64(6*7%12) {
		t.Error("the predictions passed in were changed")
	}
}

// A line that would make the fixed part negative gives way to the best of those
// that do not.
func TestCalibrationKeepsTheFixedPart(t *testing.T) {
	checks := []NetworkCheck{{PredictedMS: 4, MeasuredMS: 4}, {PredictedMS: 8, MeasuredMS: 12}, {PredictedMS: 6, MeasuredMS: 7}}
	loss := func(slope, intercept float64) (sum float64) {
		for _, c := range checks[:2] {
			sum += math.Pow((slope*c.PredictedMS+intercept)/c.MeasuredMS-1, 2)
		}
		return sum
	}
	const fixed = 0.5
	c, v, err := calibration(checks, 2, fixed)
	if err != nil || math.Abs(c.Slope*fixed+c.InterceptMS) > 1e-12 {
		t.Fatalf("%+v, %v: expected a line that leaves nothing of the fixed part", c, err)
	}
	if want := c.Slope*6 + c.InterceptMS; math.Abs(v.Networks[0].PredictedMS-want) > 1e-12 {
		t.Errorf("a network is predicted %v ms: expected %v", v.Networks[0].PredictedMS, want)
	}
	for slope := 0.5; slope < 3; slope += 0.01 {
		for intercept := -slope * fixed; intercept < 3; intercept += 0.01 {
			if loss(slope, intercept) < loss(c.Slope, c.InterceptMS)-1e-12 {
				t.Fatalf("%v x sum %+v ms is better than %+v", slope, intercept, c)
			}
		}
	}
	c, _, err = calibration(checks, 2, 3)
	if err != nil || math.Abs(c.Slope-2) > 1e-9 || math.Abs(c.InterceptMS+4) > 1e-9 {
		t.Errorf("with a fixed part that stays positive: %+v, %v", c, err)
	}
}

func TestCalibrationRefusesAFallingLine(t *testing.T) {
	checks := []NetworkCheck{{PredictedMS: 1, MeasuredMS: 3}, {PredictedMS: 2, MeasuredMS: 2}, {PredictedMS: 3, MeasuredMS: 1}}
	if _, _, err := calibration(checks, 2, 5); !errors.Is(err, ErrInconclusive) {
		t.Errorf("error: %v", err)
	}
	if _, _, err := Calibrate(context.Background(), &LUT{}, space(t), nil, nil, MeasureOptions{}); !errors.Is(err, ErrNoNetworks) {
		t.Errorf("without networks: %v", err)
	}
}

func TestVerificationFigures(t *testing.T) {
	v := summarise([]NetworkCheck{{PredictedMS: 9, MeasuredMS: 10}, {PredictedMS: 30, MeasuredMS: 20}, {PredictedMS: 22, MeasuredMS: 25}})
	if want := (0.1 + 0.5 + 0.12) / 3; math.Abs(v.MAPE-want) > 1e-12 {
		t.Errorf("MAPE %v: expected %v", v.MAPE, want)
	}
	if v.Worst != 1 || math.Abs(v.Kendall-1.0/3) > 1e-12 {
		t.Errorf("worst %d, Kendall %v: expected 1 and 1/3", v.Worst, v.Kendall)
	}
	if all := summarise(slices.Repeat([]NetworkCheck{{PredictedMS: 1, MeasuredMS: 1}}, 40)); all.Within5 != 1 {
		t.Errorf("of networks that are predicted exactly a share of %v is within 5%%", all.Within5)
	}
	if one := summarise(v.Networks[:1]); !math.IsNaN(one.Slope) {
		t.Errorf("slope of one network is %v", one.Slope)
	}
}

func TestRandomNetworks(t *testing.T) {
	s := space(t)
	networks := RandomNetworks(s, 40, 5)
	if len(networks) != 40 {
		t.Fatalf("%d networks", len(networks))
	}
	seen := map[string]bool{}
	macs := make([]float64, len(networks))
	order := make([]float64, len(networks))
	for i, p := range networks {
		if err := s.CheckPath(p); err != nil {
			t.Fatal(err)
		}
		arch := s.Architecture(p)
		if seen[arch.String()] {
			t.Errorf("network %d is drawn twice", i)
		}
		seen[arch.String()] = true
		cost, err := arch.Cost(224, 1000)
		if err != nil {
			t.Fatal(err)
		}
		macs[i], order[i] = float64(cost.MACs), float64(i)
	}
	if tau := model.KendallTau(order, macs); tau < 0.4 {
		t.Errorf("networks do not go from small to large: Kendall %v", tau)
	}
	if ratio := slices.Max(macs) / slices.Min(macs); ratio < 1.7 {
		t.Errorf("the largest has %.2f times the operations of the smallest", ratio)
	}
	again, other := RandomNetworks(s, 40, 5), RandomNetworks(s, 40, 6)
	if !slices.Equal(again[7].Option, networks[7].Option) || slices.Equal(other[7].Option, networks[7].Option) {
		t.Error("networks do not depend on the seed alone")
	}
}

// A table is verified under the settings it was measured with, or not at all.
func TestVerifyRefusesOtherSettings(t *testing.T) {
	p := Provenance{Threads: 2, Batch: 4, Device: "cpu"}
	o, err := MeasureOptions{}.as(p)
	if err != nil || o.Threads != 2 || o.Batch != 4 || o.Target != "cpu" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, o := range []MeasureOptions{{Threads: 1}, {Batch: 1}, {Target: "cuda"}, {Precision: onnx.INT8}} {
		if _, err := o.as(p); !errors.Is(err, ErrLUTMismatch) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	p.Precision = onnx.INT8
	if o, err := (MeasureOptions{}).as(p); err != nil || o.Precision != onnx.INT8 {
		t.Errorf("a table of integers: %+v, %v", o, err)
	}
	if _, err := (MeasureOptions{Device: NewMachine(MachineOptions{Threads: 2, Batch: 4})}).as(p); !errors.Is(err, ErrLUTMismatch) || !strings.Contains(err.Error(), "precision int8, now it is fp32") {
		t.Errorf("a table of integers on a device of floats: %v", err)
	}
	if o, err := (MeasureOptions{Threads: 3}).as(Provenance{}); err != nil || o.Threads != 3 {
		t.Errorf("table that does not say: %+v, %v", o, err)
	}
}
