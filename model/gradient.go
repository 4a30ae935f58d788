package model

// Gradient returns the predicted accuracy of x in percent and writes its
// derivative by every input to dst, which has InputSize values.
func Gradient(p Predictor, x, dst []float64) float64 {
	switch p := p.(type) {
	case *Bilinear:
		return p.gradient(x, dst)
	case *Quadratic:
		return p.gradient(x, dst)
	case *MLP:
		return p.gradient(x, dst)
	}
	panic("model: gradient of an unknown predictor " + p.Kind())
}

func (p *Bilinear) gradient(x, dst []float64) float64 {
	copy(dst, p.Linear)
	acc := p.Bias + dot(p.Linear, x)
	beta := x[p.Alphas:]
	for i, a := range x[:p.Alphas] {
		row := p.Q[i*p.Betas : (i+1)*p.Betas]
		v := dot(row, beta)
		acc += a * v
		dst[i] += v
		for j, q := range row {
			dst[p.Alphas+j] += a * q
		}
	}
	return acc
}

func (p *Quadratic) gradient(x, dst []float64) float64 {
	copy(dst, p.Linear)
	acc := p.Bias + dot(p.Linear, x)
	for i, a := range x {
		row := p.W[i*p.Inputs : (i+1)*p.Inputs]
		v := dot(row, x)
		acc += a * v
		dst[i] += v
		if a != 0 {
			for j, w := range row {
				dst[j] += a * w
			}
		}
	}
	return acc
}

// gradient goes forward and back through the layers. At 0 a ReLU has slope 0.
func (p *MLP) gradient(x, dst []float64) float64 {
	values := make([][]float64, len(p.Layers))
	for i := range p.Layers {
		x = p.forward(i, x)
		values[i] = x
	}
	slope := []float64{1}
	for i := len(p.Layers) - 1; i >= 0; i-- {
		l := p.Layers[i]
		next := make([]float64, l.In)
		for j, s := range slope {
			if s == 0 || i < len(p.Layers)-1 && values[i][j] == 0 {
				continue
			}
			for k, w := range l.W[j*l.In : (j+1)*l.In] {
				next[k] += s * w
			}
		}
		slope = next
	}
	copy(dst, slope)
	return x[0]
}
