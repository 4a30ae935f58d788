package published

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func fitted(t *testing.T, name string) (*model.Space, *model.Bilinear, Report) {
	t.Helper()
	space, err := model.NewSpace(name, ImageSize)
	if err != nil {
		t.Fatal(err)
	}
	p, report, err := Fit(space)
	if err != nil {
		t.Fatal(err)
	}
	if err := space.CheckPredictor(p); err != nil {
		t.Fatal(err)
	}
	return space, p, report
}

func randomPath(space *model.Space, rng *rand.Rand) model.Path {
	p := model.Path{Depth: make([]int, len(space.Stages)), Option: make([]int, space.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = space.MinDepth + rng.IntN(space.NumDepths())
	}
	for b := range p.Option {
		p.Option[b] = rng.IntN(space.NumOptions())
		if !space.Active(p, b) && rng.IntN(2) == 0 {
			p.Option[b] = model.Off
		}
	}
	return p
}

// formula is the equation of the package comment, worked out from the
// architecture's block codes and the report alone.
func formula(a model.Architecture, bias, depth, width, detail float64) float64 {
	params := func(in int, b model.BlockCode) float64 { // expansion 3, kernel 3, no squeeze-excite
		mid, out := 3*in, b.Channels
		return float64(in*mid + 9*mid + mid*out + 2*(2*mid+out))
	}
	reference := params(40, model.BlockCode{Channels: 40})
	acc, in := bias, a[0][0].Channels
	for _, stage := range a[1 : len(a)-1] {
		for k, b := range stage {
			f := 1.0
			if k == 0 {
				f = 1.5
			}
			if k >= 2 {
				acc += depth * math.Log(1+1/float64(k)) * max(0, math.Log(params(in, b)/reference))
			}
			acc += width * f * math.Log(b.Expansion/3)
			if b.Kernel == 5 {
				acc += detail * 0.04375
			}
			if b.SERatio > 0 {
				acc += detail * 0.0875
			}
			in = b.Channels
		}
	}
	return acc
}

func TestPredictorIsTheFormula(t *testing.T) {
	for _, name := range []string{model.MobileNASNet, model.MobileNASNetLarge} {
		space, p, r := fitted(t, name)
		rng := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			path := randomPath(space, rng)
			want := formula(space.Architecture(path), r.Bias, r.Parameters[0].Value, r.Parameters[1].Value, r.Parameters[2].Value)
			for _, mode := range []model.InactiveBlocks{model.InactiveMean, model.InactiveFree} {
				got := p.Accuracy(space.Encode(nil, path, mode))
				if math.Abs(got-want) > 1e-9 {
					t.Fatalf("%s, inactive %s, %v: predictor %v, formula %v", name, mode, path, got, want)
				}
			}
		}
	}
}

// A block that is off adds exactly nothing, so the option of an off block
// cannot be used to gain accuracy.
func TestOffBlocksAddNothing(t *testing.T) {
	space, p, _ := fitted(t, model.MobileNASNet)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		path := randomPath(space, rng)
		want := p.Accuracy(space.Encode(nil, path, model.InactiveMean))
		for b := range path.Option {
			if space.Active(path, b) {
				continue
			}
			for o := range space.NumOptions() {
				path.Option[b] = o
				if got := p.Accuracy(space.Encode(nil, path, model.InactiveFree)); got != want {
					t.Fatalf("option %d of off block %d changes %v to %v", o, b, want, got)
				}
			}
		}
	}
}

// More expansion, a larger kernel, squeeze-excite or one more block never
// lowers predicted accuracy.
func TestMoreIsNeverWorse(t *testing.T) {
	for _, name := range []string{model.MobileNASNet, model.MobileNASNetLarge} {
		space, p, r := fitted(t, name)
		for _, w := range r.Parameters {
			if w.Value <= 0 {
				t.Errorf("%s: weight %s is %v, expected it to be positive", name, w.Name, w.Value)
			}
		}
		accuracy := func(path model.Path) float64 { return p.Accuracy(space.Encode(nil, path, model.InactiveMean)) }
		rng := rand.New(rand.NewPCG(5, 6))
		for range 100 {
			path := randomPath(space, rng)
			was := accuracy(path)
			for b, o := range path.Option {
				if !space.Active(path, b) {
					continue
				}
				for more, opt := range space.Options {
					if have := space.Options[o]; opt.Expansion < have.Expansion || opt.Kernel < have.Kernel || opt.SERatio < have.SERatio || more == o {
						continue
					}
					grown := path.Clone()
					grown.Option[b] = more
					if now := accuracy(grown); now <= was {
						t.Fatalf("%s: block %d: %v for %v gives %v for %v", name, b, opt, space.Options[o], now, was)
					}
				}
			}
			for s := range path.Depth {
				grown := path.Clone()
				if grown.Depth[s]++; grown.Depth[s] > space.MaxDepth {
					continue
				}
				b := s*space.MaxDepth + grown.Depth[s] - 1
				grown.Option[b] = 0
				if now := accuracy(grown); now < was-1e-9 {
					t.Fatalf("%s: a cheapest block more in stage %d gives %v for %v", name, s+1, now, was)
				}
			}
			if was < r.Lowest-1e-9 || was > r.Highest+1e-9 {
				t.Fatalf("%s: %v is outside %v to %v", name, was, r.Lowest, r.Highest)
			}
		}
	}
}

// Nobody has published a network of width 1 above 78.1%: predictions may go a
// little beyond, not run away.
func TestRangeIsPlausible(t *testing.T) {
	_, _, r := fitted(t, model.MobileNASNet)
	if r.Lowest < 72 || r.Lowest > 75.4 || r.Highest < 78.1 || r.Highest > 80 {
		t.Errorf("predictions from %.2f to %.2f%%", r.Lowest, r.Highest)
	}
	_, _, wide := fitted(t, model.MobileNASNetLarge)
	if wide.Highest <= r.Highest || wide.Highest > 81 {
		t.Errorf("the wider space reaches %.2f%%, width 1 reaches %.2f%%", wide.Highest, r.Highest)
	}
}

func TestFitIsDeterministic(t *testing.T) {
	_, p, r := fitted(t, model.MobileNASNet)
	_, q, s := fitted(t, model.MobileNASNet)
	if !reflect.DeepEqual(p, q) || !reflect.DeepEqual(r, s) {
		t.Error("two fits differ")
	}
}

func TestFitRefusesOtherImageSizes(t *testing.T) {
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Fit(space); !errors.Is(err, ErrImageSize) {
		t.Errorf("32 pixels: error %v, expected ErrImageSize", err)
	}
}
