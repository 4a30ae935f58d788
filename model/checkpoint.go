package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/pickle"
)

// CheckpointInfo is what a predictor file says about the predictor. Zero
// fields are unknown; a BINAS checkpoint says nothing but its weights.
type CheckpointInfo struct {
	Kind   string // bilinear, quadratic or mlp
	Space  string // name of the search space it was fitted for
	Source string // what it was fitted on, or the form it was read from
	Note   string
	// FittedBy is closed-form or gradient-descent; "" is unknown, or neither.
	FittedBy string
	Samples  int // networks it was fitted on
	// LeaveOneOut is the mean absolute error in percentage points on networks
	// left out of the fit one at a time; 0 where it was not measured.
	LeaveOneOut float64
	Metrics     map[string]float64 // by name: kendall, spearman, pearson, mse, ...
	// Inactive says what blocks that are off added when it was fitted: mean or
	// free; "" is unknown.
	Inactive string
	// Extra are tensors kept beside the weights, by rising name, whose names
	// begin with ExtraPrefix: what package fit knows of its uncertainty.
	Extra []Tensor
}

// ExtraPrefix begins the names of tensors that are none of the predictor's.
const ExtraPrefix = "uncertainty."

// Names in Metrics of the least and the greatest accuracy that a predictor was
// fitted on, in percent: outside it extrapolates.
const (
	MetricLeast = "fitted_accuracy_least"
	MetricMost  = "fitted_accuracy_most"
)

// Extrapolates reports whether a predicted accuracy is outside the range of
// what the predictor was fitted on, where that is known.
func (i CheckpointInfo) Extrapolates(accuracy float64) bool {
	least, ok := i.Metrics[MetricLeast]
	most, have := i.Metrics[MetricMost]
	return ok && have && (accuracy < least || accuracy > most)
}

// ErrCheckpoint is wrapped by errors about bytes that are no predictor.
var ErrCheckpoint = errors.New("not a predictor checkpoint")

// Bounds of the predictors that are read: far above any of the field.
const (
	maxCheckpointBytes = 256 << 20
	maxLayers          = 64
)

// DecodePredictor reads a predictor, recognised by its content: a BINAS .pth
// (torch) with a bilinear, quadratic or mlp predictor or the estimator, or
// this program's own file (safetensors, see [EncodePredictor]). Any sizes that
// agree with each other are accepted; whether they fit a space is told by
// [Space.CheckPredictor]. Errors wrap ErrCheckpoint and name the tensor, the
// shape found and the shape expected, or the weight that is no finite number.
func DecodePredictor(data []byte) (Predictor, CheckpointInfo, error) {
	fail := func(err error) (Predictor, CheckpointInfo, error) {
		return nil, CheckpointInfo{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if len(data) > maxCheckpointBytes {
		return fail(fmt.Errorf("%d bytes: expected at most %d", len(data), maxCheckpointBytes))
	}
	var tensors []Tensor
	var info CheckpointInfo
	var err error
	if pickle.IsTorch(data) {
		tensors, info.Source, err = torchTensors(data)
	} else {
		tensors, info, err = decodeSafetensors(data)
	}
	if err != nil {
		return fail(err)
	}
	tensors, info.Extra = splitExtra(tensors)
	for _, t := range info.Extra {
		if err := t.check(); err != nil {
			return fail(err)
		}
	}
	p, err := predictorOf(tensors)
	if err != nil {
		return fail(err)
	}
	if info.Kind != "" && info.Kind != p.Kind() {
		return fail(fmt.Errorf("its header says %.40q, its tensors are of a %s predictor", info.Kind, p.Kind()))
	}
	info.Kind = p.Kind()
	return p, info, nil
}

// splitExtra takes out the tensors that are none of the predictor's.
func splitExtra(tensors []Tensor) (weights, extra []Tensor) {
	for _, t := range tensors {
		if strings.HasPrefix(t.Name, ExtraPrefix) {
			extra = append(extra, t)
		} else {
			weights = append(weights, t)
		}
	}
	slices.SortFunc(extra, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	return weights, extra
}

func torchTensors(data []byte) (tensors []Tensor, source string, err error) {
	c, err := pickle.DecodeTorch(data)
	if err != nil {
		return nil, "", err
	}
	source = "BINAS .pth"
	if len(c.Others) > 0 {
		source += fmt.Sprintf(" (%s, not %s)", c.From, strings.Join(c.Others, ", "))
	}
	for _, t := range c.Tensors {
		tensors = append(tensors, Tensor{t.Name, t.Shape, t.Values})
	}
	return tensors, source, nil
}

// weights takes tensors by name, checking shapes as it goes.
type weights struct {
	byName map[string]Tensor
	err    error // the first
}

// predictorOf makes the predictor that has the given tensors; their names and
// shapes tell which kind it is.
func predictorOf(tensors []Tensor) (Predictor, error) {
	w := &weights{byName: make(map[string]Tensor, len(tensors))}
	for _, t := range tensors {
		for i, v := range t.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%.80s[%d] is %v: expected a finite number", t.Name, i, v)
			}
		}
		w.byName[t.Name] = t
	}
	var p Predictor
	switch {
	case w.has("stem.0.weight"):
		p = w.mlp()
	case w.has("bilinear.weight"):
		p = w.bilinear()
	default:
		return nil, fmt.Errorf("found tensors %.200q: expected bilinear.weight or stem.0.weight", names(tensors))
	}
	if w.err != nil {
		return nil, w.err
	}
	for name := range w.byName {
		return nil, fmt.Errorf("tensor %.80q is none of a %s predictor", name, p.Kind())
	}
	return p, nil
}

func names(tensors []Tensor) []string {
	var out []string
	for _, t := range tensors[:min(len(tensors), 8)] {
		out = append(out, t.Name)
	}
	return out
}

func (w *weights) has(name string) bool {
	_, ok := w.byName[name]
	return ok
}

// take removes and returns a tensor of the given shape; -1 accepts any size.
func (w *weights) take(name string, shape ...int) Tensor {
	t, ok := w.byName[name]
	delete(w.byName, name)
	fits := len(t.Shape) == len(shape)
	for i := 0; fits && i < len(shape); i++ {
		fits = t.Shape[i] > 0 && (shape[i] == -1 || shape[i] == t.Shape[i])
	}
	if ok && fits {
		return t
	}
	if w.err == nil {
		found := "nothing"
		if ok {
			found = fmt.Sprint("shape ", t.Shape)
		}
		w.err = fmt.Errorf("tensor %s: found %s, expected shape %s", name, found, shapeText(shape))
	}
	t = Tensor{Name: name, Shape: make([]int, len(shape))}
	return t
}

func shapeText(shape []int) string {
	s := "["
	for i, n := range shape {
		if i > 0 {
			s += " "
		}
		if n < 0 {
			s += "any"
		} else {
			s += fmt.Sprint(n)
		}
	}
	return s + "]"
}

// bilinear takes a bilinear or a quadratic predictor: their tensors have the
// same names, and the width of linear.weight tells them apart.
func (w *weights) bilinear() Predictor {
	inner := w.take("bilinear.weight", 1, -1, -1)
	rows, columns := inner.Shape[1], inner.Shape[2]
	width := rows + columns
	if t := w.byName["linear.weight"]; rows == columns && len(t.Shape) == 2 && t.Shape[1] == rows {
		width = rows
	}
	linear, bias := w.take("linear.weight", 1, width), w.take("linear.bias", 1)
	if w.err != nil {
		return nil
	}
	if width == rows {
		return &Quadratic{Inputs: rows, Bias: bias.Values[0], Linear: linear.Values, W: inner.Values}
	}
	return &Bilinear{Alphas: rows, Betas: columns, Bias: bias.Values[0], Linear: linear.Values, Q: inner.Values}
}

// mlp takes stem.0, hidden.0, hidden.2, ... and regressor.
func (w *weights) mlp() Predictor {
	layers := []string{"stem.0"}
	for i := 0; w.has(fmt.Sprintf("hidden.%d.weight", i)) && len(layers) < maxLayers; i += 2 {
		layers = append(layers, fmt.Sprintf("hidden.%d", i))
	}
	p := &MLP{}
	in := -1
	for _, name := range append(layers, "regressor") {
		out := -1
		if name == "regressor" {
			out = 1
		}
		m := w.take(name+".weight", out, in)
		l := Layer{Out: m.Shape[0], In: m.Shape[1], W: m.Values}
		l.Bias = w.take(name+".bias", l.Out).Values
		if w.err != nil {
			return nil
		}
		p.Layers = append(p.Layers, l)
		in = l.Out
	}
	return p
}

// checkShapes reports a predictor whose slices are not as long as its sizes say.
func checkShapes(p Predictor) ([]Tensor, error) {
	if m, ok := p.(*MLP); ok && len(m.Layers) < 2 {
		return nil, fmt.Errorf("mlp of %d layers: expected at least 2", len(m.Layers))
	}
	tensors := Tensors(p)
	if tensors == nil {
		return nil, fmt.Errorf("predictor of kind %q has no file form", p.Kind())
	}
	for _, t := range tensors {
		if err := t.check(); err != nil {
			return nil, err
		}
	}
	return tensors, nil
}

// check reports a tensor that has not as many values as its shape says, or
// one that is not finite.
func (t Tensor) check() error {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	if n < 1 || len(t.Values) != n || slices.ContainsFunc(t.Values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
		return fmt.Errorf("tensor %.80q: expected %v finite values, found %d", t.Name, t.Shape, len(t.Values))
	}
	return nil
}
