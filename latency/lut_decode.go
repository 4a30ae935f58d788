package latency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/pickle"
)

// ErrLUTFormat is wrapped by errors about bytes that are no latency table.
var ErrLUTFormat = errors.New("not a latency table")

// MaxLUTBytes bounds what DecodeLUT reads; a table of 120 keys is 10 to 30 kB.
const MaxLUTBytes = 8 << 20

// generalKey is the fixed part of the network in BINAS tables.
const generalKey = "general"

// slowBlockMS is the median latency of a block from which a table in seconds
// is taken for one in milliseconds: such a network would take 10 s an image.
const slowBlockMS = 500

const generalNote = "the fixed part comes from a BINAS table, whose \"general\" leaves conv_head out"

// DecodeLUT reads a latency table, recognised by its content: this program's
// JSON (milliseconds), a BINAS pickle (seconds), or JSON with the keys of a
// BINAS pickle (seconds). Of BINAS tables the space, image size and channel
// multiplier are inferred from the keys; entries that the space does not use
// (other expansions or resolutions) are kept. Errors wrap ErrLUTFormat and
// name the first entry that is wrong.
func DecodeLUT(data []byte) (*LUT, error) {
	if len(data) > MaxLUTBytes {
		return nil, fmt.Errorf("%w: %d bytes: expected at most %d", ErrLUTFormat, len(data), MaxLUTBytes)
	}
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		return decodeJSON(data)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: the file is empty", ErrLUTFormat)
	}
	if pickle.IsTorch(data) {
		return nil, fmt.Errorf("%w: found a torch checkpoint, expected a BINAS .pkl or this program's JSON", ErrLUTFormat)
	}
	v, err := pickle.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: found neither a JSON object nor a pickle of a dict: %w", ErrLUTFormat, err)
	}
	entries, err := pickle.Entries(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLUTFormat, err)
	}
	seconds := make(map[string]float64, len(entries))
	for _, e := range entries {
		if err := notSamples(e.Key); err != nil {
			return nil, err
		}
		s, ok := pickle.Float(e.Value)
		if !ok {
			return nil, fmt.Errorf("%w: %s is a %s: expected seconds (float)", ErrLUTFormat, quote(e.Key), pickle.TypeName(e.Value))
		}
		seconds[e.Key] = s
	}
	return fromSeconds(seconds, "BINAS .pkl")
}

// notSamples recognises the other dicts that BINAS pickles.
func notSamples(key string) error {
	switch {
	case strings.HasPrefix(key, "["):
		return fmt.Errorf("%w: found accuracies of sampled networks (an accuracy LUT), expected latencies of blocks", ErrLUTFormat)
	case strings.HasPrefix(key, "stage_"), key == "base":
		return fmt.Errorf("%w: found accuracy contributions, expected latencies of blocks", ErrLUTFormat)
	}
	return nil
}

// decodeJSON reads either JSON form; a "format" member tells them apart.
func decodeJSON(data []byte) (*LUT, error) {
	var head struct {
		Format  *string  `json:"format"`
		Version *float64 `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, jsonError("JSON", err)
	}
	if head.Format == nil {
		var seconds map[string]float64
		if err := json.Unmarshal(data, &seconds); err != nil {
			return nil, jsonError(`JSON without "format": expected seconds by block key`, err)
		}
		return fromSeconds(seconds, "BINAS table as JSON")
	}
	if *head.Format != lutFormat {
		return nil, fmt.Errorf("%w: format %s: expected %q", ErrLUTFormat, quote(*head.Format), lutFormat)
	}
	if head.Version == nil || *head.Version != lutVersion {
		found := "is missing"
		if head.Version != nil {
			found = fmt.Sprint(*head.Version)
		}
		return nil, fmt.Errorf("%w: version %s: this program reads version %d", ErrLUTFormat, found, lutVersion)
	}
	var f lutFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, jsonError("JSON", err)
	}
	if f.Fixed == nil {
		return nil, fmt.Errorf("%w: no \"fixed\" part", ErrLUTFormat)
	}
	if p := f.Provenance; p.Space != "" && p.ImageSize != 0 {
		if _, err := model.NewSpace(p.Space, p.ImageSize); err != nil {
			return nil, fmt.Errorf("%w: provenance: %w", ErrLUTFormat, err)
		}
	}
	l := &LUT{Provenance: f.Provenance, Blocks: f.Blocks, Fixed: *f.Fixed, Quality: f.Quality}
	if f.Calibration != nil {
		l.Calibration = *f.Calibration
	}
	return l, l.check()
}

// jsonError says what is wrong with JSON in its own terms, not in those of Go.
func jsonError(what string, err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%w: %s: byte %d: a %s does not belong there", ErrLUTFormat, what, kind.Offset, kind.Value)
	}
	return fmt.Errorf("%w: %s: %w", ErrLUTFormat, what, err)
}

// check reports the first entry of the table that is no measurement.
func (l *LUT) check() error {
	if len(l.Blocks) == 0 {
		return fmt.Errorf("%w: it has no blocks", ErrLUTFormat)
	}
	one := func(name string, m Measurement) error {
		if !usable(m.MedianMS) || !usable(m.MinMS) || !usable(m.Spread) || !usable(m.StandardErrorMS) || m.Rounds < 0 {
			return fmt.Errorf("%w: %s is %v ms (min %v, spread %v, standard error %v, rounds %d): expected numbers of at least 0",
				ErrLUTFormat, quote(name), m.MedianMS, m.MinMS, m.Spread, m.StandardErrorMS, m.Rounds)
		}
		return nil
	}
	for _, key := range l.sortedKeys() {
		if _, err := parseKey(key); err != nil {
			return err
		}
		if err := one(key, l.Blocks[key]); err != nil {
			return err
		}
	}
	if c := l.Calibration; !usable(c.Slope) || math.IsNaN(c.InterceptMS) || math.IsInf(c.InterceptMS, 0) {
		return fmt.Errorf("%w: calibration slope %v, intercept %v ms: expected finite numbers, slope at least 0", ErrLUTFormat, c.Slope, c.InterceptMS)
	}
	return one("fixed", l.Fixed)
}

func (l *LUT) sortedKeys() []string {
	keys := make([]string, 0, len(l.Blocks))
	for k := range l.Blocks {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// fromSeconds makes a LUT of BINAS's keys and seconds.
func fromSeconds(seconds map[string]float64, source string) (*LUT, error) {
	l := &LUT{Blocks: make(map[string]Measurement, len(seconds)), Provenance: Provenance{Source: source, Note: generalNote}}
	fixed, ok := seconds[generalKey]
	if !ok {
		return nil, fmt.Errorf("%w: no entry %q (the fixed part) among %d", ErrLUTFormat, generalKey, len(seconds))
	}
	l.Fixed.MedianMS = fixed * 1000
	medians := make([]float64, 0, len(seconds))
	for key, s := range seconds {
		if key == generalKey {
			continue
		}
		k, err := parseKey(key)
		if err != nil {
			return nil, err
		}
		if _, twice := l.Blocks[k.String()]; twice {
			return nil, fmt.Errorf("%w: %s is there twice", ErrLUTFormat, k)
		}
		l.Blocks[k.String()] = Measurement{MedianMS: s * 1000}
		medians = append(medians, s*1000)
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	slices.Sort(medians)
	if median := medians[len(medians)/2]; median >= slowBlockMS {
		return nil, fmt.Errorf("%w: BINAS tables are in seconds, and the median block takes %.4g s: were milliseconds written? (divide the table by 1000)",
			ErrLUTFormat, median/1000)
	}
	l.infer()
	return l, nil
}

// infer fills in space, image size and channel multiplier where exactly one
// space at one size has its first searched block in the table.
func (l *LUT) infer() {
	var found *model.Space
	for key := range l.Blocks {
		k, err := parseKey(key)
		if err != nil {
			continue
		}
		for _, name := range []string{model.MobileNASNet, model.MobileNASNetLarge} {
			s, err := model.NewSpace(name, 2*k.shape.Resolution)
			if err != nil {
				continue
			}
			first := s.Block(0)
			if k.shape.InChannels != first.InChannels || k.shape.OutChannels != first.OutChannels || k.shape.Stride != first.Stride {
				continue
			}
			if found != nil && (found.Name != s.Name || found.ImageSize != s.ImageSize) {
				return // several: the keys alone decide
			}
			found = s
		}
	}
	if found != nil {
		p := &l.Provenance
		p.Space, p.ImageSize, p.ChannelMultiplier = found.Name, found.ImageSize, found.ChannelMultiplier
	}
}

// quote shortens text from a file for a message.
func quote(s string) string { return fmt.Sprintf("%.120q", s) }
