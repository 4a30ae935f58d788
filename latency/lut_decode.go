package latency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/pickle"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// ErrLUTFormat is wrapped by errors about bytes that are no latency table.
var ErrLUTFormat = errors.New("not a latency table")

// Bounds of the tables that are read: one of 120 keys is 10 to 30 kB.
const (
	MaxLUTBytes = 8 << 20
	maxEntries  = 10_000
)

// generalKey is the fixed part of the network in BINAS tables.
const generalKey = "general"

const generalNote = "the fixed part comes from a BINAS table, whose \"general\" leaves conv_head out"

// Unit is the unit of the numbers in a BINAS table.
type Unit string

// Units of BINAS tables: seconds, as BINAS writes them, or what somebody else may
// have written.
const (
	Seconds      Unit = "s"
	Milliseconds Unit = "ms"
)

// ms is how many milliseconds the unit has.
func (u Unit) ms() float64 {
	if u == Milliseconds {
		return 1
	}
	return 1000
}

// DecodeLUT reads a latency table, recognised by its content: this program's
// JSON (milliseconds), a BINAS pickle (seconds), or JSON with the keys of a
// BINAS pickle (seconds). Of BINAS tables the space, image size and channel
// multiplier are inferred from the keys; entries that the space does not use
// (other expansions or resolutions) are kept; one whose blocks are too slow to be
// in seconds is refused. Errors wrap ErrLUTFormat and name the first entry that is
// wrong.
func DecodeLUT(data []byte) (*LUT, error) { return decodeLUT(data, "") }

// DecodeLUTIn is [DecodeLUT] for a BINAS table whose unit is known, whatever its
// numbers look like.
func DecodeLUTIn(unit Unit, data []byte) (*LUT, error) {
	if unit != Seconds && unit != Milliseconds {
		return nil, fmt.Errorf("unit %.40q of a latency table: expected s or ms", string(unit))
	}
	return decodeLUT(data, unit)
}

// decodeLUT reads a table; unit is empty where nobody has said it.
func decodeLUT(data []byte, unit Unit) (*LUT, error) {
	data = sanitize.TrimBOM(data)
	if len(data) > MaxLUTBytes {
		return nil, fmt.Errorf("%w: %d bytes: expected at most %d", ErrLUTFormat, len(data), MaxLUTBytes)
	}
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		return decodeJSON(data, unit)
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
	if err := checkEntries(pickle.Len(v)); err != nil {
		return nil, err
	}
	entries, err := pickle.Entries(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLUTFormat, err)
	}
	numbers := make(map[string]float64, len(entries))
	for _, e := range entries {
		if err := notSamples(e.Key); err != nil {
			return nil, err
		}
		n, ok := pickle.Float(e.Value)
		if !ok {
			return nil, fmt.Errorf("%w: %s is a %s: expected seconds (float)", ErrLUTFormat, quote(e.Key), pickle.TypeName(e.Value))
		}
		numbers[e.Key] = n
	}
	return fromBINAS(numbers, "BINAS .pkl", unit)
}

func checkEntries(n int) error {
	if n > maxEntries {
		return fmt.Errorf("%w: more than %d entries", ErrLUTFormat, maxEntries)
	}
	return nil
}

// byKey is a JSON object with a bounded number of values, each key once.
type byKey[V any] map[string]V

// UnmarshalJSON implements [json.Unmarshaler]: it stops at the first entry too many.
func (t *byKey[V]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if *t = (byKey[V]{}); data[0] != '{' {
		return errors.New("expected an object of block keys")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.Token() // {
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name := key.(string) // keys of objects are strings
		if _, twice := (*t)[name]; twice {
			return fmt.Errorf("%w: %s is there twice", ErrLUTFormat, quote(name))
		}
		var v *V
		if err := d.Decode(&v); err != nil {
			var kind *json.UnmarshalTypeError
			if errors.As(err, &kind) {
				err = fmt.Errorf("a %s does not belong there", kind.Value)
			}
			return fmt.Errorf("%s: %w", quote(name), err)
		}
		if v == nil {
			return fmt.Errorf("%s is null", quote(name))
		}
		if (*t)[name] = *v; len(*t) > maxEntries {
			return checkEntries(len(*t))
		}
	}
	return nil
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
func decodeJSON(data []byte, unit Unit) (*LUT, error) {
	var head struct {
		Format  *string  `json:"format"`
		Version *float64 `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, jsonError("JSON", err)
	}
	if head.Format == nil {
		var numbers byKey[float64]
		if err := json.Unmarshal(data, &numbers); err != nil {
			return nil, jsonError(`JSON without "format": expected seconds by block key`, err)
		}
		return fromBINAS(numbers, "BINAS table as JSON", unit)
	}
	if unit != "" {
		return nil, fmt.Errorf("%w: a unit was given, and this program's own tables are in milliseconds", ErrLUTFormat)
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
	if err := f.Provenance.check(); err != nil {
		return nil, fmt.Errorf("%w: provenance: %w", ErrLUTFormat, err)
	}
	l := &LUT{Provenance: f.Provenance, Blocks: f.Blocks, Fixed: *f.Fixed, Quality: f.Quality}
	if f.Calibration != nil {
		l.Calibration = *f.Calibration
	}
	return l, l.check()
}

// check refuses what no table was measured with; searches on the device measure
// with it anew.
func (p Provenance) check() error {
	for _, n := range []struct {
		name        string
		value, most int
	}{{"threads", p.Threads, MaxThreads}, {"batch", p.Batch, MaxBatch}, {"image_size", p.ImageSize, model.MaxImageSize}} {
		if n.value < 0 || n.value > n.most {
			return fmt.Errorf("%s %d: expected 0 to %d", n.name, n.value, n.most)
		}
	}
	if _, err := onnx.ParsePrecision(string(p.Precision)); err != nil {
		return err
	}
	if p.Host != "" {
		if err := ssh.CheckHost(p.Host); err != nil {
			return err
		}
	}
	if p.Space == "" || p.ImageSize == 0 {
		return nil
	}
	s, err := model.NewSpace(p.Space, p.ImageSize)
	if err == nil && p.ChannelMultiplier != 0 && p.ChannelMultiplier != s.ChannelMultiplier {
		err = fmt.Errorf("channel_multiplier %v: expected %v, that of %s", p.ChannelMultiplier, s.ChannelMultiplier, s.Name)
	}
	return err
}

// jsonError says what is wrong with JSON in its own terms, not in those of Go.
func jsonError(what string, err error) error {
	if errors.Is(err, ErrLUTFormat) {
		return err
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%w: %s: byte %d: a %s does not belong there", ErrLUTFormat, what, kind.Offset, kind.Value)
	}
	return fmt.Errorf("%w: %s: %w", ErrLUTFormat, what, err)
}

// Bounds of what is measured: of the latency of a block or network, what its
// slowest block takes at least, and of a standard error as a fraction of it.
const (
	maxMS    = 1e7
	minMS    = 1e-6
	maxError = 10
)

// check reports the first entry of the table that is no measurement.
func (l *LUT) check() error {
	if len(l.Blocks) == 0 {
		return fmt.Errorf("%w: it has no blocks", ErrLUTFormat)
	}
	slowest := 0.0 // of the blocks
	one := func(name string, m Measurement) error {
		if !usable(m.MedianMS) || !usable(m.MinMS) || !usable(m.Spread) || !usable(m.StandardErrorMS) || m.Rounds < 0 {
			return fmt.Errorf("%w: %s is %v ms (min %v, spread %v, standard error %v, rounds %d): expected numbers of at least 0",
				ErrLUTFormat, quote(name), m.MedianMS, m.MinMS, m.Spread, m.StandardErrorMS, m.Rounds)
		}
		if m.MedianMS > maxMS || m.StandardErrorMS > maxError*m.MedianMS {
			return fmt.Errorf("%w: %s is %v ms with a standard error of %v ms: expected at most %v ms, and an error of at most %d times that",
				ErrLUTFormat, quote(name), m.MedianMS, m.StandardErrorMS, float64(maxMS), maxError)
		}
		slowest = max(slowest, m.MedianMS)
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
	if slowest < minMS {
		return fmt.Errorf("%w: all %d blocks are below %v ms", ErrLUTFormat, len(l.Blocks), minMS)
	}
	if c := l.Calibration; c != (Calibration{}) && !(c.Slope >= 1/maxSlope && c.Slope <= maxSlope &&
		c.Slope*l.Fixed.MedianMS+c.InterceptMS >= -roundingMS && c.InterceptMS <= maxMS) {
		return fmt.Errorf("%w: calibration slope %v, intercept %v ms: expected a slope of %v to %v and an intercept that leaves the fixed part, %v ms, at least 0",
			ErrLUTFormat, c.Slope, c.InterceptMS, 1/maxSlope, maxSlope, l.Fixed.MedianMS)
	}
	if q := l.Quality; q != nil {
		if q.Networks < 0 || !(q.Halves >= -1 && q.Halves <= 1) {
			return fmt.Errorf("%w: quality: networks %d, halves_kendall %v: expected at least 0, and -1 to 1", ErrLUTFormat, q.Networks, q.Halves)
		}
		for i, v := range []float64{q.StandardError, q.Speeds, q.LevelError, q.NetworkError} {
			if !(v >= 0 && v <= maxSlope) {
				return fmt.Errorf("%w: quality: %s %v: expected 0 to %v", ErrLUTFormat, []string{"standard_error", "speeds", "level_error", "network_error"}[i], v, maxSlope)
			}
		}
	}
	return one("fixed", l.Fixed)
}

// What a calibration may be: its slope, and what of the fixed part rounding takes.
const (
	maxSlope   = 1000.0
	roundingMS = 1e-6
)

func (l *LUT) sortedKeys() []string {
	keys := make([]string, 0, len(l.Blocks))
	for k := range l.Blocks {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// fromBINAS makes a LUT of BINAS's keys and numbers; where nobody has said their
// unit they are seconds, if that can be.
func fromBINAS(numbers map[string]float64, source string, unit Unit) (*LUT, error) {
	l := &LUT{Blocks: make(map[string]Measurement, len(numbers)), Provenance: Provenance{Source: source, Note: generalNote}}
	fixed, ok := numbers[generalKey]
	if !ok {
		return nil, fmt.Errorf("%w: no entry %q (the fixed part) among %d", ErrLUTFormat, generalKey, len(numbers))
	}
	l.Fixed.MedianMS = fixed * unit.ms()
	if unit == Milliseconds {
		l.Provenance.Note += "; its numbers were read as milliseconds"
	}
	for key, n := range numbers {
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
		l.Blocks[k.String()] = Measurement{MedianMS: n * unit.ms()}
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	l.infer()
	if unit == "" {
		return l, l.checkSeconds()
	}
	return l, nil
}

// The slowest device that is believed: what a block takes without computing, and
// for each multiply-accumulate (two thousand million in a second).
const (
	slowestBlockMS = 5
	slowestMACMS   = 1e3 / 2e9
)

// checkSeconds refuses a BINAS table that is too slow to be in seconds. It looks at
// the sum over all kinds of blocks of the mean over their options: one block would
// do for a slow device, and one slow option on a fast one.
func (l *LUT) checkSeconds() error {
	type kind struct{ ms, macs, options float64 }
	kinds := map[model.BlockShape]kind{}
	for key, m := range l.Blocks {
		k, err := parseKey(key)
		if err != nil {
			return err
		}
		code := model.BlockCode{Type: model.InvertedResidual, Repeats: 1, Kernel: k.option.Kernel, Stride: max(k.shape.Stride, 1),
			Expansion: k.option.Expansion, Channels: k.shape.OutChannels, SERatio: k.option.SERatio}
		sum := kinds[k.shape]
		sum.ms += m.MedianMS
		sum.macs += float64(code.Cost(k.shape.InChannels, k.shape.Resolution).MACs)
		sum.options++
		kinds[k.shape] = sum
	}
	var ms, slowest float64
	for _, k := range kinds {
		ms += k.ms / k.options
		slowest += slowestBlockMS + slowestMACMS*k.macs/k.options
	}
	if ms <= slowest {
		return nil
	}
	at := ""
	if n := l.Provenance.ImageSize; n > 0 {
		at = fmt.Sprintf(" at %d pixels", n)
	}
	return fmt.Errorf("%w: its unit is not clear: in seconds, as BINAS writes them, the %d kinds of blocks take %.3g s together%s (expected at most %.2g s), in milliseconds %.3g ms: "+
		"were milliseconds written? Say which it is: binas-tui lut convert --unit ms IN OUT.json, or --unit s", ErrLUTFormat, len(kinds), ms/1000, at, slowest/1000, ms/1000)
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
