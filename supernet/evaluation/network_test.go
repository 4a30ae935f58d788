package evaluation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// scoreOf computes a score from logits by its definition.
func scoreOf(logits []float32, labels []int, classes int) Score {
	var s Score
	var half [2]float64
	for i, label := range labels {
		row := logits[i*classes : (i+1)*classes]
		rank, sum := 0, 0.0
		for j, v := range row {
			if v > row[label] || (v == row[label] && j < label) {
				rank++
			}
			sum += math.Exp(float64(v) - float64(row[label]))
		}
		if rank == 0 {
			s.Top1++
			half[i%2]++
		}
		if rank < 5 {
			s.Top5++
		}
		s.Loss += math.Log(sum)
	}
	n := float64(len(labels))
	odd := float64(len(labels) / 2)
	s.Top1, s.Top5, s.Loss, s.Images = 100*s.Top1/n, 100*s.Top5/n, s.Loss/n, len(labels)
	s.Halves = [2]float64{100 * half[0] / (n - odd), 100 * half[1] / odd}
	return s
}

func close2(a, b Score) bool {
	return a.Top1 == b.Top1 && a.Top5 == b.Top5 && a.Images == b.Images && a.Halves == b.Halves && math.Abs(a.Loss-b.Loss) < 1e-4
}

// Every golden child is as good as the logits that PyTorch computed for it.
func TestChildrenScoreAsPyTorchs(t *testing.T) {
	e := evaluator(t, 1)
	x, logits := array(t, "x32.npy"), array(t, "child_logits_32.npy")
	labels := []int{3, 1, 4, 1}
	e.Images = kept("golden", x, labels)
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	for i, c := range children(t) {
		arch, err := model.ParseArchitecture(c.Arch)
		if err != nil {
			t.Fatal(err)
		}
		p, err := e.Space.Path(arch)
		if err != nil {
			t.Fatal(err)
		}
		have, err := e.Child(t.Context(), p, 0, len(labels))
		want := scoreOf(logits[i*40:(i+1)*40], labels, 10)
		if err != nil || !close2(have, want) {
			t.Errorf("%s: %+v, %v: expected %+v", c.Name, have, err, want)
		}
	}
}

// A score does not depend on threads, and a window over the end begins again.
func TestScoreOfWindows(t *testing.T) {
	e := evaluator(t, 250)
	n, err := e.open(t.Context(), RandomPath(e.Space, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	one, err := n.Score(t.Context(), e.Images, 0, 250, 1)
	if err != nil || one.Images != 250 {
		t.Fatalf("%+v, %v", one, err)
	}
	if three, err := n.Score(t.Context(), e.Images, 0, 250, 3); err != nil || three != one {
		t.Errorf("on 3 threads %+v, %v: on one %+v", three, err, one)
	}
	tail, err := n.Score(t.Context(), e.Images, 240, 30, 1)
	if err != nil {
		t.Fatal(err)
	}
	per := 3 * 32 * 32
	x := append(append([]float32(nil), e.Images.x[240*per:]...), e.Images.x[:20*per]...)
	labels := append(append([]int(nil), e.Images.labels[240:]...), e.Images.labels[:20]...)
	joined := kept("joined", x, labels)
	if want, err := n.Score(t.Context(), joined, 0, 30, 1); err != nil || !close2(tail, want) {
		t.Errorf("a window over the end: %+v, %v: expected %+v", tail, err, want)
	}
}

// With the statistics of the images at hand, evaluation answers as training does.
func TestCalibratedStatistics(t *testing.T) {
	for _, images := range []int{100, 30, 250} { // a batch, less than one, and two with a rest
		t.Run(fmt.Sprint(images), func(t *testing.T) { testCalibratedStatistics(t, images) })
	}
}

func testCalibratedStatistics(t *testing.T, images int) {
	e := evaluator(t, images)
	p := RandomPath(e.Space, 3, 0)
	w, err := supernet.Child(e.Space, e.Weights, p)
	if err != nil {
		t.Fatal(err)
	}
	arch := e.Space.Architecture(p)
	out, err := Calibrate(t.Context(), arch, w, e.Images)
	if err != nil {
		t.Fatal(err)
	}
	// The stem's statistics, computed from its definition.
	stem, x := w["conv_stem.weight"].Data, e.Images.x
	batch := min(images, calibrationBatch)
	for channel := range 2 {
		mean, variance := 0.0, 0.0 // means over the batches
		for first := 0; first+batch <= images; first += batch {
			var sum, squares float64
			for n := first; n < first+batch; n++ {
				for oy := range 16 {
					for ox := range 16 {
						v := 0.0
						for c := range 3 {
							for ky := range 3 {
								for kx := range 3 {
									if y, x0 := 2*oy+ky-1, 2*ox+kx-1; y >= 0 && x0 >= 0 && y < 32 && x0 < 32 {
										v += float64(stem[((channel*3+c)*3+ky)*3+kx]) * float64(x[((n*3+c)*32+y)*32+x0])
									}
								}
							}
						}
						sum += v
						squares += v * v
					}
				}
			}
			m := float64(batch) * 16 * 16
			share := 1 / float64(images/batch)
			mean += share * sum / m
			variance += share * (squares - sum*sum/m) / (m - 1)
		}
		if a, b := float64(out["bn1.running_mean"].Data[channel]), float64(out["bn1.running_var"].Data[channel]); math.Abs(a-mean) > 1e-6 || math.Abs(b-variance) > 1e-5*variance {
			t.Errorf("channel %d: mean %v, variance %v: expected %v, %v", channel, a, b, mean, variance)
		}
	}
	if &w["bn1.weight"].Data[0] != &out["bn1.weight"].Data[0] {
		t.Error("other tensors were copied")
	}
	if _, err := supernet.CheckChild(e.Space, p, out); err != nil {
		t.Error(err)
	}
	if _, err := Calibrate(t.Context(), arch, w, noise(t, 1, 1)); !errors.Is(err, ErrImages) {
		t.Errorf("one image, which has no variance: %v", err)
	}
}

// Weights without meaning are found out.
func TestNotFinite(t *testing.T) {
	e := evaluator(t, 10)
	p := RandomPath(e.Space, 1, 0)
	w, err := supernet.Child(e.Space, e.Weights, p)
	if err != nil {
		t.Fatal(err)
	}
	w["classifier.bias"].Data[3] = float32(math.Inf(1))
	n, err := NewNetwork(e.Space.Architecture(p), w, 32, 10, "")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if _, err := n.Score(t.Context(), e.Images, 0, 10, 1); !errors.Is(err, ErrNotFinite) {
		t.Errorf("infinite logits: %v", err)
	}
}

// Evaluating stops soon after its context ends.
func TestCancelled(t *testing.T) {
	e := evaluator(t, 5000)
	n, err := e.open(t.Context(), RandomPath(e.Space, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	timetest.Within(t, 200*time.Millisecond, func(asked func()) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(100*time.Millisecond, func() { asked(); cancel() })
		if _, err := n.Score(ctx, e.Images, 0, 5000, 2); ctx.Err() != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled: %v", err)
		}
	})
}

func TestImagesThatDoNotFit(t *testing.T) {
	e := evaluator(t, 10)
	n, err := e.open(t.Context(), RandomPath(e.Space, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, im := range []*Images{{Name: "large", Size: 64, Classes: 10}, {Name: "few", Size: 32, Classes: 3}} {
		if _, err := n.Score(t.Context(), im, 0, 10, 1); err == nil {
			t.Errorf("%s: taken", im.Name)
		}
		e.Images = im
		if err := e.Check(); err == nil {
			t.Errorf("%s: taken", im.Name)
		}
	}
}

// A model from elsewhere with an open batch gives the same score.
func TestModelFile(t *testing.T) {
	e := evaluator(t, 130)
	p := RandomPath(e.Space, 1, 0)
	w, err := supernet.Child(e.Space, e.Weights, p)
	if err != nil {
		t.Fatal(err)
	}
	want, err := e.Child(t.Context(), p, 0, 130)
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range []int{onnx.Batch, 1, 7} {
		g, err := onnx.Network(e.Space.Architecture(p), w, onnx.NetworkOptions{ImageSize: 32, Classes: 10, Batch: batch})
		if err != nil {
			t.Fatal(err)
		}
		n, err := OpenModel(t.Context(), g.Marshal(), t.TempDir(), 0, "")
		if err != nil {
			t.Fatal(err)
		}
		if have, err := Validate(t.Context(), n, e.Images, 2, nil, nil); err != nil || !close2(have.Score, want) || have.ImagesPerSecond <= 0 {
			t.Errorf("batch %d: %+v, %v: expected %+v", batch, have, err, want)
		}
		n.Close()
	}
	refused := func(name string, g *onnx.Graph, size int, want error) {
		t.Helper()
		n, err := OpenModel(t.Context(), g.Marshal(), t.TempDir(), size, "")
		if n != nil {
			n.Close()
		}
		if !errors.Is(err, want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v: expected %v", name, err, want)
		}
	}
	refused("something else", onnx.Overhead(), 0, onnx.ErrNotModel)
	identity := func(batch, side, classes int) *onnx.Graph {
		g := onnx.NewGraph("sizes")
		x := g.Input("image", batch, 3, side, side)
		g.Output(g.Node("logits", "Flatten", []string{g.Node("pool", "GlobalAveragePool", []string{x})}), batch, classes)
		return g
	}
	refused("a hostile batch", identity(1<<30, 32, 3), 0, onnx.ErrNotModel)
	refused("hostile images", identity(1, 1<<30, 3), 0, onnx.ErrNotModel)
	refused("hostile classes", identity(1, 32, 1<<30), 0, onnx.ErrNotModel)
	refused("another size", identity(1, 32, 3), 64, ErrImages)
	refused("any size", identity(1, onnx.Batch, 3), 0, ErrOpenSize)
	for _, batch := range []int{onnx.Batch, 5} {
		n, err := OpenModel(t.Context(), identity(batch, onnx.Batch, 10).Marshal(), t.TempDir(), 32, "")
		if err != nil || n.ImageSize() != 32 {
			t.Fatalf("any size, at 32: %v", err)
		}
		if _, err := Validate(t.Context(), n, e.Images, 1, nil, nil); !errors.Is(err, onnx.ErrNotModel) {
			t.Errorf("3 answers where 10 are declared: %v", err)
		}
		n.Close()
	}
}
