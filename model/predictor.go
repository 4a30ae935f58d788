package model

import (
	"fmt"
	"math"
)

// Predictor estimates the accuracy of a network from its encoding.
type Predictor interface {
	// Kind is the --predictor-type: bilinear, quadratic or mlp.
	Kind() string
	// InputSize is the length of the encoding it takes: alphas and betas.
	InputSize() int
	// Accuracy is the predicted accuracy in percent of the encoding x, which
	// has InputSize values.
	Accuracy(x []float64) float64
}

// Bilinear is the paper's predictor (Eq. 4): bias + linear·x + alphaᵀ Q beta
// with x = [alpha, beta]. The estimator of contributions (Eq. 5) is one too,
// with Q zero outside a block's own stage.
type Bilinear struct {
	Alphas, Betas int
	Bias          float64
	Linear        []float64 // [Alphas+Betas]
	Q             []float64 // row-major [Alphas][Betas]
}

// Kind returns "bilinear".
func (p *Bilinear) Kind() string { return "bilinear" }

// InputSize returns Alphas + Betas.
func (p *Bilinear) InputSize() int { return p.Alphas + p.Betas }

// Accuracy returns the predicted accuracy of x in percent.
func (p *Bilinear) Accuracy(x []float64) float64 {
	acc := p.Bias + dot(p.Linear, x)
	beta := x[p.Alphas:]
	for i, a := range x[:p.Alphas] {
		if a != 0 {
			acc += a * dot(p.Q[i*p.Betas:(i+1)*p.Betas], beta)
		}
	}
	return acc
}

// Quadratic is bias + linear·x + xᵀ W x (§3.3 of the paper, the comparison).
type Quadratic struct {
	Inputs int
	Bias   float64
	Linear []float64 // [Inputs]
	W      []float64 // row-major [Inputs][Inputs]
}

// Kind returns "quadratic".
func (p *Quadratic) Kind() string { return "quadratic" }

// InputSize returns Inputs.
func (p *Quadratic) InputSize() int { return p.Inputs }

// Accuracy returns the predicted accuracy of x in percent.
func (p *Quadratic) Accuracy(x []float64) float64 {
	acc := p.Bias + dot(p.Linear, x)
	for i, a := range x {
		if a != 0 {
			acc += a * dot(p.W[i*p.Inputs:(i+1)*p.Inputs], x)
		}
	}
	return acc
}

// Layer is one affine map of an MLP: W x + Bias.
type Layer struct {
	In, Out int
	W       []float64 // row-major [Out][In]
	Bias    []float64 // [Out]
}

// MLP is affine layers with ReLU between them; the last has one output.
type MLP struct {
	Layers []Layer
}

// Kind returns "mlp".
func (p *MLP) Kind() string { return "mlp" }

// InputSize returns the input width of the first layer.
func (p *MLP) InputSize() int { return p.Layers[0].In }

// Accuracy returns the predicted accuracy of x in percent. Dropout, which the
// original applies before the last layer in training, does nothing here.
func (p *MLP) Accuracy(x []float64) float64 {
	for i := range p.Layers {
		x = p.forward(i, x)
	}
	return x[0]
}

// forward returns the output of layer i, with a ReLU after all but the last.
func (p *MLP) forward(i int, x []float64) []float64 {
	l := p.Layers[i]
	y := make([]float64, l.Out)
	for j := range y {
		y[j] = l.Bias[j] + dot(l.W[j*l.In:(j+1)*l.In], x)
		if i < len(p.Layers)-1 {
			y[j] = max(0, y[j])
		}
	}
	return y
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// ErrPredictorMismatch is wrapped by errors about a predictor whose shape is
// not that of the space in use.
var ErrPredictorMismatch = fmt.Errorf("predictor does not fit the search space")

// CheckPredictor reports a predictor that does not fit the space or has a
// weight that is not a finite number.
func (s *Space) CheckPredictor(p Predictor) error {
	if p.InputSize() != s.EncodingSize() {
		return fmt.Errorf("%w: it takes %d inputs, %s has %d", ErrPredictorMismatch, p.InputSize(), s.Name, s.EncodingSize())
	}
	if b, ok := p.(*Bilinear); ok && b.Alphas != s.NumAlphas() {
		return fmt.Errorf("%w: it has %d alphas, %s has %d", ErrPredictorMismatch, b.Alphas, s.Name, s.NumAlphas())
	}
	for _, t := range Tensors(p) {
		for i, v := range t.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("predictor: %s[%d] is %v: expected a finite number", t.Name, i, v)
			}
		}
	}
	return nil
}

// Tensor is a named weight of a predictor, under the name and with the shape
// that BINAS checkpoints use.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float64
}

// Tensors lists the weights of a predictor, in the order of its checkpoint.
// Values share memory with the predictor, except the bias.
func Tensors(p Predictor) []Tensor {
	switch p := p.(type) {
	case *Bilinear:
		return []Tensor{
			{"linear.weight", []int{1, p.InputSize()}, p.Linear},
			{"linear.bias", []int{1}, []float64{p.Bias}},
			{"bilinear.weight", []int{1, p.Alphas, p.Betas}, p.Q},
		}
	case *Quadratic:
		return []Tensor{
			{"linear.weight", []int{1, p.Inputs}, p.Linear},
			{"linear.bias", []int{1}, []float64{p.Bias}},
			{"bilinear.weight", []int{1, p.Inputs, p.Inputs}, p.W},
		}
	case *MLP:
		var out []Tensor
		for i, l := range p.Layers {
			name := fmt.Sprintf("hidden.%d", 2*(i-1))
			if i == 0 {
				name = "stem.0"
			} else if i == len(p.Layers)-1 {
				name = "regressor"
			}
			out = append(out,
				Tensor{name + ".weight", []int{l.Out, l.In}, l.W},
				Tensor{name + ".bias", []int{l.Out}, l.Bias})
		}
		return out
	}
	return nil
}
