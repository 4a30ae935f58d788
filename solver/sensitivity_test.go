package solver

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func TestSensitivityIsWhatTheProblemSays(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for i := range 8 {
		p := fitted(r, inactiveModes[i%2])
		if i >= 4 {
			keepLocal(p)
		}
		p.Pins.Allowed = make([]uint64, p.NumBlocks())
		p.Pins.Allowed[1] = 0xF0
		e := prepare(t, p)
		var s Solution
		e.Solve(t.Context(), &s, (e.MinLatencyMS()+e.MaxLatencyMS())/2)
		sens := e.Sensitivity(&s)
		active := 0
		for _, d := range s.Path.Depth {
			active += d
		}
		if len(sens.Options) != active*(p.Options-1) || len(sens.Depths) != p.Stages*(p.NumDepths()-1) {
			t.Fatalf("%d options and %d depths", len(sens.Options), len(sens.Depths))
		}
		if !(sens.ShadowPrice > 0) || sens.ShadowPrice != s.ShadowPrice {
			t.Fatalf("price %v, solution %v", sens.ShadowPrice, s.ShadowPrice)
		}
		check := func(c Change, other model.Path, pinned bool) {
			t.Helper()
			if a := p.Accuracy(other) - p.Accuracy(s.Path); math.Abs(a-c.Accuracy) > 1e-9 {
				t.Fatalf("accuracy difference %v, want %v", c.Accuracy, a)
			}
			if l := p.LatencyMS(other) - s.LatencyMS; math.Abs(l-c.LatencyMS) > 2e-9 {
				t.Fatalf("latency difference %v, want %v", c.LatencyMS, l)
			}
			if rc := c.Accuracy - sens.ShadowPrice*c.LatencyMS; math.Abs(rc-c.ReducedCost) > 1e-12 {
				t.Fatalf("reduced cost %v, want %v", c.ReducedCost, rc)
			}
			// An allowed change that fits and gains would contradict the optimum.
			if !pinned && p.LatencyMS(other) <= s.LimitMS && c.Accuracy > 1e-9 {
				t.Fatalf("%+v fits the limit and gains", c)
			}
		}
		for _, c := range sens.Options {
			other := s.Path.Clone()
			other.Option[c.Block] = c.Option
			if c.Pinned == p.Pins.Allows(c.Block, c.Option) {
				t.Fatalf("block %d option %d: pinned %v", c.Block, c.Option, c.Pinned)
			}
			check(c.Change, other, c.Pinned)
		}
		if p.Inactive != model.InactiveMean {
			continue
		}
		for _, c := range sens.Depths {
			if c.Depth > s.Path.Depth[c.Stage] {
				continue // its new blocks' options are not reported
			}
			other := s.Path.Clone()
			other.Depth[c.Stage] = c.Depth
			for b := c.Stage*p.MaxDepth + c.Depth; b < (c.Stage+1)*p.MaxDepth; b++ {
				other.Option[b] = model.Off
			}
			check(c.Change, other, c.Pinned)
		}
	}
}

// The price is a slope of the concave LP frontier: it falls as the limit rises.
func TestShadowPriceFalls(t *testing.T) {
	e := prepare(t, estimator(t, model.InactiveMean))
	last := math.Inf(1)
	var s Solution
	for _, limit := range limitsAcross(e, 100) {
		if e.Solve(t.Context(), &s, limit); s.ShadowPrice > last {
			t.Fatalf("limit %v: price %v after %v", limit, s.ShadowPrice, last)
		}
		last = s.ShadowPrice
	}
}

func TestContributionsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for i := range 30 {
		q := []string{"dense", "local", "nil"}[i%3]
		p := random(r, shape{stages: 1 + r.IntN(4), minDepth: 1, maxDepth: 3, options: 5, q: q, inactive: inactiveModes[i/3%2]})
		e := prepare(t, p)
		var s Solution
		e.Solve(t.Context(), &s, e.MinLatencyMS()+r.Float64()*(e.MaxLatencyMS()-e.MinLatencyMS()))
		c := NewContributions(p, s.Path)
		sum := c.Base
		for b, v := range c.Block {
			sum += v
			if p.Inactive == model.InactiveMean && s.Path.Option[b] == model.Off && v != 0 {
				t.Errorf("block %d is off and contributes %v", b, v)
			}
		}
		for _, v := range c.Stage {
			sum += v
		}
		if math.Abs(sum-p.Accuracy(s.Path)) > 1e-9 {
			t.Fatalf("%s: contributions add to %v, accuracy %v", q, sum, p.Accuracy(s.Path))
		}
	}
}

// Base is the mean over all encodings: one option per block, on or off.
func TestContributionsBase(t *testing.T) {
	p := random(rand.New(rand.NewPCG(25, 26)), shape{stages: 2, minDepth: 1, maxDepth: 2, options: 3, q: "dense", inactive: model.InactiveFree})
	sum, n := 0.0, 0.0
	everyPath(p, func(path model.Path) {
		sum += p.Accuracy(path)
		n++
	})
	c := NewContributions(p, model.Path{Depth: []int{1, 2}, Option: []int{0, 1, 2, 0}})
	if math.Abs(c.Base-sum/n) > 1e-9 {
		t.Errorf("base %v, mean accuracy %v", c.Base, sum/n)
	}
}

// A predictor that is a sum of known effects gives them back.
func TestStageEffects(t *testing.T) {
	space, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	p := &Problem{Stages: 5, MaxDepth: 4, MinDepth: 2, Options: 12, Bias: 70}
	for range 20 {
		for _, o := range space.Options {
			p.Alpha = append(p.Alpha, 0.1*o.Expansion+0.05*float64(o.Kernel)+2*o.SERatio)
			p.BlockLatencyMS = append(p.BlockLatencyMS, 0.5*o.Expansion+0.25*float64(o.Kernel)+o.SERatio)
		}
	}
	for range 5 {
		p.Beta = append(p.Beta, 0, 0.4, 0.6)
	}
	near := func(what string, e Effect, count int, accuracy, ms float64) {
		t.Helper()
		if e.Count != count || math.Abs(e.Accuracy-accuracy) > 1e-9 || math.Abs(e.LatencyMS-ms) > 1e-9 {
			t.Errorf("%s: %+v, want %v points, %v ms over %d", what, e, accuracy, ms, count)
		}
		if math.Abs(e.PerMS()-accuracy/ms) > 1e-9 {
			t.Errorf("%s: %v per ms", what, e.PerMS())
		}
	}
	mean := 0.0 // of the latency of a block's options
	for _, v := range p.BlockLatencyMS[:12] {
		mean += v / 12
	}
	for _, e := range StageEffects(p, space.Options) {
		near("expansion", e.Expansion, 4*4, 0.3, 1.5)
		near("kernel", e.Kernel, 4*6, 0.1, 0.5)
		near("se", e.SqueezeExcite, 4*6, 0.5, 0.25)
		near("depth", e.Depth, 2, 0.3, mean)
	}
	if !math.IsNaN((Effect{}).PerMS()) {
		t.Error("nothing per nothing is a number")
	}
}

// A block that may be off counts with what it adds when it is on: the same
// model, written with Q as the fits do, has the same effects.
func TestStageEffectsOfBlocksThatMayBeOff(t *testing.T) {
	space, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	p := &Problem{Stages: 5, MaxDepth: 4, MinDepth: 2, Options: 12, Beta: make([]float64, 15)}
	p.Q = make([]float64, 240*15)
	for b := range 20 {
		for i, o := range space.Options {
			v := 0.1*o.Expansion + 0.05*float64(o.Kernel) + 2*o.SERatio
			p.BlockLatencyMS = append(p.BlockLatencyMS, o.Expansion)
			p.Alpha = append(p.Alpha, 0)
			a := b*12 + i
			if b%4 < 2 {
				p.Alpha[a] = v
				continue
			}
			for d := b%4 + 1; d <= 4; d++ {
				p.Q[a*15+b/4*3+d-2] = v
			}
		}
	}
	block := 0.1*13/3 + 0.05*4 + 2*0.125 // the mean of a block's options
	for s, e := range StageEffects(p, space.Options) {
		for _, x := range []struct {
			name      string
			got, want float64
		}{{"expansion", e.Expansion.Accuracy, 0.3}, {"kernel", e.Kernel.Accuracy, 0.1}, {"se", e.SqueezeExcite.Accuracy, 0.5}, {"depth", e.Depth.Accuracy, block}} {
			if math.Abs(x.got-x.want) > 1e-9 {
				t.Errorf("stage %d, %s: %v points, want %v", s+1, x.name, x.got, x.want)
			}
		}
	}
}
