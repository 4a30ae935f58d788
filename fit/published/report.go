package published

import (
	"fmt"
	"math"
	"strings"

	"github.com/binas-tui/binas-tui/model"
)

// Report says what was fitted and how well it predicts networks it has not
// seen. Errors are in points of top-1 accuracy.
type Report struct {
	Space      string // that the predictor is for
	Networks   int
	Penalty    float64 // λ
	Bias       float64 // percent
	Parameters []Parameter

	LeaveOneOutMAE   float64 // mean absolute error
	LeaveOneOutRMSE  float64
	LeaveOneOutWorst float64 // largest absolute error
	Kendall          float64 // rank correlation tau-b of left-out predictions and top-1

	Predictions []Prediction // in the order of Networks()
	Baselines   []Baseline

	Lowest, Highest float64 // predicted accuracy over the whole space, percent
}

// Parameter is one weight of the model.
type Parameter struct {
	Name    string
	Value   float64
	Prior   float64 // mean of its prior; 0 is none
	Meaning string
}

// Prediction compares one network's published accuracy with the model.
type Prediction struct {
	Network     string
	Top1        float64 // published, percent
	Fitted      float64 // by the fit on all networks
	LeaveOneOut float64 // by the fit on the others
}

// Residual is the published accuracy less the fitted one, in points.
func (p Prediction) Residual() float64 { return p.Top1 - p.Fitted }

// Baseline is the leave-one-out error of a simpler model: least squares of
// top-1 on Features, with a bias.
type Baseline struct {
	Features string
	MAE      float64
	RMSE     float64
	Worst    float64
	Kendall  float64
}

func newReport(all []Network, x [][]float64, y []float64, w line, lambda float64) (Report, error) {
	prior := priorMeans()
	leftOut, err := leaveOneOut(x, y, func(x [][]float64, y []float64) (line, error) {
		w, _, err := tuned(x, y, prior)
		return w, err
	})
	if err != nil {
		return Report{}, err
	}
	own := scored("", leftOut, y)
	r := Report{
		Networks: len(all), Penalty: lambda, Bias: w.bias,
		LeaveOneOutMAE: own.MAE, LeaveOneOutRMSE: own.RMSE, LeaveOneOutWorst: own.Worst, Kendall: own.Kendall,
		Parameters: []Parameter{
			{"depth", w.weights[depthFeature], prior[depthFeature], "points per ln(k+1)/k · ln(size over stage 2) of an extra block"},
			{"width", w.weights[widthFeature], prior[widthFeature], "points per ln(expansion/3), half as much again in first blocks"},
			{"detail", w.weights[detailFeature], prior[detailFeature], "share of what MnasNet gains by kernel 5 and squeeze-excite"},
		},
	}
	for i, n := range all {
		r.Predictions = append(r.Predictions, Prediction{n.Name, n.Top1, w.at(x[i]), leftOut[i]})
	}
	r.Baselines, err = baselines(all, y)
	return r, err
}

// baselines scores what predicts accuracy without knowing the method: the cost
// of the network, and the number and size of its blocks.
func baselines(all []Network, y []float64) ([]Baseline, error) {
	macs, sizes := make([][]float64, len(all)), make([][]float64, len(all))
	for i, n := range all {
		cost, err := n.Architecture.Cost(ImageSize, 1000)
		if err != nil {
			return nil, err
		}
		macs[i] = []float64{math.Log(float64(cost.MACs))}
		blocks, logs := 0.0, 0.0
		in := n.Architecture[0][0].Channels
		for _, stage := range n.Architecture[1 : len(n.Architecture)-1] {
			for _, b := range stage {
				blocks++
				logs += math.Log(float64(b.Cost(in, 1).Params))
				in = b.Channels
			}
		}
		sizes[i] = []float64{blocks, logs}
	}
	var out []Baseline
	for _, b := range []struct {
		features string
		x        [][]float64
	}{{"ln MACs", macs}, {"blocks, Σ ln parameters of block", sizes}} {
		n := len(b.x[0])
		predicted, err := leaveOneOut(b.x, y, func(x [][]float64, y []float64) (line, error) {
			return ridge(x, y, make([]float64, n), 0, 1<<n-1)
		})
		if err != nil {
			return nil, fmt.Errorf("published: baseline %s: %w", b.features, err)
		}
		out = append(out, scored(b.features, predicted, y))
	}
	return out, nil
}

func scored(features string, predicted, y []float64) Baseline {
	b := Baseline{Features: features, Kendall: model.KendallTau(predicted, y)}
	for i, p := range predicted {
		d := math.Abs(p - y[i])
		b.MAE += d / float64(len(y))
		b.RMSE += d * d / float64(len(y))
		b.Worst = max(b.Worst, d)
	}
	b.RMSE = math.Sqrt(b.RMSE)
	return b
}

// CheckpointInfo is what a file of the fitted predictor says about it.
func (r Report) CheckpointInfo() model.CheckpointInfo {
	least, most := r.fittedRange()
	return model.CheckpointInfo{
		Kind: "bilinear", Space: r.Space, Samples: r.Networks, LeaveOneOut: r.LeaveOneOutMAE,
		Source: fmt.Sprintf("fitted on %d published networks", r.Networks),
		Note:   r.note(),
		Metrics: map[string]float64{
			"leave_one_out_kendall": r.Kendall, "leave_one_out_rmse": r.LeaveOneOutRMSE, "leave_one_out_worst": r.LeaveOneOutWorst,
			model.MetricLeast: least, model.MetricMost: most,
		},
	}
}

// fittedRange is the least and the greatest accuracy fitted on.
func (r Report) fittedRange() (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, p := range r.Predictions {
		least, most = min(least, p.Top1), max(most, p.Top1)
	}
	return least, most
}

func (r Report) note() string {
	least, most := r.fittedRange()
	note := fmt.Sprintf("ImageNet top-1 of BINAS A-F and HardCoRe-NAS A-F, %.1f to %.1f%%; beyond that it extrapolates", least, most)
	if r.Space != model.MobileNASNet {
		note += "; the networks are of " + model.MobileNASNet + ", so all of " + r.Space + " is extrapolation"
	}
	return note
}

// String is the report as text, about twenty lines.
func (r Report) String() string {
	var w strings.Builder
	fmt.Fprintf(&w, "fitted on %d published networks, penalty %g\n", r.Networks, r.Penalty)
	fmt.Fprintf(&w, "left out: mean error %.3f, RMSE %.3f, worst %.3f points, Kendall %.3f\n",
		r.LeaveOneOutMAE, r.LeaveOneOutRMSE, r.LeaveOneOutWorst, r.Kendall)
	for _, b := range r.Baselines {
		fmt.Fprintf(&w, "  %s alone: mean error %.3f, RMSE %.3f, worst %.3f, Kendall %.3f\n",
			b.Features, b.MAE, b.RMSE, b.Worst, b.Kendall)
	}
	fmt.Fprintf(&w, "bias %.3f\n", r.Bias)
	for _, p := range r.Parameters {
		fmt.Fprintf(&w, "%s %.4f (prior %.4f): %s\n", p.Name, p.Value, p.Prior, p.Meaning)
	}
	for _, p := range r.Predictions {
		fmt.Fprintf(&w, "  %-15s %.1f fitted %.2f left out %.2f\n", p.Network, p.Top1, p.Fitted, p.LeaveOneOut)
	}
	fmt.Fprintf(&w, "predicts %.2f to %.2f over the space\n", r.Lowest, r.Highest)
	return w.String()
}
