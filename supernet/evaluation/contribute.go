package evaluation

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// ContributeOptions say how the estimator is measured. Zero fields stand for the
// defaults.
type ContributeOptions struct {
	// Networks is the number of random networks that every decision is pinned in;
	// 0 is 10.
	Networks int
	// Images is the number of images that a network is evaluated on; 0 is 1,000.
	// Network r gets the images after those of network r-1.
	Images int
	Seed   uint64
	File   string       // of records; an existing one is resumed
	Shard  *model.Shard // of the measurements, networks times decisions, that are made; nil: all
}

// Defaults of [ContributeOptions]. A pinned mean differs from the base by what
// the decision contributes, with a variance of (interaction + difference/Images)
// / Networks: interaction is how the contribution varies from network to network
// (about 1 point squared), difference how the answers of two networks differ from
// image to image (about 45² points squared where a fifth of the answers differ).
// An evaluation takes about as long as 300 images before the first is answered,
// so the least variance for a given time is near sqrt(45²·300/1) = 780 images.
const (
	contributeNetworks = 10
	contributeImages   = 1000
)

// Contribution is the estimator as far as it is measured: the result of
// [Evaluator.Contribute], also while it runs.
type Contribution struct {
	model.Contributions
	Spread   model.Contributions // standard errors, see model.NewContributions
	Networks int                 // that were measured with every decision
	// Measurements that were made, and Of how many; of a shard there is nothing else.
	Measurements, Of int
}

// Contribute measures the contributions of Eq. 5: the mean accuracy of random
// networks, and for each of the 255 decisions of the space that of the same
// networks with the decision pinned. All decisions of a network are evaluated on
// the same images, so that differences are free of what they share. Networks are
// finished one after the other: a file that is cut off is an estimator of fewer
// networks, and one that is done can be made longer. Of several ranks, all of which
// call it, rank 0 has file and estimator, the others nil.
//
// The original pins a decision in a random network for each batch of images, other
// ones for each decision.
func (e *Evaluator) Contribute(ctx context.Context, o ContributeOptions, j *job.Job) (*Contribution, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	o.Images = min(o.Images, e.Images.Len())
	m := measurement{e: e, o: o, j: j, decisions: e.Space.Decisions(), start: time.Now(), known: map[string]float64{}}
	decoder := model.NewContributionDecoder(e.Space)
	info := e.info(model.ContributionsFormat, o.Seed, o.Images, o.Networks, o.Shard)
	file, missing, err := e.begin(ctx, j, o.File, info, o.Networks*len(m.decisions), func(object []byte) (int, error) {
		network, d, accuracy, err := decoder.Decode(object)
		place := network*len(m.decisions) + d
		if err == nil && o.Shard.Has(place) {
			m.set(network, d, accuracy)
		}
		return place, err
	})
	if err != nil {
		return nil, err
	}
	m.missing = missing
	if n := m.total() - len(m.missing); n > 0 {
		j.Log(fmt.Sprintf("%d measurements were there", n))
	}
	m.report(0)
	err = overRanks(ctx, e.Ranks, j, len(m.missing), e.threads(), m.measure, func(_ int, accuracy float64) error {
		place := m.missing[m.done]
		network, d := place/len(m.decisions), place%len(m.decisions)
		if err := file.Add(place, model.ContributionRecord(network, m.decisions[d], accuracy)); err != nil {
			return err
		}
		m.set(network, d, accuracy)
		m.done++
		m.report(job.Left(time.Since(m.start), m.done, len(m.missing)-m.done))
		return nil
	})
	if err = e.noteUnreadable(j, closeRecords(file, err)); err != nil || file == nil {
		return nil, err
	}
	return m.result()
}

func (o ContributeOptions) withDefaults() (ContributeOptions, error) {
	o.Networks = cmp.Or(o.Networks, contributeNetworks)
	o.Images = cmp.Or(o.Images, contributeImages)
	if o.Networks < 1 || o.Images < 1 {
		return o, fmt.Errorf("contributions of %d networks on %d images: expected at least 1 of each", o.Networks, o.Images)
	}
	return o, nil
}

type measurement struct {
	e          *Evaluator
	o          ContributeOptions
	j          *job.Job
	decisions  []model.Decision
	accuracies [][]float64 // [network][decision]; NaN is not measured yet
	missing    []int       // places that were not there: network times decisions plus decision
	done       int         // of them
	start      time.Time
	shown      int // networks in the last partial result

	mu      sync.Mutex
	known   map[string]float64 // by number and string of a network
	knownOf int                // the last network in it
}

// total is the measurements to be made, those that were there among them.
func (m *measurement) total() int { return m.o.Shard.Share(m.o.Networks * len(m.decisions)) }

func (m *measurement) set(network, decision int, accuracy float64) {
	for len(m.accuracies) <= network {
		row := make([]float64, len(m.decisions))
		for i := range row {
			row[i] = math.NaN()
		}
		m.accuracies = append(m.accuracies, row)
	}
	m.accuracies[network][decision] = accuracy
}

// measure evaluates the k-th missing network: network place/256 with decision
// place%256 pinned.
func (m *measurement) measure(ctx context.Context, k int) (float64, error) {
	place := m.missing[k]
	network, d := place/len(m.decisions), m.decisions[place%len(m.decisions)]
	p := PinnedPath(m.e.Space, m.o.Seed, network, d)
	// One pinned decision in ten is what the network has anyway.
	key := fmt.Sprint(network, m.e.Space.Architecture(p))
	m.mu.Lock()
	accuracy, known := m.known[key]
	m.mu.Unlock()
	if known {
		return accuracy, nil
	}
	score, err := m.e.evaluate(ctx, p, network*m.o.Images%m.e.Images.Len(), m.o.Images)
	if err != nil {
		return 0, fmt.Errorf("%s of network %d: %w", d.Name, network, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if network > m.knownOf {
		clear(m.known)
		m.knownOf = network
	}
	m.known[key] = score.Top1
	return score.Top1, nil
}

// report publishes how far the measurement is, and the estimator so far where
// another network is complete.
func (m *measurement) report(left time.Duration) {
	done := m.total() - len(m.missing) + m.done
	next := m.o.Networks*len(m.decisions) - 1
	if m.done < len(m.missing) {
		next = m.missing[m.done]
	}
	if whole := done / len(m.decisions); whole > m.shown {
		if c, err := m.result(); err == nil && c.Networks > m.shown {
			m.shown = c.Networks
			m.j.Log(c.summary())
			m.j.Partial(c)
		}
	}
	network, d := next/len(m.decisions), m.decisions[next%len(m.decisions)]
	m.j.Progress(done, m.total(), left, fmt.Sprintf("network %d of %d: %s", network+1, m.o.Networks, d.Name))
}

// result is the estimator of the networks that are complete; a shard has none.
func (m *measurement) result() (*Contribution, error) {
	done := m.total() - len(m.missing) + m.done
	if m.o.Shard != nil {
		return &Contribution{Measurements: done, Of: m.total()}, nil
	}
	c, spread, n, err := model.NewContributions(m.e.Space, m.accuracies[:min(len(m.accuracies), m.o.Networks)])
	if err != nil {
		return nil, err
	}
	return &Contribution{*c, *spread, n, done, m.total()}, nil
}

// summary says in a line what was measured so far.
func (c *Contribution) summary() string {
	if c.Networks == 1 {
		return fmt.Sprintf("1 network: base %.2f %%", c.Base)
	}
	return fmt.Sprintf("%d networks: base %.2f %%, standard error of a contribution %.2f points", c.Networks, c.Base, c.MedianSpread())
}

// MedianSpread is the median of the standard errors of the contributions of
// options, in points; NaN for a single network.
func (c *Contribution) MedianSpread() float64 {
	if c.Networks < 2 {
		return math.NaN()
	}
	return latency.Quantile(c.Spread.Alpha, 0.5)
}
