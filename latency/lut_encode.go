package latency

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/binas-tui/binas-tui/internal/pickle"
	"github.com/binas-tui/binas-tui/model"
)

// The name and version of this program's JSON.
const (
	lutFormat  = "binas-tui-lut"
	lutVersion = 1
)

// lutFile is the JSON form: milliseconds throughout.
type lutFile struct {
	Format      string             `json:"format"`
	Version     int                `json:"version"`
	Provenance  Provenance         `json:"provenance"`
	Fixed       *Measurement       `json:"fixed"`
	Calibration *Calibration       `json:"calibration,omitempty"`
	Quality     *Quality           `json:"quality,omitempty"`
	Blocks      byKey[Measurement] `json:"blocks"`
}

// EncodeLUT writes the table as JSON, indented, with the blocks in the order
// of their keys: equal tables give equal bytes. It refuses a table that
// [DecodeLUT] would.
func EncodeLUT(l *LUT) ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	f := lutFile{Format: lutFormat, Version: lutVersion, Provenance: l.Provenance, Fixed: &l.Fixed, Blocks: l.Blocks, Quality: l.Quality}
	if l.Calibration != (Calibration{}) {
		f.Calibration = &l.Calibration
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	return append(b, '\n'), nil
}

// EncodePickle writes the table as BINAS reads it: a pickled dict of seconds
// with the fixed part under "general". The form has room for nothing else;
// leftOut names what of l is not in it.
//
// The calibration is among what is left out: BINAS has a correction of its
// own, given on its command line.
func EncodePickle(l *LUT) (data []byte, leftOut []string, err error) {
	if err := l.check(); err != nil {
		return nil, nil, err
	}
	entries := make([]pickle.Entry, 0, len(l.Blocks)+1)
	details := false
	for _, key := range l.spaceOrder() {
		m := l.Blocks[key]
		details = details || m != Measurement{MedianMS: m.MedianMS}
		entries = append(entries, pickle.Entry{Key: key, Value: m.MedianMS / 1000})
	}
	entries = append(entries, pickle.Entry{Key: generalKey, Value: l.Fixed.MedianMS / 1000})
	if data, err = pickle.Encode(entries); err != nil {
		return nil, nil, fmt.Errorf("latency table: %w", err)
	}
	if c := l.Calibration; c.Set() {
		leftOut = append(leftOut, fmt.Sprintf("calibration (slope %.4g, intercept %.4g ms)", c.Slope, c.InterceptMS))
	}
	if details {
		leftOut = append(leftOut, "minima, spreads, standard errors and rounds")
	}
	if p := l.Provenance; p.Device != "" || p.Processor != "" || p.Runtime != "" || !p.Date.IsZero() {
		leftOut = append(leftOut, "provenance (device, processor, runtime, precision, date)")
	}
	return data, leftOut, nil
}

// spaceOrder lists the keys as BINAS does, by stage, block and option, where
// the table says its space; keys the space does not have follow in their own
// order.
func (l *LUT) spaceOrder() []string {
	keys := l.sortedKeys()
	s, err := model.NewSpace(l.Provenance.Space, l.Provenance.ImageSize)
	if err != nil {
		return keys
	}
	rank := map[string]int{} // below that of others, which is 0
	for i, d := range distinctBlocks(s) {
		rank[d.key] = i - s.NumAlphas()
	}
	slices.SortStableFunc(keys, func(a, b string) int { return rank[a] - rank[b] })
	return keys
}
