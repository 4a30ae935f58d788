package latency

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Observation is one measurement of one network on a device, beside a
// reference network that takes the machine's drift out.
type Observation struct {
	Architecture string `json:"architecture"`
	// MS and ReferenceMS are, for every session opened for the network, what its
	// runs take, and what the reference's runs in between do, in milliseconds: see
	// Meter.
	MS          []float64 `json:"ms"`
	ReferenceMS []float64 `json:"reference_ms"`
	// Opening tells apart the sessions of the reference: within one their layout
	// in memory is the same and cancels.
	Opening string    `json:"opening"`
	Search  string    `json:"search"` // which search it was made for
	Date    time.Time `json:"date"`
}

// SearchEnd is the mark of a search that has come to an answer.
type SearchEnd struct {
	Search string `json:"ended"`
}

// ObservationHeader is the first line of a file of observations: what they
// depend on. They count for a table on the device where they were made alone.
type ObservationHeader struct {
	Format    string         `json:"format"`
	Version   int            `json:"version"`
	Table     string         `json:"table"`      // name, for people
	TableHash string         `json:"table_hash"` // see [LUT.Hash]
	Space     string         `json:"space"`
	ImageSize int            `json:"image_size"`
	Host      string         `json:"host,omitempty"`
	Target    string         `json:"target"`
	Processor string         `json:"processor"`
	Runtime   string         `json:"runtime"`
	Threads   int            `json:"threads"`
	Batch     int            `json:"batch"`
	Classes   int            `json:"classes"`
	Precision onnx.Precision `json:"precision,omitempty"` // empty is fp32
	Reference string         `json:"reference"`           // architecture
}

// Observations are those of a file, in the order they were made.
type Observations struct {
	Header ObservationHeader
	Made   []Observation
	// Ended is, for every search that has come to an answer, how many
	// observations had been made by then.
	Ended map[string]int
}

// The form of the file.
const (
	observationFormat  = "binas-tui-observations"
	observationVersion = 1
)

// maxSessions bounds those of one measurement.
const maxSessions = 64

// ErrObservations is wrapped by errors about a file of observations that cannot
// be read.
var ErrObservations = errors.New("not a file of observations")

// ErrOtherDevice is wrapped by errors about observations that were made on
// another device, or in another way.
var ErrOtherDevice = errors.New("the observations are of another device")

// NewObservationHeader is that of observations of a table on a device.
func NewObservationHeader(name string, l *LUT, s *model.Space, device Provenance, classes int) ObservationHeader {
	return ObservationHeader{
		Format: observationFormat, Version: observationVersion, Table: name, TableHash: l.Hash(), Space: s.Name, ImageSize: s.ImageSize,
		Host: device.Host, Target: device.Device, Processor: device.Processor, Runtime: device.Runtime, Threads: device.Threads, Batch: device.Batch,
		Classes: classes, Precision: device.recordedPrecision(), Reference: s.Architecture(ReferenceNetwork(s)).String(),
	}
}

// Differs names the first setting in which observations of two headers differ;
// the name of the table is none. The error wraps [ErrOtherDevice].
func (h ObservationHeader) Differs(now ObservationHeader) error {
	for _, f := range []struct {
		name      string
		then, now any
	}{
		{"host", hostText(h.Host), hostText(now.Host)}, {"processor", h.Processor, now.Processor}, {"target", h.Target, now.Target}, {"runtime", h.Runtime, now.Runtime},
		{"threads", h.Threads, now.Threads}, {"batch", h.Batch, now.Batch}, {"classes", h.Classes, now.Classes},
		{"precision", h.Precision, now.Precision},
		{"space", h.Space, now.Space}, {"image size", h.ImageSize, now.ImageSize},
		{"table", h.TableHash, now.TableHash}, {"reference network", h.Reference, now.Reference},
	} {
		if f.then != f.now {
			return fmt.Errorf("%w: %s was %v, now it is %v", ErrOtherDevice, f.name, f.then, f.now)
		}
	}
	return nil
}

// OtherThan says in what observations differ from how a table was measured: ""
// where they do not, or the table does not say how it was.
func (h ObservationHeader) OtherThan(p Provenance) string {
	switch {
	case p.Elsewhere(Provenance{Host: h.Host, Processor: h.Processor}):
		return fmt.Sprintf("on %s, the table on %s", hostText(h.Host), hostText(p.Host))
	case p.Device != "" && p.Device != h.Target:
		return fmt.Sprintf("on %s, the table on %s", h.Target, p.Device)
	case p.Threads != 0 && p.Threads != h.Threads:
		return fmt.Sprintf("with threads %d, the table with %d", h.Threads, p.Threads)
	case p.Batch != 0 && p.Batch != h.Batch:
		return fmt.Sprintf("with batch %d, the table with %d", h.Batch, p.Batch)
	case p.recordedPrecision() != h.Precision:
		return fmt.Sprintf("in %s, the table in %s", cmp.Or(h.Precision, onnx.FP32), p.ComputesIn())
	}
	return ""
}

// ReferenceNetwork is the network that others are measured beside: of medium
// depth, with the option in the middle everywhere.
func ReferenceNetwork(s *model.Space) model.Path {
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = (s.MinDepth + s.MaxDepth) / 2
	}
	for b := range p.Option {
		if p.Option[b] = model.Off; s.Active(p, b) {
			p.Option[b] = s.NumOptions() / 2
		}
	}
	return p
}

// ReadObservations reads a file of observations. A line that a killed process
// did not finish is left out; one that is damaged is lost, and lost says so.
// Errors wrap [ErrObservations].
func ReadObservations(data []byte) (obs Observations, lost jsonl.Lost, err error) {
	result, err := jsonl.Reader{Header: obs.TakeHeader, Record: func(_ int, line []byte) error { return obs.Take(line) }}.Read(data)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrObservations, err)
	}
	return obs, result.Lost, err
}

// TakeHeader takes in the first line of a file, a JSON object.
func (obs *Observations) TakeHeader(object []byte) error {
	if err := json.Unmarshal(object, &obs.Header); err != nil {
		return err
	}
	return obs.Header.check()
}

func (h ObservationHeader) check() error {
	if h.Format != observationFormat || h.Version != observationVersion {
		return fmt.Errorf("format %s, version %d: expected %q, version %d", quote(h.Format), h.Version, observationFormat, observationVersion)
	}
	_, err := model.NewSpace(h.Space, h.ImageSize)
	return err
}

// Take takes in a line after the header, a JSON object: an observation or the
// end of a search.
func (obs *Observations) Take(object []byte) error {
	var line struct {
		Observation
		Ended *string `json:"ended"`
	}
	if err := json.Unmarshal(object, &line); err != nil {
		return err
	}
	if line.Ended != nil {
		obs.Finish(SearchEnd{*line.Ended})
		return nil
	}
	o := line.Observation
	if len(o.MS) == 0 || len(o.MS) > maxSessions || len(o.ReferenceMS) != len(o.MS) {
		return fmt.Errorf("%d latencies and %d of the reference: expected as many, 1 to %d", len(o.MS), len(o.ReferenceMS), maxSessions)
	}
	for _, ms := range slices.Concat(o.MS, o.ReferenceMS) {
		if !(ms > 0) || ms > maxMS {
			return fmt.Errorf("%v ms: expected more than 0 and at most %v", ms, float64(maxMS))
		}
	}
	obs.Made = append(obs.Made, o)
	return nil
}

// Finish notes that a search has come to an answer.
func (obs *Observations) Finish(end SearchEnd) {
	if obs.Ended == nil {
		obs.Ended = map[string]int{}
	}
	obs.Ended[end.Search] = len(obs.Made)
}

// Of are the observations of a search that has not come to an answer yet.
func (obs *Observations) Of(search string) []Observation {
	var out []Observation
	for _, o := range obs.Made[obs.Ended[search]:] {
		if o.Search == search {
			out = append(out, o)
		}
	}
	return out
}

// maxKnown bounds the networks that count, so that a posterior takes
// milliseconds: the newest.
const maxKnown = 200

// Known are the networks measured, with the drift of the machine taken out:
// every latency is stated for the machine as it was, on average, while the given
// opening of the reference lasted, or the last one where nothing was measured
// beside that yet. The reference itself is one of them. table says what the table predicts of a network, and
// how far it may be off (as KnownNetwork.Shape); networks it does not know are
// left out and counted.
func (obs *Observations) Known(opening string, table func(arch string) (tableMS, shape float64, ok bool)) (known []KnownNetwork, left int) {
	if len(obs.Made) == 0 {
		return nil, 0
	}
	if !slices.ContainsFunc(obs.Made, func(o Observation) bool { return o.Opening == opening }) {
		opening = obs.Made[len(obs.Made)-1].Opening
	}
	of, number := map[string]reference{}, map[string]int{opening: 0}
	for _, r := range obs.references() {
		if of[r.opening] = r; r.opening != opening {
			number[r.opening] = len(number)
		}
	}
	if ms, shape, ok := table(obs.Header.Reference); ok {
		known = append(known, KnownNetwork{ID: obs.Header.Reference, TableMS: ms, Shape: shape, MS: [][]float64{of[opening].ms}})
	}
	type key struct{ arch, opening string }
	at := map[key]int{}
	for i := len(obs.Made) - 1; i >= 0; i-- {
		o := obs.Made[i]
		scale := 1.0
		if o.Opening != opening {
			scale = of[opening].mean() / of[o.Opening].mean()
		}
		k := key{o.Architecture, o.Opening}
		if _, seen := at[k]; !seen {
			ms, shape, ok := table(o.Architecture)
			if !ok || len(known) >= maxKnown {
				left++
				continue
			}
			at[k] = len(known)
			known = append(known, KnownNetwork{ID: o.Architecture, TableMS: ms, Shape: shape, Opening: number[o.Opening]})
		}
		ms := make([]float64, len(o.MS))
		for s := range ms {
			ms[s] = o.MS[s] * of[o.Opening].ms[s] / o.ReferenceMS[s] * scale
		}
		n := &known[at[k]]
		n.MS = append(n.MS, ms)
	}
	return known, left
}

// reference is the reference network in one opening.
type reference struct {
	opening string
	ms      []float64 // by session, the mean of what it took
}

func (r reference) mean() float64 { return stat.Mean(r.ms, nil) }

// references are those of the openings, in the order of their first observation.
func (obs *Observations) references() []reference {
	var out []reference
	var counts [][]float64
	at := map[string]int{}
	for _, o := range obs.Made {
		k, seen := at[o.Opening]
		if !seen {
			k = len(out)
			at[o.Opening] = k
			out, counts = append(out, reference{opening: o.Opening}), append(counts, nil)
		}
		for i, ms := range o.ReferenceMS {
			if i == len(counts[k]) {
				out[k].ms, counts[k] = append(out[k].ms, 0), append(counts[k], 0)
			}
			counts[k][i]++
			out[k].ms[i] += (ms - out[k].ms[i]) / counts[k][i]
		}
	}
	return out
}

// wander is how far the level of the device may be from that of the last opening
// in another one, as a fraction, when so much time has passed: by how much the
// reference differed between openings, tableLevel counting as levelWeight of them,
// with a variance that doubles in a day and ends at that of the prior.
func (obs *Observations) wander(age time.Duration) float64 {
	levels := each(obs.references(), reference.mean)
	variance := levelWeight * square(tableLevel)
	for _, ms := range levels {
		variance += square(ms/stat.Mean(levels, nil) - 1)
	}
	variance /= float64(levelWeight + len(levels) - 1)
	return math.Sqrt(max(variance, min(variance*(1+age.Hours()/24), square(DefaultPrior.Level))))
}

// MeanMS is the mean of a measurement as it was, the drift not taken out.
func (o Observation) MeanMS() float64 { return stat.Mean(o.MS, nil) }
