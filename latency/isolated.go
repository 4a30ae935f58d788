package latency

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// measureIsolated measures every block alone.
//
// A round opens all blocks anew and makes passes over them, in a new random
// order each time, one run a block: as in a network, the input of a block has
// just been written and its weights are not in the near caches. The tenth
// percentile of a block's runs is its latency in the round, what it takes when
// nothing interrupts it; MedianMS is the median over rounds. A sentinel block
// is measured after every pass; where its median, or the sum over the table,
// is more than MaxRatio above its best ever, something else had the device and
// the round is made again.
//
// A network is run once, not once a block: what a run of a model takes that
// does nothing is measured in the same way and taken off every block, not off
// the fixed part.
func measureIsolated(ctx context.Context, s *model.Space, o MeasureOptions) (*LUT, error) {
	o.Passes = cmp.Or(o.Passes, tablePasses)
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	if _, here := o.Device.(*Machine); !here {
		return nil, fmt.Errorf("%w: blocks alone are measured on this machine, not on %s", ErrNotHere, o.Device.Provenance().Host)
	}
	if o.Precision != onnx.FP32 {
		return nil, fmt.Errorf("%w: blocks alone are measured in %s, not in %s: measure them in context", ErrNotHere, onnx.FP32, o.Precision)
	}
	if err := checkTableMemory(s, o); err != nil {
		return nil, err
	}
	tasks := spaceTasks(s, o)
	header := o.header("table", s.Name, s.ImageSize, taskKeys(tasks))
	partial := o.Partial
	o.Partial = func(results map[string]Measurement) { partial(withoutOverhead(results)) }
	m := &measurer{o: o, tasks: tasks, sentinel: sentinelOf(tasks)}
	started, err := m.run(ctx, header)
	if err != nil {
		return nil, err
	}
	results := withoutOverhead(m.results())
	lut := &LUT{
		Provenance: Provenance{
			Name: o.Name, Source: "measured by binas-tui", Method: Isolated, Device: string(o.Target), Processor: header.Processor,
			Runtime: header.Runtime, Threads: o.Threads, Batch: o.Batch, Precision: o.Precision, Space: s.Name, ImageSize: s.ImageSize,
			ChannelMultiplier: s.ChannelMultiplier, Date: started,
		},
		Blocks: results, Fixed: results[FixedKey],
	}
	delete(results, FixedKey)
	return lut, nil
}

// withoutOverhead takes the overhead of a run off every block and drops it from
// the results.
func withoutOverhead(results map[string]Measurement) map[string]Measurement {
	overhead := results[overheadKey].MedianMS
	delete(results, overheadKey)
	for key, m := range results {
		if key == FixedKey || m.MedianMS <= 0 {
			continue
		}
		left := max(m.MedianMS-overhead, 0)
		if left > 0 {
			m.Spread *= m.MedianMS / left // the quartiles are as far apart as before
		}
		m.MedianMS, m.MinMS = left, max(m.MinMS-overhead, 0)
		results[key] = m
	}
	return results
}

func taskKeys(tasks []task) []string {
	var keys []string
	for _, t := range tasks {
		keys = append(keys, t.key)
	}
	return keys
}

// record is the rounds of isolated blocks, in memory and, with a folder, on disk.
type record struct {
	header measureHeader
	rounds []roundResult
	file   *records.File // nil without a folder
}

// openRecord opens the record of a folder, or begins one. lost is what was
// damaged there.
func openRecord(folder string, header measureHeader) (r *record, lost string, err error) {
	r = &record{header: header}
	if folder == "" {
		return r, "", nil
	}
	r.file, err = openRecords(folder, &r.header, func(object []byte) (int, error) {
		var round roundResult
		if err := strictJSON(object, &round); err != nil {
			return 0, err
		}
		if err := round.check(header.Tasks); err != nil {
			return 0, err
		}
		r.rounds = append(r.rounds, round)
		return len(r.rounds) - 1, nil
	})
	if err != nil {
		return nil, "", err
	}
	return r, r.file.Lost.String(), nil
}

// check refuses numbers that no measurement gives.
func (r roundResult) check(tasks int) error {
	if len(r.MS) != tasks || len(r.Sentinel) == 0 {
		return fmt.Errorf("%d values and %d of the sentinel: expected %d and at least 1", len(r.MS), len(r.Sentinel), tasks)
	}
	for _, list := range [][]float64{r.MS, r.Sentinel} {
		for _, v := range list {
			if !(v >= 0) || math.IsInf(v, 1) {
				return fmt.Errorf("%v ms: expected at least 0", v)
			}
		}
	}
	return nil
}

// add keeps a round.
func (r *record) add(round roundResult) error {
	if r.file != nil {
		if err := r.file.Add(len(r.rounds), round); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	r.rounds = append(r.rounds, round)
	return nil
}

func (r *record) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
