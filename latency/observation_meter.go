package latency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// How a Meter measures: a network is opened so many times, because where its
// memory lies changes it by a percent; each time it and the reference run in turn,
// in short bursts, so that what changes the speed of the machine changes both.
// Of all runs of a session the lower quartile counts: what a run takes that little
// disturbs.
const (
	meterSessions = 3
	meterBursts   = 8
	burstRuns     = 2
	meterQuantile = 0.25
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
	took, err := takeTurns(ctx, m.device, turns, time.Now)
	if err != nil {
		return 0, 0, err
	}
	var runs [2][]float64
	for i, t := range took {
		runs[i%2] = append(runs[i%2], t.RunsMS...)
	}
	return Quantile(runs[1], meterQuantile), Quantile(runs[0], meterQuantile), nil
}
