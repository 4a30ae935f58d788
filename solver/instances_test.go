package solver

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// reference is the problem that the original BINAS program wrote: a bilinear
// predictor fitted on 1,000 samples and a latency table measured on a CPU.
func reference(t testing.TB, inactive model.InactiveBlocks) *Problem {
	t.Helper()
	f, err := os.Open("testdata/problem_bilinear.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Latency []float64   `json:"latency_vec"` // seconds
		Fixed   float64     `json:"fixed_latency"`
		Q       [][]float64 `json:"Q_acc"`
		Alpha   []float64   `json:"p_a"`
		Beta    []float64   `json:"p_b"`
		Bias    float64     `json:"bias"`
	}
	if err := json.NewDecoder(z).Decode(&in); err != nil {
		t.Fatal(err)
	}
	p := &Problem{
		Stages: 5, MaxDepth: 4, MinDepth: 2, Options: 12,
		Bias: in.Bias, Alpha: in.Alpha, Beta: in.Beta,
		FixedLatencyMS: in.Fixed * 1000, Inactive: inactive,
	}
	for _, row := range in.Q {
		p.Q = append(p.Q, row...)
	}
	for _, s := range in.Latency {
		p.BlockLatencyMS = append(p.BlockLatencyMS, s*1000)
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return p
}

// estimator is the reference problem with what couples a block with other
// stages than its own taken out of Q.
func estimator(t testing.TB, inactive model.InactiveBlocks) *Problem {
	p := reference(t, inactive)
	keepLocal(p)
	return p
}

func keepLocal(p *Problem) {
	for a := range p.Alpha {
		for j := range p.Beta {
			if j/p.NumDepths() != a/(p.MaxDepth*p.Options) {
				p.Q[a*len(p.Beta)+j] = 0
			}
		}
	}
}

// shape is what a random problem is drawn from.
type shape struct {
	stages, minDepth, maxDepth, options int
	q                                   string // dense, local or nil
	round                               bool   // few distinct latencies and values: many ties
	pins                                bool
	inactive                            model.InactiveBlocks
}

func random(r *rand.Rand, s shape) *Problem {
	p := &Problem{Stages: s.stages, MaxDepth: s.maxDepth, MinDepth: s.minDepth, Options: s.options, Inactive: s.inactive}
	draw := func(scale float64) float64 {
		v := r.NormFloat64() * scale
		if s.round {
			v = math.Round(v/scale*2) / 10
		}
		return v
	}
	p.Bias = draw(50)
	p.FixedLatencyMS = math.Round(r.Float64()*30) / 10
	for range p.NumBlocks() * p.Options {
		p.Alpha = append(p.Alpha, draw(0.5))
		l := r.Float64() * 5
		if s.round {
			l = math.Floor(l) / 10
		} else if r.IntN(20) == 0 {
			l = 0
		}
		p.BlockLatencyMS = append(p.BlockLatencyMS, l)
	}
	for range p.Stages * p.NumDepths() {
		p.Beta = append(p.Beta, draw(1))
	}
	if s.q != "nil" {
		for range len(p.Alpha) * len(p.Beta) {
			p.Q = append(p.Q, draw(0.2))
		}
		if s.q == "local" {
			keepLocal(p)
		}
	}
	if s.pins {
		p.Pins.Depth = make([]int, p.Stages)
		p.Pins.Depth[r.IntN(p.Stages)] = p.MinDepth + r.IntN(p.NumDepths())
		p.Pins.Allowed = make([]uint64, p.NumBlocks())
		for b := range p.Pins.Allowed {
			if r.IntN(2) == 0 {
				p.Pins.Allowed[b] = r.Uint64() & (1<<p.Options - 1)
			}
		}
	}
	return p
}

// fitted is a random problem of the size of the BINAS space whose numbers look
// like a measured table and a fitted predictor.
func fitted(r *rand.Rand, inactive model.InactiveBlocks) *Problem {
	p := random(r, shape{stages: 5, minDepth: 2, maxDepth: 4, options: 12, q: "dense", inactive: inactive})
	p.Bias = 72
	for a := range p.Alpha {
		o := a % 12
		p.BlockLatencyMS[a] = (1 + float64(o/4)*0.4 + float64(o/2%2)*0.3 + float64(o%2)*0.1) * (0.5 + r.Float64()*0.1)
		p.Alpha[a] = 0.1*float64(o/4) + 0.05*float64(o/2%2+o%2) + r.NormFloat64()*0.05
	}
	for j := range p.Beta {
		p.Beta[j] = 0.2*float64(j%3) + r.NormFloat64()*0.05
	}
	for i := range p.Q {
		p.Q[i] *= 0.15
	}
	return p
}

// everyPath calls visit with every network that the pins allow.
func everyPath(p *Problem, visit func(model.Path)) {
	path := model.Path{Depth: make([]int, p.Stages), Option: make([]int, p.NumBlocks())}
	var options func(b int)
	options = func(b int) {
		if b == p.NumBlocks() {
			visit(path)
			return
		}
		active := b%p.MaxDepth < path.Depth[b/p.MaxDepth]
		if !active && p.Inactive == model.InactiveMean {
			path.Option[b] = model.Off
			options(b + 1)
			return
		}
		for o := range p.Options {
			if p.Pins.Allows(b, o) {
				path.Option[b] = o
				options(b + 1)
			}
		}
	}
	var depths func(s int)
	depths = func(s int) {
		if s == p.Stages {
			options(0)
			return
		}
		for d := p.MinDepth; d <= p.MaxDepth; d++ {
			if p.Pins.AllowsDepth(s, d) {
				path.Depth[s] = d
				depths(s + 1)
			}
		}
	}
	depths(0)
}

// checkSolution states what every answer must keep: sizes, pins, the limit,
// and the figures that the Problem itself gives for the path.
func checkSolution(t *testing.T, p *Problem, s *Solution) {
	t.Helper()
	if s.Status == Infeasible {
		return
	}
	if len(s.Path.Depth) != p.Stages || len(s.Path.Option) != p.NumBlocks() {
		t.Fatalf("path of %d stages and %d blocks", len(s.Path.Depth), len(s.Path.Option))
	}
	for st, d := range s.Path.Depth {
		if d < p.MinDepth || d > p.MaxDepth || !p.Pins.AllowsDepth(st, d) {
			t.Fatalf("stage %d has depth %d", st, d)
		}
	}
	for b, o := range s.Path.Option {
		active := b%p.MaxDepth < s.Path.Depth[b/p.MaxDepth]
		if !active && p.Inactive == model.InactiveMean {
			if o != model.Off {
				t.Fatalf("block %d is off and has option %d", b, o)
			}
			continue
		}
		if o < 0 || o >= p.Options || !p.Pins.Allows(b, o) {
			t.Fatalf("block %d has option %d", b, o)
		}
	}
	if l := p.LatencyMS(s.Path); l > s.LimitMS || l != s.LatencyMS {
		t.Fatalf("latency %v, reported as %v, limit %v", l, s.LatencyMS, s.LimitMS)
	}
	if a := p.Accuracy(s.Path); math.Abs(a-s.Accuracy) > 1e-9 {
		t.Fatalf("accuracy %v, reported as %v", a, s.Accuracy)
	}
	if s.Bound < s.Accuracy-1e-9 || s.ShadowPrice < 0 {
		t.Fatalf("bound %v below accuracy %v, or price %v below zero", s.Bound, s.Accuracy, s.ShadowPrice)
	}
}

func prepare(t testing.TB, p *Problem) *Exact {
	t.Helper()
	e, err := Prepare(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
