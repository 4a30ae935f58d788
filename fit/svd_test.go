package fit

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/model"
)

var svd = flag.String("svd", "", "the Python, with PyTorch, that TestSVD lets decompose what BenchmarkFitBilinear fits")

// benchmarkSamples are what BenchmarkFitBilinear fits.
func benchmarkSamples(t testing.TB) (*model.Space, []model.Sample) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(1, 1))
	return s, drawn(r, s, truth(r, s), 10_000, model.InactiveMean, 0.1)
}

// originalFeatures are the columns that the original's closed form decomposes:
// depths, options, and the products of each of the ones with each of the
// others, without a bias.
func originalFeatures(s *model.Space, p model.Path) []float32 {
	code := s.Encode(nil, p, model.InactiveMean)
	alpha, beta := code[:s.NumAlphas()], code[s.NumAlphas():]
	var out []float32
	for _, v := range code {
		out = append(out, float32(v))
	}
	for _, b := range beta {
		for _, a := range alpha {
			out = append(out, float32(a*b))
		}
	}
	return out
}

// A bilinear predictor is linear in the features that TestSVD hands over.
func TestOriginalFeatures(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(2, 1))
	b := truth(r, s)
	for range 20 {
		p := randomPath(r, s)
		x := originalFeatures(s, p)
		sum, inputs := b.Bias, s.NumAlphas()+s.NumBetas()
		for i, w := range b.Linear {
			sum += w * float64(x[i])
		}
		for i := range b.Alphas {
			for j := range b.Betas {
				sum += b.Q[i*b.Betas+j] * float64(x[inputs+j*b.Alphas+i])
			}
		}
		if want := b.Accuracy(s.Encode(nil, p, model.InactiveMean)); len(x) != 3855 || math.Abs(sum-want) > 1e-5 {
			t.Errorf("%d features give %v, the predictor %v", len(x), sum, want)
		}
	}
}

// TestSVD times a fit of 10,000 samples, penalties chosen, and PyTorch's
// singular value decomposition of the same samples' features, one after the
// other: -svd python3.
func TestSVD(t *testing.T) {
	if *svd == "" {
		t.Skip("-svd names a Python with PyTorch: it decomposes for a minute")
	}
	s, samples := benchmarkSamples(t)
	best, processor := time.Duration(math.MaxInt64), time.Duration(0)
	for range 5 {
		start, used := time.Now(), timetest.Processor()
		if _, err := Fit(context.Background(), Settings{Space: s}, samples); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < best {
			best, processor = took, timetest.Processor()-used
		}
	}
	fmt.Printf("fit %.2f s, %.2f s of processor time, the best of 5\n", best.Seconds(), processor.Seconds())

	var data []byte
	columns := 0
	for _, sample := range samples {
		row := originalFeatures(s, sample.Path)
		columns = len(row)
		for _, v := range row {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
	}
	file := filepath.Join(t.TempDir(), "features")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(*svd, "../docs/baselines/svd.py", file, fmt.Sprint(len(samples)), fmt.Sprint(columns))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}
