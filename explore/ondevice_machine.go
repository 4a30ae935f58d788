package explore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/latency"
)

// DeviceOptions are those of the device that the table was measured on; what it
// does not say is as in [latency.DeviceOptions]. host is where it is, "" the table's.
func (e *Engine) DeviceOptions(host string) (o latency.DeviceOptions, err error) {
	p := e.LUT.Provenance
	if host == "" {
		if host, err = HostOf(p); err != nil {
			return o, fmt.Errorf("%w: %w", ErrOnDevice, err)
		}
	}
	if latency.CheckTarget(p.Device) != nil {
		return latency.DeviceOptions{}, fmt.Errorf("%w: the table was measured on %q, which cannot be measured here", ErrOnDevice, p.Device)
	}
	return latency.DeviceOptions{Host: host, Target: p.Device, Threads: p.Threads, Batch: p.Batch, Classes: e.NumClasses(), Precision: p.Precision}, nil
}

// KeepOn is [Engine.SearchOnDevice] on a device; what is observed is kept beside
// the table.
func (e *Engine) KeepOn(ctx context.Context, d latency.Device, r OnDevice) (kept Kept, err error) {
	if table, device := e.LUT.Provenance, d.Provenance(); device.Host != "" && table.Elsewhere(device) {
		return Kept{}, fmt.Errorf("%w: the table was measured on %s, the device is %s: measure a table on it first", ErrOnDevice, table.Machine(), device.Machine())
	}
	opening := time.Now().UTC().Format(time.RFC3339Nano) + "-" + strconv.Itoa(os.Getpid())
	meter, err := latency.NewMeter(ctx, d, e.Space, opening)
	if err != nil {
		return Kept{}, err
	}
	defer func() { err = errors.Join(err, meter.Close()) }()
	file, err := OpenObservations(e.LUT, latency.NewObservationHeader(e.LUTName, e.LUT, e.Space, d.Provenance(), e.NumClasses()))
	if err != nil {
		return Kept{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r.Measure, r.Observation = meter, file
	return e.SearchOnDevice(ctx, r)
}

// ParseConfidence reads a confidence with its unit, such as 95%: a fraction
// above a half and below 1.
func ParseConfidence(text string) (float64, error) {
	number, unit := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err == nil && !unit:
		return 0, fmt.Errorf("confidence %q has no unit: %g%%?", text, v)
	case err != nil || !(v > 50 && v <= 99.9):
		return 0, fmt.Errorf("confidence %q: expected more than 50%% and at most 99.9%%, for example 95%%", text)
	}
	return v / 100, nil
}
