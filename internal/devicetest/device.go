// Package devicetest simulates a device whose costs are known, to test what
// measures on one: with noise, a level that drifts, sessions that differ,
// overhead between nodes, and blocks that depend on their neighbours.
package devicetest

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// Device runs the networks of one space. Costs are exact unless the fields
// below say otherwise; all deviations are fractions.
type Device struct {
	Space   *model.Space
	BlockMS map[string]float64 // by LUT key, within a network
	FixedMS float64

	Interaction float64 // standard deviation of a network from the sum of its parts
	Convex      float64 // networks take so many more times 1% for each 1% that their sum is above the reference network's
	Session     float64 // standard deviation of a block, and of a network, from one opening to the next
	Noise       float64 // mean of what a run takes more, exponentially distributed
	Busy        float64 // probability that a run is interrupted and takes half as much again
	// Drift is how much slower the device is now, at a time in seconds since it
	// was made; nil is 1. The clock is the work done.
	Drift func(seconds float64) float64
	// GapMS passes before each node in every run, TraceMS more in a traced one,
	// of which the node's own time has TraceMS.
	GapMS, TraceMS float64
	Untraced       bool // the device has no traces
	// Corrupt changes a trace before it is handed over; nil leaves it.
	Corrupt func(*latency.Trace)

	Opened, Closed, Runs int
	Seconds              float64 // of work done
	OnRun                func()  // called before each run; may be nil

	rng  *rand.Rand
	seed uint64
}

// New returns a device whose blocks take about a millisecond per 200 million
// multiply-accumulates and as much again for their activations, off by 20% for
// all of a shape, by 10% for all of an option and by 5% each, so that nothing but
// measuring tells them. One seed gives one device.
func New(s *model.Space, seed uint64) *Device {
	rng := rand.New(rand.NewPCG(seed, 1))
	d := &Device{Space: s, BlockMS: map[string]float64{}, seed: seed, rng: rand.New(rand.NewPCG(seed, 2))}
	costs := s.Costs(1000)
	cost := func(c model.Cost) float64 { return float64(c.MACs)/2e8 + float64(c.PeakBytes)/4e8 + 0.02 }
	shapes, options := map[model.BlockShape]float64{}, make([]float64, s.NumOptions())
	for o := range options {
		options[o] = 0.1 * rng.NormFloat64()
	}
	for b := range s.NumBlocks() {
		if _, ok := shapes[s.Block(b)]; !ok {
			shapes[s.Block(b)] = 0.2 * rng.NormFloat64()
		}
		for o, option := range s.Options {
			if key := s.Block(b).LUTKey(option); d.BlockMS[key] == 0 {
				d.BlockMS[key] = cost(costs.Block[b*s.NumOptions()+o]) * math.Exp(shapes[s.Block(b)]+options[o]+0.05*rng.NormFloat64())
			}
		}
	}
	d.FixedMS = cost(costs.Fixed)
	return d
}

// TrueMS is what a network takes on the device when nothing disturbs it and
// its level is 1.
func (d *Device) TrueMS(p model.Path) float64 {
	arch := d.Space.Architecture(p)
	ms := 0.0
	for _, part := range d.parts(arch, p) {
		ms += part.ms + float64(len(part.nodes))*d.GapMS
	}
	return ms
}

// LUT is the table of the true costs.
func (d *Device) LUT() *latency.LUT {
	lut := &latency.LUT{Provenance: d.Provenance(), Blocks: map[string]latency.Measurement{}, Fixed: latency.Measurement{MedianMS: d.FixedMS}}
	lut.Provenance.Space, lut.Provenance.ImageSize = d.Space.Name, d.Space.ImageSize
	lut.Provenance.ChannelMultiplier = d.Space.ChannelMultiplier
	for key, ms := range d.BlockMS {
		lut.Blocks[key] = latency.Measurement{MedianMS: ms}
	}
	return lut
}

// Provenance implements [latency.Device].
func (d *Device) Provenance() latency.Provenance {
	return latency.Provenance{Device: "cpu", Processor: "simulated", Runtime: "devicetest", Threads: 1, Batch: 1}
}

// part is a block of a network, or a piece of its fixed part, with its nodes.
type part struct {
	nodes []string
	ms    float64
}

// parts are what a network consists of, in the order of its nodes.
func (d *Device) parts(arch model.Architecture, p model.Path) []part {
	interaction := math.Exp(d.Interaction * gaussian(fmt.Sprint(d.seed, arch.String())))
	if d.Convex > 0 {
		interaction *= math.Pow(d.sum(p)/d.sum(latency.ReferenceNetwork(d.Space)), d.Convex)
	}
	parts := []part{{[]string{"conv_stem_nchwc", "HardSigmoid_1", "Mul_2", "blocks.0.0.act1_nchwc", "blocks.0.0.conv_pw_nchwc"}, d.FixedMS * 0.4 * interaction}}
	for b, o := range p.Option {
		if !d.Space.Active(p, b) {
			continue
		}
		name := fmt.Sprintf("blocks.%d.%d.", b/d.Space.MaxDepth+1, b%d.Space.MaxDepth)
		nodes := []string{name + "conv_pw", "HardSigmoid_1", "Mul_2", name + "conv_dw"}
		if d.Space.Options[o].SERatio > 0 {
			nodes = append(nodes, name+"se.pool", name+"se.gate", "ReorderOutput", name+"se", "ReorderInput")
		}
		nodes = append(nodes, name+"conv_pwl_nchwc")
		parts = append(parts, part{nodes, d.BlockMS[d.Space.Block(b).LUTKey(d.Space.Options[o])] * interaction})
	}
	last := fmt.Sprintf("blocks.%d.0.conv", len(d.Space.Stages)+1)
	return append(parts, part{[]string{last, "Mul_7", "global_pool", "conv_head", "flatten", "logits"}, d.FixedMS * 0.6 * interaction})
}

// sum is that of a network's parts, each for itself.
func (d *Device) sum(p model.Path) float64 {
	ms := d.FixedMS
	for b, o := range p.Option {
		if d.Space.Active(p, b) {
			ms += d.BlockMS[d.Space.Block(b).LUTKey(d.Space.Options[o])]
		}
	}
	return ms
}

// gaussian is a draw from a standard normal distribution that depends on the
// text alone.
func gaussian(text string) float64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return rand.New(rand.NewPCG(h.Sum64(), 3)).NormFloat64()
}

// Open implements [latency.Device].
func (d *Device) Open(ctx context.Context, arch model.Architecture, imageSize int) (latency.OpenNetwork, error) {
	return d.open(ctx, arch, imageSize, false)
}

// Close implements [latency.Device].
func (d *Device) Close() error { return nil }

// OpenTraced implements [latency.Tracer].
func (d *Device) OpenTraced(ctx context.Context, arch model.Architecture, imageSize int) (latency.TracedNetwork, error) {
	if d.Untraced {
		return nil, fmt.Errorf("simulated: %w", latency.ErrNoTrace)
	}
	return d.open(ctx, arch, imageSize, true)
}

func (d *Device) open(ctx context.Context, arch model.Architecture, imageSize int, traced bool) (*network, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := d.Space
	if imageSize != s.ImageSize {
		var err error
		if s, err = model.NewSpace(s.Name, imageSize); err != nil {
			return nil, err
		}
	}
	p, err := s.Path(arch)
	if err != nil {
		return nil, err
	}
	n := &network{d: d, parts: d.parts(arch, p), traced: traced}
	session := d.rng.NormFloat64()
	scale := float64(imageSize*imageSize) / float64(d.Space.ImageSize*d.Space.ImageSize)
	for i := range n.parts {
		n.parts[i].ms *= scale * math.Exp(d.Session*(d.rng.NormFloat64()+session)/math.Sqrt2)
	}
	d.Opened++
	d.Seconds += 0.05
	return n, nil
}

// network is a network open on the device.
type network struct {
	d      *Device
	parts  []part
	runs   int
	traced bool
	trace  latency.Trace
	closed bool
}

// coldRuns is how much slower the first runs are.
var coldRuns = []float64{3, 1.25, 1.05}

// Run implements [latency.OpenNetwork].
func (n *network) Run(ctx context.Context, runs int) ([]float64, error) {
	var took []float64
	for range runs {
		if n.d.OnRun != nil {
			n.d.OnRun()
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		took = append(took, n.run())
	}
	return took, nil
}

// run is one run of the network, in milliseconds.
func (n *network) run() float64 {
	d := n.d
	slow := 1.0
	if d.Drift != nil {
		slow = d.Drift(d.Seconds)
	}
	if n.runs < len(coldRuns) {
		slow *= coldRuns[n.runs]
	}
	n.runs++
	d.Runs++
	if d.Busy > 0 && d.rng.Float64() < d.Busy {
		slow *= 1.5
	}
	var nodes []string
	var times []float64
	total := 0.0
	for _, p := range n.parts {
		for _, node := range p.nodes {
			ms := p.ms / float64(len(p.nodes)) * slow * (1 + d.Noise*d.rng.ExpFloat64())
			if n.traced {
				ms += d.TraceMS
			}
			nodes, times = append(nodes, node), append(times, ms)
			total += ms + d.GapMS*slow
		}
	}
	if n.traced {
		n.trace.Nodes, n.trace.RunsMS = nodes, append(n.trace.RunsMS, times)
	}
	d.Seconds += total / 1000
	return total
}

// Close implements [latency.OpenNetwork].
func (n *network) Close() error {
	if !n.closed {
		n.closed = true
		n.d.Closed++
	}
	return nil
}

// Trace implements [latency.TracedNetwork].
func (n *network) Trace() (latency.Trace, error) {
	n.Close()
	if n.d.Corrupt != nil {
		n.d.Corrupt(&n.trace)
	}
	return n.trace, nil
}
