package tui

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/devicetest"
	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
)

// onSimulated answers searches on the device by one that takes a fifth longer
// than the table says; each search waits for a go-ahead after its first
// measurement.
func (d measuringDriver) onSimulated(proceed <-chan struct{}) {
	d.Helper()
	hometest.Own(d, "XDG_DATA_HOME")
	e := d.engine
	device := devicetest.New(e.Space, 1)
	for b := range e.Space.NumBlocks() {
		for i, o := range e.Space.Options {
			device.BlockMS[e.Space.Block(b).LUTKey(o)] = 1.2 * e.Table.BlockMS[b*e.Space.NumOptions()+i]
		}
	}
	device.FixedMS = 1.2 * e.Table.FixedMS
	device.Interaction, device.Session, device.Noise = 0.007, 0.01, 0.01
	d.services.keep = func(ctx context.Context, _ string, s explore.Setup, r explore.OnDevice) (explore.Kept, error) {
		engine, err := explore.New(ctx, s)
		if err != nil {
			return explore.Kept{}, err
		}
		tell := r.Round
		r.Round = func(x explore.Round) {
			tell(x)
			if x.Number == 1 {
				select {
				case <-proceed:
				case <-ctx.Done():
				}
			}
		}
		return engine.KeepOn(ctx, hereDevice{device}, r)
	}
}

// hereDevice is a simulated device that says it is this processor.
type hereDevice struct{ *devicetest.Device }

func (h hereDevice) Provenance() latency.Provenance {
	p := h.Device.Provenance()
	p.Processor = latency.NewMachine(latency.MachineOptions{}).Provenance().Processor
	return p
}

func TestOnDeviceIsAJobWhoseAnswerIsAdopted(t *testing.T) {
	d := newMeasuringDriver(t, 150, 45)
	proceed := make(chan struct{})
	d.onSimulated(proceed)
	limit := d.limitMS
	d.press("O")
	for len(d.jobs) == 0 || len(d.jobs[0].Log) == 0 {
		d.send(<-d.messages)
	}
	d.mustSee("1. ")
	d.mustSee("by the table)")
	d.press("right") // the slider does not wait
	if d.limitMS == limit {
		t.Error("the slider stands still while it measures")
	}
	d.press("O")
	d.mustSee("is still running")
	close(proceed)
	d.until(job.Done)
	k := d.jobs[0].Result.(explore.Kept)
	d.mustSee("Kept on the device")
	d.mustSee(fmt.Sprintf("kept on the device: %s ms ±", d.ms(k.MeasuredMS)))
	d.mustSee("with 95% confidence, if the noise is as estimated")
	d.mustSee(fmt.Sprintf("%d measurements of %d networks", k.Measurements, k.Networks))
	if k.LimitMS != limit || k.MeasuredMS+k.MarginMS > limit {
		t.Errorf("%v ± %v ms keeps %v ms", k.MeasuredMS, k.MarginMS, k.LimitMS)
	}
	d.press("enter")
	if !d.hasSolution() || !reflect.DeepEqual(d.solution.Path.Depth, k.Path.Depth) || d.space().Architecture(d.solution.Path).String() != d.space().Architecture(k.Path).String() {
		t.Errorf("shown: %v", d.solution)
	}
	d.mustSee("kept on the device")
	d.mustSee("×1.")
	d.mustSee(fmt.Sprintf("latency %s ±", d.ms(d.solution.LatencyMS)))
	// Space in the jobs pane opens it again; U explores with the learnt table, unpinned.
	d.press("ctrl+u", "J", "space")
	d.mustSee("Kept on the device")
	d.press("U")
	if l := d.engine.LUT.Learnt; !(l.Level > 1.1 && l.Level < 1.3) || d.pinCount() != 0 {
		t.Errorf("level %v, %d pins", l.Level, d.pinCount())
	}
}

func TestOnDeviceGoesOnAfterItWasCancelled(t *testing.T) {
	d := newMeasuringDriver(t, 150, 45)
	proceed := make(chan struct{})
	d.onSimulated(proceed)
	d.press("O")
	for len(d.jobs) == 0 || len(d.jobs[0].Log) == 0 {
		d.send(<-d.messages)
	}
	d.press("X")
	d.until(job.Cancelled)
	close(proceed)
	d.press("J", "r")
	d.until(job.Done)
	k := d.jobs[len(d.jobs)-1].Result.(explore.Kept)
	if k.Measurements != len(k.Rounds)+1 {
		t.Errorf("%d measurements, %d since it was cancelled after one", k.Measurements, len(k.Rounds))
	}
}
