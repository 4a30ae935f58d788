package latency

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// How a Meter measures: a network is opened so many times, because where its
// memory lies changes it by a percent; each time it and the reference run in
// turn, in bursts whose first run, in the other's caches, does not count.
const (
	meterSessions = 3
	meterBursts   = 2
	burstRuns     = 3
	// A session in whose bursts the reference or the network differs by more
	// than this is measured again, at most so often for one network.
	maxBurstRatio = 1.1
	meterRetries  = 6
)

// Meter measures networks beside a reference network whose sessions stay open,
// so that what changes the speed of the machine changes both. It is for one
// goroutine.
type Meter struct {
	device    Device
	imageSize int
	reference []OpenNetwork
	opening   string

	withoutReference bool // of tests: what drift does
}

// NewMeter opens the reference network on a device. Close it after use. opening
// is what its observations are marked with.
func NewMeter(ctx context.Context, d Device, s *model.Space, opening string) (*Meter, error) {
	m := &Meter{device: d, imageSize: s.ImageSize, opening: opening}
	for range meterSessions {
		n, err := d.Open(ctx, s.Architecture(ReferenceNetwork(s)), s.ImageSize)
		if err == nil {
			m.reference = append(m.reference, n)
			_, err = n.Run(ctx, WarmUpRuns)
		}
		if err != nil {
			m.Close()
			return nil, fmt.Errorf("reference network: %w", err)
		}
	}
	return m, nil
}

// Opening is what the observations are marked with.
func (m *Meter) Opening() string { return m.opening }

// Close frees the reference network.
func (m *Meter) Close() error {
	var err error
	for _, n := range m.reference {
		err = errors.Join(err, n.Close())
	}
	m.reference = nil
	return err
}

// Observe measures a network: a third of a second for one of 5 ms. Where the
// machine is disturbed all the time the error wraps [ErrInconclusive].
func (m *Meter) Observe(ctx context.Context, arch model.Architecture) (Observation, error) {
	o := Observation{Architecture: arch.String(), Opening: m.opening, Date: time.Now().UTC().Truncate(time.Second)}
	retries := 0
	for i := 0; i < len(m.reference); {
		ms, reference, err := m.session(ctx, arch, m.reference[i])
		switch {
		case errors.Is(err, errDisturbed) && retries < meterRetries:
			retries++
			continue
		case errors.Is(err, errDisturbed):
			return o, fmt.Errorf("%w: %w %d times in a row: something else uses the device, or its clock varies", ErrInconclusive, err, retries+1)
		case err != nil:
			return o, err
		}
		if m.withoutReference {
			reference = 1
		}
		o.MS, o.ReferenceMS = append(o.MS, ms), append(o.ReferenceMS, reference)
		i++
	}
	return o, nil
}

var errDisturbed = fmt.Errorf("within a tenth of a second the speed changed by more than %.0f%%", 100*(maxBurstRatio-1))

// session opens the network once and returns the median of its runs and of the
// reference's in between.
func (m *Meter) session(ctx context.Context, arch model.Architecture, reference OpenNetwork) (ms, referenceMS float64, err error) {
	n, err := m.device.Open(ctx, arch, m.imageSize)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if _, err := n.Run(ctx, WarmUpRuns); err != nil {
		return 0, 0, err
	}
	var runs [2][]float64
	for range meterBursts {
		for i, which := range []OpenNetwork{reference, n} {
			burst, err := which.Run(ctx, 1+burstRuns)
			if err != nil {
				return 0, 0, err
			}
			runs[i] = append(runs[i], burst[1:]...)
		}
	}
	for _, r := range runs {
		first, second := Quantile(r[:burstRuns], 0.5), Quantile(r[burstRuns:], 0.5)
		if !(math.Abs(math.Log(first/second)) < math.Log(maxBurstRatio)) {
			return 0, 0, errDisturbed
		}
	}
	return Quantile(runs[1], 0.5), Quantile(runs[0], 0.5), nil
}
