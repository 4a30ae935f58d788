package latency

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/binas-tui/binas-tui/model"
)

// Networks that blocks are timed in.
const (
	contextNetworks    = 48 // node by node
	regressionNetworks = 72 // where there are no traces
	moreNetworks       = 24 // at once where those were not enough
	mostMore           = 2  // times
)

// Bursts of an opening for a table.
const (
	tracedBursts = 3
	plainBursts  = 2
	onlyBursts   = 3 // where there are no traces
)

// A measurement in context is conclusive where its blocks have this median
// standard error at most, the device was this much slower for a while at most,
// networks are this close to the sums of their blocks, and the tables of two halves rank networks this much alike at least. On a
// virtual machine whose speed varied by a factor of 1.2, two tables of 48
// networks agreed to 0.6% (docs/MEASURING.md): drift cancels.
const (
	goodError, worstError   = 0.015, 0.05
	goodSpeeds              = 1.3
	goodHalves, worstHalves = 0.97, 0.9
	goodSums                = 0.04
	// By regression halves have too few networks: of tables of 72 on a card that are 1.4%
	// off others they agree to 0.79 to 0.95 (docs/MEASURING.md).
	goodRegression, worstRegression = 0.75, 0.6
)

// measureContext is Measure in context.
func measureContext(ctx context.Context, s *model.Space, o MeasureOptions) (*LUT, error) {
	o.Passes, o.Slice = 0, 0
	o.Rounds = cmp.Or(o.Rounds, 1)
	given := o.Networks
	o.Networks = cmp.Or(o.Networks, contextNetworks)
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	columns := newColumns(s)
	header := o.header("context", s.Name, s.ImageSize, columns.keys)
	if err := checkNetworkMemory([]model.Architecture{s.Architecture(s.HeaviestPath())}, s.ImageSize, o); err != nil {
		return nil, err
	}
	v := o.visitor(s.ImageSize)
	v.bursts, v.traced = plainBursts, tracedBursts
	paths := networksToTime(s, maxNetworks, o.Seed) // also those of a longer run that is in the folder
	v.attribute = func(network int, nodes []string) ([]int, error) { return attribute(s, paths[network], nodes) }
	v.has = func(network, block int) bool { return s.Active(paths[network], block) }
	if err := v.openVisits(o.Folder, &header, s.NumBlocks()); err != nil {
		return nil, err
	}
	for _, opening := range v.openings {
		if len(opening.Traced) == 0 {
			v.traced = 0 // as found before
		}
	}
	lut, err := o.timeNetworks(ctx, v, columns, paths, given)
	if closed := v.close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	lut.Provenance.Name, lut.Provenance.Date = o.Name, header.Date
	return lut, nil
}

// timeNetworks looks at networks until the table is conclusive, or no more are
// made.
func (o MeasureOptions) timeNetworks(ctx context.Context, v *visitor, c *columns, paths []model.Path, given int) (*LUT, error) {
	archs := make([]model.Architecture, len(paths))
	for i, p := range paths {
		archs[i] = c.space.Architecture(p)
	}
	n := o.Networks
	untraced := func() {
		if v.traced > 0 {
			return
		}
		if given == 0 && n < regressionNetworks {
			n = regressionNetworks
		}
	}
	report := func(preparing bool) {
		untraced()
		p := v.progress(n * o.Rounds)
		p.Preparing = preparing
		o.Progress(p)
	}
	report(true)
	for more := 0; ; more++ {
		untraced()
		for round := 0; round < o.Rounds; round++ {
			for len(v.missing(n, round)) > 0 { // n grows where there turn out to be no traces
				err := v.round(ctx, archs[:n], round, func() {
					report(false)
					o.Partial(c.results(contextFit(c, paths, v.openings, false)))
				})
				if err != nil {
					return nil, err
				}
				untraced()
			}
		}
		lut, bad := o.contextTable(c, paths, v)
		q := lut.Quality
		if q.Disturbed == "" && q.Traced || !q.Traced && q.Halves >= goodRegression && q.NetworkError <= goodSums {
			return lut, nil
		}
		if more < mostMore && given == 0 {
			n += moreNetworks
			continue
		}
		if bad {
			return nil, fmt.Errorf("%w: %s", ErrInconclusive, lut.Quality.Disturbed)
		}
		return lut, nil
	}
}

// contextTable is the table of what was found, and whether it is too uncertain
// to be one.
func (o MeasureOptions) contextTable(c *columns, paths []model.Path, v *visitor) (lut *LUT, bad bool) {
	fit := contextFit(c, paths, v.openings, true)
	blocks := c.results(fit)
	networks := map[int]bool{}
	for _, opening := range v.openings {
		networks[opening.Network] = true
	}
	q := &Quality{Networks: len(networks), Traced: v.traced > 0, Speeds: fit.speeds, Halves: o.halves(c, paths, v.openings)}
	q.NetworkError = fit.sums
	q.StandardError, q.LevelError = Quantile(fit.error[:c.fixed()], 0.5), levelError(c, paths, v.openings, fit.ms)
	p := v.d.Provenance()
	p.Source, p.Method = "measured by binas-tui", InContext
	p.Space, p.ImageSize, p.ChannelMultiplier = c.space.Name, c.space.ImageSize, c.space.ChannelMultiplier
	lut = &LUT{Provenance: p, Blocks: blocks, Fixed: blocks[FixedKey], Quality: q}
	delete(blocks, FixedKey)

	var why []string
	if q.Traced && !(q.StandardError <= goodError) { // by regression blocks are uncertain and networks are not
		why = append(why, fmt.Sprintf("the blocks' standard error is %.2f%% (median; expected at most %.1f%%)", 100*q.StandardError, 100*goodError))
	}
	if !(q.Speeds <= goodSpeeds) {
		why = append(why, fmt.Sprintf("the device was %.2f times slower at some times than at others (expected at most %.1f)", q.Speeds, goodSpeeds))
	}
	if q.NetworkError > goodSums {
		why = append(why, fmt.Sprintf("networks take %.1f%% more or less than the sum of their blocks (median; expected at most %.0f%%), as where some of them do not fit in the caches", 100*q.NetworkError, 100*goodSums))
	}
	good, worst := goodHalves, worstHalves
	if !q.Traced {
		good, worst = goodRegression, worstRegression
	}
	if !(q.Halves >= good) {
		why = append(why, fmt.Sprintf("two halves of the networks agree to a Kendall tau of %.3f (expected at least %.2f)", q.Halves, good))
	}
	q.Disturbed = strings.Join(why, "; ")
	bad = q.Traced && !(q.StandardError <= worstError) || !(q.Halves >= worst)
	return lut, bad
}

// halves is how alike the tables of two halves of the openings rank networks of
// the space: Kendall's tau of 60 random ones.
func (o MeasureOptions) halves(c *columns, paths []model.Path, openings []opening) float64 {
	var half [2][]opening
	for _, opening := range openings {
		h := opening.Network / designPart % 2 // a part has every option of the first blocks
		half[h] = append(half[h], opening)
	}
	var predicted [2][]float64
	for h := range half {
		fit := contextFit(c, paths, half[h], true)
		for _, p := range RandomNetworks(c.space, 60, o.Seed) {
			predicted[h] = append(predicted[h], dot(c.row(p), fit.ms))
		}
	}
	for _, list := range predicted {
		for _, ms := range list {
			if math.IsNaN(ms) {
				return 0 // a half does not have every block
			}
		}
	}
	return model.KendallTau(predicted[0], predicted[1])
}

// levelError is the standard deviation of the device's level around the table's,
// as a fraction: the root mean square over the groups of networks that were open
// at once of how far what they took, where little disturbed them, is from what the
// table says. tableLevel counts as levelWeight groups.
func levelError(c *columns, paths []model.Path, openings []opening, columnMS []float64) float64 {
	var order []int64 // sums do not depend on the order of a map
	groups := map[int64][]float64{}
	for _, o := range openings {
		if groups[o.Group] == nil {
			order = append(order, o.Group)
		}
		tableMS := dot(c.row(paths[o.Network]), columnMS)
		groups[o.Group] = append(groups[o.Group], each(o.Bursts, func(b burst) float64 { return Quantile(b.RunsMS, 0) / tableMS })...)
	}
	sum := levelWeight * square(tableLevel)
	for _, group := range order {
		sum += square(Quantile(groups[group], lowQuantile) - 1)
	}
	return math.Sqrt(sum / (levelWeight + float64(len(order))))
}

// results are a fit as measurements by LUT key, FixedKey among them: of the
// columns that were timed.
func (c *columns) results(f blockFit) map[string]Measurement {
	out := map[string]Measurement{}
	for i, key := range c.keys {
		if ms := f.ms[i]; usable(ms) {
			out[key] = Measurement{MedianMS: ms, MinMS: f.least[i], Spread: f.spread[i], StandardErrorMS: f.error[i] * ms, Rounds: f.count[i]}
		}
	}
	return out
}

// visitor looks at networks with the options.
func (o MeasureOptions) visitor(imageSize int) *visitor {
	return &visitor{d: o.Device, imageSize: imageSize, seed: o.Seed, batch: o.Batch, now: o.now, warn: o.Warn}
}
