package explore

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// deviations say how a simulated device differs from the table that a search
// has; all are standard deviations, as fractions.
type deviations struct {
	key, level, group float64 // of a LUT key, of all of them, of those with squeeze-excite, kernel 5 or expansion 6
	network, pair     float64 // of a network from the sum of its blocks: anything, and for neighbours
	session, run      float64 // of an opened session, of a run
	drift             float64 // of the machine's speed, which wanders within about this much
	slower            float64 // than before, for good, from the second opening of the reference on
	busy              float64 // share of the time in which other work makes runs take a fifth to more than twice as long
	cursed            bool    // it is the table that errs around the device: the best by the table are those that it flatters
}

// usual are the deviations that the rules of the loop were made for; a
// measurement is three sessions, so that it has a noise of 1%.
var usual = deviations{key: 0.02, level: 0.03, network: 0.005, pair: 0.005, session: 0.016, run: 0.005, drift: 0.05}

// wanderingDevice is a device whose costs are known.
type wanderingDevice struct {
	of    deviations
	e     *Engine
	costs []float64 // of a block's option, as Table.BlockMS
	fixed float64
	seed  uint64
	rng   *rand.Rand
	speed float64 // how much slower it is now, as a logarithm
	left  int     // runs that other work lasts

	references  int       // sessions of the reference that were opened
	referenceMS []float64 // what those of the last opening take when the machine does not wander
	levels      []float64 // what they were measured to take over that
}

// newWanderingDevice makes the device of a seed.
func newWanderingDevice(e *Engine, of deviations, seed uint64) *wanderingDevice {
	r := rand.New(rand.NewPCG(seed, 7))
	d := &wanderingDevice{of: of, e: e, seed: seed, rng: rand.New(rand.NewPCG(seed, 8))}
	level := math.Exp(of.level * r.NormFloat64())
	groups := [3]float64{math.Exp(of.group * r.NormFloat64()), math.Exp(of.group * r.NormFloat64()), math.Exp(of.group * r.NormFloat64())}
	keys := map[string]float64{}
	d.fixed = e.Table.FixedMS * level * math.Exp(of.key*r.NormFloat64())
	for b := range e.Space.NumBlocks() {
		for i, o := range e.Space.Options {
			key := e.Space.Block(b).LUTKey(o)
			if keys[key] == 0 {
				keys[key] = level * math.Exp(of.key*r.NormFloat64())
			}
			ms := e.Table.BlockMS[b*e.Space.NumOptions()+i] * keys[key]
			if of.cursed {
				ms /= curse(seed, key, of.key) * keys[key] / level
			}
			for g, in := range []bool{o.SERatio > 0, o.Kernel == 5, o.Expansion == 6} {
				if in {
					ms *= groups[g]
				}
			}
			d.costs = append(d.costs, ms)
		}
	}
	return d
}

// cursed is an engine of a table that errs around the one of e.
func cursed(ctx context.Context, e *Engine, seed uint64, sd float64) (*Engine, error) {
	setup, lut := e.Setup, *e.LUT
	lut.Blocks = map[string]latency.Measurement{}
	for key, m := range e.LUT.Blocks {
		m.MedianMS *= curse(seed, key, sd)
		lut.Blocks[key] = m
	}
	setup.LUT = &lut
	return New(ctx, setup)
}

func curse(seed uint64, key string, sd float64) float64 {
	d := wanderingDevice{seed: seed}
	return math.Exp(sd * d.draw(key))
}

// draw is a draw from a standard normal distribution that depends on the device
// and the text alone.
func (d *wanderingDevice) draw(text string) float64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return rand.New(rand.NewPCG(h.Sum64(), d.seed)).NormFloat64()
}

// trueMS is the latency of a network when the machine does not wander.
func (d *wanderingDevice) trueMS(p model.Path) float64 {
	s := d.e.Space
	ms, pairs, n, before := d.fixed, 0.0, 0.0, "stem"
	name := make([]byte, 0, 64)
	for b, o := range p.Option {
		if !s.Active(p, b) {
			continue
		}
		ms += d.costs[b*s.NumOptions()+o]
		name = append(name, byte(b), byte(o))
		if d.of.pair > 0 {
			now := fmt.Sprint(b, ".", o)
			pairs += d.draw(before + ">" + now)
			n++
			before = now
		}
	}
	off := d.of.network * d.draw(string(name))
	if n > 0 {
		off += d.of.pair * pairs / math.Sqrt(n)
	}
	return ms * (1 + off)
}

// nowMS is the latency of a network on the machine as it was on average while
// the reference ran, by what counts of runs (see [latency.Meter]): their lower
// quartile is further below the mean where the machine wanders among them.
func (d *wanderingDevice) nowMS(p model.Path) float64 { return d.trueMS(p) * d.now() }

// now is how many times what the reference costs it was measured to take.
func (d *wanderingDevice) now() float64 { return stat.Mean(d.levels, nil) }

// watched measures on a wandering device and tells it what the reference took. Where
// it is bare it knows nothing of that itself: what a search would be that trusts its
// clock.
type watched struct {
	*latency.Meter
	d    *wanderingDevice
	bare bool
}

func (w watched) Observe(ctx context.Context, arch model.Architecture) (latency.Observation, error) {
	o, err := w.Meter.Observe(ctx, arch)
	for i, ms := range o.ReferenceMS {
		if w.d.levels = append(w.d.levels, ms/w.d.referenceMS[i]); w.bare {
			o.ReferenceMS[i] = 1
		}
	}
	return o, err
}

// oracle is the best accuracy within a limit for who knows the costs of all
// blocks on the machine as it is now.
func (d *wanderingDevice) oracle(ctx context.Context, limitMS float64) (float64, error) {
	p := *d.e.problem
	now := d.now()
	p.BlockLatencyMS, p.FixedLatencyMS = nil, d.fixed*now
	for _, ms := range d.costs {
		p.BlockLatencyMS = append(p.BlockLatencyMS, ms*now)
	}
	exact, err := solver.Prepare(ctx, &p)
	if err != nil {
		return 0, err
	}
	var s solver.Solution
	err = exact.Solve(ctx, &s, limitMS)
	return s.Accuracy, err
}

func (d *wanderingDevice) Provenance() latency.Provenance {
	return latency.Provenance{Device: "cpu", Processor: "simulated", Runtime: "none", Threads: 1, Batch: 1}
}

func (d *wanderingDevice) Close() error { return nil }

// Open implements [latency.Device].
func (d *wanderingDevice) Open(ctx context.Context, arch model.Architecture, _ int) (latency.OpenNetwork, error) {
	p, err := d.e.Space.Path(arch)
	if err != nil {
		return nil, err
	}
	reference := arch.String() == d.e.Space.Architecture(latency.ReferenceNetwork(d.e.Space)).String()
	ms := d.trueMS(p) * (1 + d.of.session*d.rng.NormFloat64())
	if reference && d.references%3 == 0 { // the average is that of one opening
		d.referenceMS, d.levels = nil, nil
	}
	if reference {
		d.references++
		d.referenceMS = append(d.referenceMS, ms)
	}
	return &wanderingNetwork{d, ms}, ctx.Err()
}

// wander is after how many runs the speed has forgotten itself: about ten seconds,
// the length of a search.
const wander = 1500.0

// busyRuns is how many runs other work lasts, on average.
const busyRuns = 30

type wanderingNetwork struct {
	d  *wanderingDevice
	ms float64
}

func (n *wanderingNetwork) Run(ctx context.Context, runs int) ([]float64, error) {
	d := n.d
	var took []float64
	for range runs {
		d.speed += -d.speed/wander + d.of.drift*math.Sqrt(2.0/wander)*d.rng.NormFloat64()
		slow := math.Exp(d.speed)
		if d.references > 3 {
			slow *= 1 + d.of.slower
		}
		if d.of.busy > 0 && d.left == 0 && d.rng.Float64() < d.of.busy/(1-d.of.busy)/busyRuns {
			d.left = 1 + d.rng.IntN(2*busyRuns-1)
		}
		if d.left > 0 {
			d.left--
			slow *= 1.2 + d.rng.Float64()
		}
		took = append(took, n.ms*slow*math.Abs(1+d.of.run*d.rng.NormFloat64()))
	}
	return took, ctx.Err()
}

func (n *wanderingNetwork) Close() error { return nil }
