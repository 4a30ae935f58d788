package fit

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/binas-tui/binas-tui/model"
)

// BenchmarkFitBilinear fits 10,000 samples, penalties chosen. In the same run
// it times the method of the original, a singular value decomposition of the
// samples' 3,855 centred features, on a problem a tenth as large in either
// direction, and scales that by the work, rows·columns²: 1,000 times.
func BenchmarkFitBilinear(b *testing.B) {
	s := testSpace(b)
	r := rand.New(rand.NewPCG(1, 1))
	samples := drawn(r, s, truth(r, s), 10_000, model.InactiveMean, 0.1)
	b.ResetTimer()
	for b.Loop() {
		if _, err := Fit(context.Background(), Settings{Space: s, Closed: true}, samples); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	perFit := b.Elapsed().Seconds() / float64(b.N)
	start := time.Now()
	var svd mat.SVD
	rows, columns := 1000, 386
	m := mat.NewDense(rows, columns, nil)
	for i := range rows {
		for j := range columns {
			m.Set(i, j, r.NormFloat64())
		}
	}
	if !svd.Factorize(m, mat.SVDThin) {
		b.Fatal("no decomposition")
	}
	scaled := 1000 * time.Since(start).Seconds()
	b.ReportMetric(scaled, "svd-s(scaled)")
	b.ReportMetric(scaled/perFit, "svd/fit")
}
