package fit

import (
	"context"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/binas-tui/binas-tui/internal/timetest"
)

// BenchmarkFitBilinear fits 10,000 samples, penalties chosen. In the same run
// it times the method of the original, a singular value decomposition of the
// samples' 3,855 centred features, on a matrix a tenth as large in either
// direction, by gonum, and scales that by the work, rows·columns²: 1,000
// times. A LAPACK tuned for the processor, as torch has, does that work several
// times faster than gonum: see TestSVD.
func BenchmarkFitBilinear(b *testing.B) {
	s, samples := benchmarkSamples(b)
	start := timetest.Processor().Seconds()
	for b.Loop() {
		if _, err := Fit(context.Background(), Settings{Space: s}, samples); err != nil {
			b.Fatal(err)
		}
	}
	perFit := (timetest.Processor().Seconds() - start) / float64(b.N)
	rows, columns := 1000, 386
	r := rand.New(rand.NewPCG(1, 1))
	m := mat.NewDense(rows, columns, nil)
	for i := range rows {
		for j := range columns {
			m.Set(i, j, r.NormFloat64())
		}
	}
	start = timetest.Processor().Seconds()
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDThin) {
		b.Fatal("no decomposition")
	}
	scaled := 1000 * (timetest.Processor().Seconds() - start)
	b.ReportMetric(perFit, "cpu-s/fit")
	b.ReportMetric(scaled, "cpu-s/svd(gonum,scaled)")
	b.ReportMetric(scaled/perFit, "svd/fit")
}
