package model

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// PredictBatch predicts len(accuracy) encodings at once: x is row-major,
// [len(accuracy)][p.InputSize()]. An MLP runs as matrix products.
func PredictBatch(p Predictor, x, accuracy []float64) {
	n := p.InputSize()
	mlp, ok := p.(*MLP)
	if !ok || len(accuracy) == 0 {
		for i := range accuracy {
			accuracy[i] = p.Accuracy(x[i*n : (i+1)*n])
		}
		return
	}
	rows := len(accuracy)
	in := blas64.General{Rows: rows, Cols: n, Stride: n, Data: x}
	for i, l := range mlp.Layers {
		out := blas64.General{Rows: rows, Cols: l.Out, Stride: l.Out, Data: make([]float64, rows*l.Out)}
		for r := range rows {
			copy(out.Data[r*l.Out:], l.Bias)
		}
		weights := blas64.General{Rows: l.Out, Cols: l.In, Stride: l.In, Data: l.W}
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, in, weights, 1, out)
		if i < len(mlp.Layers)-1 {
			for j, v := range out.Data {
				out.Data[j] = max(0, v)
			}
		}
		in = out
	}
	copy(accuracy, in.Data)
}
