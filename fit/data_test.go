package fit

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func testSpace(t testing.TB) *model.Space {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// binasSamples reads an accuracy LUT that the original program wrote.
func binasSamples(t testing.TB, s *model.Space, name string) []model.Sample {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	samples, _, err := model.DecodeSamples(s, data)
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

func fitSamples(t testing.TB, s *model.Space) []model.Sample {
	return binasSamples(t, s, "fit_accuracy_lut.pkl.gz")
}

func heldSamples(t testing.TB, s *model.Space) []model.Sample {
	return binasSamples(t, s, "test_accuracy_lut.pkl.gz")
}

func randomPath(r *rand.Rand, s *model.Space) model.Path {
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth + r.IntN(s.NumDepths())
	}
	for i := range p.Option {
		p.Option[i] = r.IntN(s.NumOptions())
	}
	return p
}

// truth is a random bilinear predictor whose products are small beside its
// linear weights.
func truth(r *rand.Rand, s *model.Space) *model.Bilinear {
	b := &model.Bilinear{Alphas: s.NumAlphas(), Betas: s.NumBetas(), Bias: 70,
		Linear: make([]float64, s.EncodingSize()), Q: make([]float64, s.NumAlphas()*s.NumBetas())}
	for i := range b.Linear {
		b.Linear[i] = 0.2 * r.NormFloat64()
	}
	for i := range b.Q {
		b.Q[i] = 0.03 * r.NormFloat64()
	}
	return b
}

// drawn are n samples of random networks whose accuracies are those of p, with
// noise of the given deviation.
func drawn(r *rand.Rand, s *model.Space, p model.Predictor, n int, inactive model.InactiveBlocks, noise float64) []model.Sample {
	out := make([]model.Sample, n)
	for i := range out {
		path := randomPath(r, s)
		out[i] = model.Sample{Path: path, Accuracy: p.Accuracy(s.Encode(nil, path, inactive)) + noise*r.NormFloat64()}
	}
	return out
}
