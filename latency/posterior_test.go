package latency

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
)

// drawn is a device drawn from a prior: what it takes for networks, and how they
// are measured.
type drawn struct {
	known []KnownNetwork
	true  []float64 // of known
	level float64
}

// draw draws a device and measures networks on it, those of the later half
// beside another opening of the reference.
func draw(r *rand.Rand, prior Prior, networks, measurements int) drawn {
	d := drawn{level: 1 + prior.Level*r.NormFloat64()}
	opening := prior.Opening * r.NormFloat64()
	for i := range networks {
		k := KnownNetwork{ID: fmt.Sprint(i), TableMS: 2 + 6*r.Float64()}
		shift := 0.0
		if i >= networks/2 {
			k.Opening, shift = 1, opening
		}
		ms := k.TableMS * (d.level + prior.Shape*r.NormFloat64())
		for range measurements {
			m := ms + k.TableMS*(shift+prior.Noise*r.NormFloat64())
			k.MS = append(k.MS, []float64{m})
		}
		d.known, d.true = append(d.known, k), append(d.true, ms)
	}
	return d
}

// What the posterior says of devices drawn from its prior is as often right as
// it says.
func TestThePosteriorIsCalibrated(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	prior := Prior{Level: 0.1, Shape: 0.012, Noise: 0.01, Opening: 0.01}
	var level, known, new, plain []float64
	for range 3000 {
		d := draw(r, prior, 6, 3)
		p := NewPosterior(prior, d.known)
		f, sd := p.Level()
		level = append(level, (d.level-f)/sd)
		for _, i := range []int{0, 5} { // of both openings
			ms, sd := p.Of(d.known[i].ID, d.known[i].TableMS, 0)
			known = append(known, (d.true[i]-ms)/sd)
			plain = append(plain, (d.true[i]-stat.Mean([]float64{d.known[i].mean()}, nil))/sd)
		}
		ms, sd := p.Of("new", 5, 0)
		new = append(new, (5*(d.level+prior.Shape*r.NormFloat64())-ms)/sd)
	}
	for _, c := range []struct {
		name   string
		scores []float64
	}{{"level", level}, {"networks measured", known}, {"networks not measured", new}} {
		mean, sd := stat.MeanStdDev(c.scores, nil)
		if math.Abs(mean) > 0.06 || math.Abs(sd-1) > 0.06 { // the noise is learnt from few repeats
			t.Errorf("%s: standard scores have mean %.3f and deviation %.3f, expected 0 and 1", c.name, mean, sd)
		}
	}
	if _, sd := stat.MeanStdDev(plain, nil); sd < 1.06 {
		t.Errorf("means of the measurements are no worse (%.3f): the table is not made use of", sd)
	}
}

func TestPosteriorWithoutMeasurementsIsThePrior(t *testing.T) {
	p := NewPosterior(DefaultPrior, nil)
	if f, sd := p.Level(); f != 1 || sd != 0.1 {
		t.Errorf("level %v ± %v", f, sd)
	}
	ms, sd := p.Of("any", 4, 0.02)
	if want := 4 * math.Hypot(0.1, 0.02); ms != 4 || math.Abs(sd-want) > 1e-12 {
		t.Errorf("%v ± %v, want 4 ± %v", ms, sd, want)
	}
}

// One network measured very often: the numbers that formulas give.
func TestPosteriorOfOneNetwork(t *testing.T) {
	prior := Prior{Level: 0.1, Shape: 0.02, Noise: 0.01}
	k := KnownNetwork{ID: "a", TableMS: 5}
	for range 10_000 {
		k.MS = append(k.MS, []float64{5.5 * 1.0001}, []float64{5.5 * 0.9999})
	}
	p := NewPosterior(prior, []KnownNetwork{k})
	if ms, sd := p.Of("a", 5, 0); math.Abs(ms-5.5) > 1e-3 || sd > 1e-3 {
		t.Errorf("measured: %v ± %v, want 5.5 ± 0", ms, sd)
	}
	// The level is about what was measured, and as uncertain as level and shape
	// leave it: they explain the network together.
	share := 0.01 / (0.01 + 0.0004)
	if f, sd := p.Level(); math.Abs(f-1.1) > 1e-4 || math.Abs(sd-1.1*0.1*math.Sqrt(1-share)) > 1e-4 {
		t.Errorf("level %v ± %v, want 1.1 ± %v", f, sd, 1.1*0.1*math.Sqrt(1-share))
	}
	if got, want := p.After(5, 0.1, 4), 1/math.Sqrt(100+4/square(5.5*p.Noise())); math.Abs(got-want) > 1e-6 {
		t.Errorf("after four more: %v, want %v", got, want)
	}
}

// A table of another processor may be off by any factor: all scales with it.
func TestPosteriorScales(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	d := draw(r, DefaultPrior, 6, 3)
	a := NewPosterior(DefaultPrior, d.known)
	for i := range d.known {
		d.known[i].TableMS /= 2
	}
	b := NewPosterior(DefaultPrior, d.known)
	for _, id := range []string{"0", "5", "new"} {
		ms, sd := a.Of(id, 4, 0)
		if half, halfSD := b.Of(id, 2, 0); math.Abs(ms-half) > 1e-9 || math.Abs(sd-halfSD) > 1e-9 || a.After(4, sd, 2) != b.After(2, sd, 2) {
			t.Errorf("network %s: %v ± %v, by half the table %v ± %v", id, ms, sd, half, halfSD)
		}
	}
}

// The noise told is overruled by what repeats say; sessions within measurements
// count where they say more.
func TestNoiseIsLearnt(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, noise := range []float64{0.002, 0.01, 0.03} {
		var known []KnownNetwork
		for i := range 30 {
			k := KnownNetwork{ID: fmt.Sprint(i), TableMS: 5}
			for range 4 {
				k.MS = append(k.MS, []float64{5 * (1 + noise*r.NormFloat64())})
			}
			known = append(known, k)
		}
		got := NewPosterior(DefaultPrior, known).Noise()
		if want := math.Sqrt((4*1e-4 + 90*noise*noise) / 94); math.Abs(got/want-1) > 0.15 {
			t.Errorf("noise %v: learnt %v, want about %v", noise, got, want)
		}
	}
	one := KnownNetwork{ID: "a", TableMS: 5, MS: [][]float64{{5, 5.5, 4.5}, {5.5, 4.5, 5}}}
	if got := NewPosterior(DefaultPrior, []KnownNetwork{one}).Noise(); got < 0.03 {
		t.Errorf("sessions that differ by 10%% within equal measurements: noise %v", got)
	}
}
