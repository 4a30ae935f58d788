package latency

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// networkBursts is how often a network is run in an opening.
const networkBursts = 5

// MeasureNetwork measures one whole network of any architecture, opened anew in
// every round. o.Folder is not used: it takes seconds.
func MeasureNetwork(ctx context.Context, arch model.Architecture, imageSize int, o MeasureOptions) (Measurement, error) {
	o.Folder = ""
	looks, err := lookAt(ctx, []model.Architecture{arch}, imageSize, o)
	if err != nil {
		return Measurement{}, fmt.Errorf("measure network: %w", err)
	}
	return looks.measurements()[0], nil
}

// looks is what was found at networks.
type looks struct {
	networks int
	rounds   int
	openings []opening
}

// lookAt looks at networks in rounds, each of which opens them anew. With a
// Folder it goes on where it was, as [Measure] does.
func lookAt(ctx context.Context, archs []model.Architecture, imageSize int, o MeasureOptions) (looks, error) {
	o.Rounds = cmp.Or(o.Rounds, networkRounds)
	o.Passes, o.Slice = 0, 0
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return looks{}, err
	}
	if err := checkNetworkMemory(archs, imageSize, o); err != nil {
		return looks{}, err
	}
	var keys []string
	for _, arch := range archs {
		keys = append(keys, arch.String())
	}
	header := o.header("networks", "", imageSize, keys)
	v := o.visitor(imageSize)
	v.bursts, v.networks = networkBursts, len(archs)
	err := v.openVisits(o.Folder, &header, 0)
	if err != nil {
		return looks{}, err
	}
	report := func() { o.Progress(v.progress(len(archs) * o.Rounds)) }
	report()
	for round := range o.Rounds {
		if err = v.round(ctx, archs, round, report); err != nil {
			break
		}
	}
	if closed := v.close(); err == nil {
		err = closed
	}
	return looks{len(archs), o.Rounds, v.openings}, err
}

// fit is what the networks take, by the openings of some rounds.
func (l looks) fit(use func(round int) bool) networkFit {
	return fitNetworks(timings(slices.DeleteFunc(slices.Clone(l.openings), func(o opening) bool { return !use(o.Round) })), l.networks, nil)
}

// measurements are what the networks take, in their order.
func (l looks) measurements() []Measurement {
	f := l.fit(func(int) bool { return true })
	out := make([]Measurement, l.networks)
	for i, ms := range f.ms {
		out[i] = Measurement{MedianMS: ms, MinMS: math.Inf(1), Spread: f.spread[i], StandardErrorMS: f.error[i] * ms, Rounds: l.rounds}
	}
	for _, o := range l.openings {
		for _, b := range o.Bursts {
			out[o.Network].MinMS = min(out[o.Network].MinMS, Quantile(b.RunsMS, 0))
		}
	}
	return out
}
