package latency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// How a Meter measures: a network is opened so many times, because where its
// memory lies changes it by a percent; each time it and the reference run in turn,
// in short bursts, so that what changes the speed of the machine changes both.
// While other work slows the reference down for moments there are more bursts, and
// those count beside which the reference was quickest: the network's own time
// chooses nothing. Of their runs the lower quartile counts.
const (
	meterSessions = 3
	meterBursts   = 8 // that count,
	quietBursts   = 6 // so many of them undisturbed,
	mostBursts    = 3 * meterBursts
	burstRuns     = 2
	meterQuantile = 0.25
	meterQuiet    = 0.05 // the reference takes at most so much more than at its best
)

// Meter measures networks beside a reference network whose sessions stay open,
// so that what changes the speed of the machine changes both. It is for one
// goroutine.
type Meter struct {
	device    Device
	imageSize int
	reference []*session
	opening   string
}

// NewMeter opens the reference network on a device. Close it after use. opening
// is what its observations are marked with.
func NewMeter(ctx context.Context, d Device, s *model.Space, opening string) (*Meter, error) {
	if machine, here := d.(*Machine); here {
		if err := machine.checkMeterMemory(s); err != nil {
			return nil, err
		}
	}
	m := &Meter{device: d, imageSize: s.ImageSize, opening: opening}
	for range meterSessions {
		n, err := d.Open(ctx, s.Architecture(ReferenceNetwork(s)), s.ImageSize)
		if err == nil {
			m.reference = append(m.reference, &session{OpenNetwork: n})
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

// Observe measures a network: about half a second for one of 5 ms.
func (m *Meter) Observe(ctx context.Context, arch model.Architecture) (Observation, error) {
	o := Observation{Architecture: arch.String(), Opening: m.opening, Date: time.Now().UTC().Truncate(time.Second)}
	for _, reference := range m.reference {
		ms, referenceMS, err := m.session(ctx, arch, reference)
		if err != nil {
			return o, err
		}
		o.MS, o.ReferenceMS = append(o.MS, ms), append(o.ReferenceMS, referenceMS)
	}
	return o, nil
}

// session opens the network once and returns what it takes, and what the
// reference takes in between.
func (m *Meter) session(ctx context.Context, arch model.Architecture, reference *session) (ms, referenceMS float64, err error) {
	n, err := m.device.Open(ctx, arch, m.imageSize)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if _, err := n.Run(ctx, WarmUpRuns); err != nil {
		return 0, 0, err
	}
	var turns []turn
	network := &session{OpenNetwork: n}
	for range meterBursts {
		turns = append(turns, turn{session: reference, runs: burstRuns}, turn{session: network, runs: burstRuns})
	}
	var pairs [][2][]float64 // runs of the reference and of the network
	for len(pairs) < mostBursts && quiet(pairs) < quietBursts {
		took, err := takeTurns(ctx, m.device, turns, time.Now)
		if err != nil {
			return 0, 0, err
		}
		for i := 0; i < len(took); i += 2 {
			pairs = append(pairs, [2][]float64{took[i].RunsMS, took[i+1].RunsMS})
		}
	}
	slices.SortStableFunc(pairs, func(a, b [2][]float64) int { return cmp.Compare(Quantile(a[0], 0), Quantile(b[0], 0)) })
	var runs [2][]float64
	for _, p := range pairs[:meterBursts] {
		runs[0], runs[1] = append(runs[0], p[0]...), append(runs[1], p[1]...)
	}
	return Quantile(runs[1], meterQuantile), Quantile(runs[0], meterQuantile), nil
}

// quiet is how many of the bursts were beside a reference that little slowed down.
func quiet(pairs [][2][]float64) (n int) {
	referenceMS := each(pairs, func(p [2][]float64) float64 { return Quantile(p[0], 0) })
	most := (1 + meterQuiet) * Quantile(referenceMS, lowQuantile)
	for _, ms := range referenceMS {
		if ms <= most {
			n++
		}
	}
	return n
}
