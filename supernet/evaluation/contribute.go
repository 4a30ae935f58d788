package evaluation

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// ContributeOptions say how the estimator is measured. Zero fields stand for the
// defaults.
type ContributeOptions struct {
	// Networks is the number of random networks that every decision is pinned in;
	// 0 is 10.
	Networks int
	// Images is the number of images that a network is asked about; 0 is 1,000.
	// Network r gets the images after those of network r-1.
	Images int
	Seed   uint64
	File   string // of records, which is gone on with where it is there
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
}

// Contribute measures the contributions of Eq. 5: the mean accuracy of random
// networks, and for each of the 255 decisions of the space that of the same
// networks with the decision pinned. All decisions of a network are asked about
// the same images, so that differences are free of what they share. Networks are
// finished one after the other: a file that is cut off is an estimator of fewer
// networks, and one that is done can be made longer.
//
// The original pins a decision in a random network for each batch of images, other
// ones for each decision.
func (e *Evaluator) Contribute(ctx context.Context, o ContributeOptions, j *job.Job) (*Contribution, error) {
	o, err := o.withDefaults()
	if err == nil {
		err = e.Check()
	}
	if err != nil {
		return nil, err
	}
	o.Images = min(o.Images, e.Images.Len())
	m := measurement{e: e, o: o, j: j, decisions: e.Space.Decisions(), clock: newClock(), known: map[string]float64{}}
	records, err := openRecords(o.File, e.info(model.ContributionsFormat, o.Seed, o.Images), func(data []byte) (model.EvaluationInfo, int, error) {
		info, have, whole, err := model.DecodeContributionRecords(e.Space, data)
		m.accuracies = have
		return info, whole, err
	})
	if err != nil {
		return nil, err
	}
	if n := m.done(); n > 0 {
		j.Log(fmt.Sprintf("%d measurements were there", n))
	}
	m.report(0)
	err = inOrder(ctx, j, m.done(), m.total(), e.threads(), m.measure, func(i int, accuracy float64) error {
		network, d := i/len(m.decisions), i%len(m.decisions)
		if err := records.add(model.EncodeContributionRecord(network, m.decisions[d], accuracy)); err != nil {
			return err
		}
		m.add(network, accuracy)
		return nil
	})
	if closeErr := records.close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	return m.result(o.Networks)
}

func (o ContributeOptions) withDefaults() (ContributeOptions, error) {
	if o.Networks == 0 {
		o.Networks = contributeNetworks
	}
	if o.Images == 0 {
		o.Images = contributeImages
	}
	if o.Networks < 1 || o.Images < 1 {
		return o, fmt.Errorf("contributions of %d networks on %d images: expected at least 1 of each", o.Networks, o.Images)
	}
	return o, nil
}

// measurement is a run of Contribute.
type measurement struct {
	e          *Evaluator
	o          ContributeOptions
	j          *job.Job
	decisions  []model.Decision
	accuracies [][]float64 // [network][decision]
	clock      *clock
	shown      int // networks in the last partial result

	mu    sync.Mutex
	known map[string]float64 // by number and string of a network
}

func (m *measurement) done() int {
	if len(m.accuracies) == 0 {
		return 0
	}
	last := len(m.accuracies) - 1
	return last*len(m.decisions) + len(m.accuracies[last])
}

func (m *measurement) total() int { return m.o.Networks * len(m.decisions) }

// measure evaluates the i-th network: network i/256 with decision i%256 pinned.
func (m *measurement) measure(ctx context.Context, i int) (float64, error) {
	network, d := i/len(m.decisions), m.decisions[i%len(m.decisions)]
	p := PinnedPath(m.e.Space, m.o.Seed, network, d)
	// One pinned decision in ten is what the network has anyway.
	key := fmt.Sprint(network, m.e.Space.Architecture(p))
	m.mu.Lock()
	accuracy, known := m.known[key]
	m.mu.Unlock()
	if known {
		return accuracy, nil
	}
	score, err := m.e.ask(ctx, p, network*m.o.Images%m.e.Images.Len(), m.o.Images)
	if err != nil {
		return 0, fmt.Errorf("%s of network %d: %w", d.Name, network, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if i%len(m.decisions) == 0 {
		clear(m.known)
	}
	m.known[key] = score.Top1
	return score.Top1, nil
}

// add takes the next measurement.
func (m *measurement) add(network int, accuracy float64) {
	if network == len(m.accuracies) {
		m.accuracies = append(m.accuracies, nil)
	}
	m.accuracies[network] = append(m.accuracies[network], accuracy)
	m.report(m.clock.left(m.total() - m.done()))
}

// report publishes how far the measurement is, and the estimator so far where
// another network is complete.
func (m *measurement) report(left time.Duration) {
	done := min(m.done(), m.total())
	if whole := done / len(m.decisions); whole > m.shown {
		m.shown = whole
		if c, err := m.result(whole); err == nil {
			m.j.Log(c.found())
			m.j.Partial(c)
		}
	}
	next := m.decisions[done%len(m.decisions)].Name
	m.j.Progress(done, m.total(), left, fmt.Sprintf("network %d of %d: %s", min(done/len(m.decisions)+1, m.o.Networks), m.o.Networks, next))
}

// result is the estimator of the first networks.
func (m *measurement) result(networks int) (*Contribution, error) {
	c, spread, n, err := model.NewContributions(m.e.Space, m.accuracies[:networks])
	if err != nil {
		return nil, err
	}
	return &Contribution{*c, *spread, n}, nil
}

// found says in a line what was measured so far.
func (c *Contribution) found() string {
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
