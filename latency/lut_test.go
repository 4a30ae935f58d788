package latency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/pickle"
	"github.com/binas-tui/binas-tui/model"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustSpace(t testing.TB, name string, size int) *model.Space {
	t.Helper()
	s, err := model.NewSpace(name, size)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBINASTables reads tables that the original measured, here and elsewhere.
func TestBINASTables(t *testing.T) {
	s := mustSpace(t, model.MobileNASNet, 224)
	const key = "in_channels_16_out_channels_24_stride_2_resolution_112_er_3_k_3_se_0_act_1"
	for file, firstMS := range map[string]float64{
		"lut.pkl": 3.2022619247436524, "lut.json": 3.2022619247436524,
		"device_a.pkl": 0.6119465827941895, "device_b.pkl": 7.306237220764161,
	} {
		l, err := DecodeLUT(golden(t, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if p := l.Provenance; p.Space != s.Name || p.ImageSize != 224 || p.ChannelMultiplier != 1 || !strings.Contains(p.Note, "conv_head") {
			t.Errorf("%s: provenance %+v", file, p)
		}
		if len(l.Blocks) != 120 {
			t.Errorf("%s: %d blocks, expected 120", file, len(l.Blocks))
		}
		if got := l.Blocks[key].MedianMS; math.Abs(got-firstMS) > 1e-9 {
			t.Errorf("%s: the first block takes %v ms, expected %v", file, got, firstMS)
		}
		table, err := l.Table(s)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if table.BlockMS[0] != l.Blocks[key].MedianMS || table.FixedMS != l.Fixed.MedianMS {
			t.Errorf("%s: table starts with %v, fixed %v", file, table.BlockMS[0], table.FixedMS)
		}
		if _, err := l.Table(mustSpace(t, model.MobileNASNet, 32)); !errors.Is(err, ErrLUTMismatch) {
			t.Errorf("%s: 32 pixels: %v", file, err)
		}
		if _, err := l.Table(mustSpace(t, model.MobileNASNetLarge, 224)); !errors.Is(err, ErrLUTMismatch) {
			t.Errorf("%s: the large space: %v", file, err)
		}
	}
}

// TestLatencyAgainstOriginal compares sums over the table with those that the
// original stored with its samples (lut.pkl, float16 inside).
func TestLatencyAgainstOriginal(t *testing.T) {
	s := mustSpace(t, model.MobileNASNet, 224)
	l, err := DecodeLUT(golden(t, "lut.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := l.Table(s)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.PathFromLogits([]int{0, 5, 0, 3, 11, 1, 3, 5, 2, 4, 2, 8, 8, 10, 1, 2, 7, 7, 8, 1, 1, 9, 8, 9, 4})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := table.LatencyMS(s, p), 26.955273151397702; math.Abs(got/want-1) > 2e-3 {
		t.Errorf("latency %v ms, the original's %v", got, want)
	}
}

// randomLUT is a table of a space with values in every field.
func randomLUT(r *rand.Rand, s *model.Space) *LUT {
	l := &LUT{
		Blocks: map[string]Measurement{},
		Fixed:  Measurement{MedianMS: r.ExpFloat64(), MinMS: r.Float64(), Spread: r.Float64(), Rounds: r.IntN(100)},
		Provenance: Provenance{
			Name: "n", Source: "binas-tui", Device: "cpu", Processor: "a \"processor\"", Runtime: "onnxruntime 1.20", Threads: 1 + r.IntN(8),
			Batch: 1, Space: s.Name, ImageSize: s.ImageSize, ChannelMultiplier: s.ChannelMultiplier,
			Date: time.Date(2025, 1, 1+r.IntN(28), 3, 4, 5, 0, time.UTC), Note: "ü",
		},
	}
	for b := range s.NumBlocks() {
		for _, o := range s.Options {
			ms := r.ExpFloat64()
			l.Blocks[s.Block(b).LUTKey(o)] = Measurement{MedianMS: ms, MinMS: r.Float64(), Spread: r.Float64(), StandardErrorMS: ms * r.Float64(), Rounds: 1 + r.IntN(50)}
		}
	}
	if r.IntN(2) == 0 {
		l.Calibration = Calibration{Slope: 1 + r.Float64(), InterceptMS: r.Float64() - l.Fixed.MedianMS, Networks: 12, MAPE: 0.02, Kendall: 0.98}
	}
	return l
}

func TestLUTRoundTrips(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20 {
		s := mustSpace(t, []string{model.MobileNASNet, model.MobileNASNetLarge}[i%2], []int{32, 96, 224}[i%3])
		l := randomLUT(r, s)
		data, err := EncodeLUT(l)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := EncodeLUT(l); err != nil || !bytes.Equal(data, again) {
			t.Fatalf("two encodings differ (%v)", err)
		}
		got, err := DecodeLUT(data)
		if err != nil || !reflect.DeepEqual(got, l) {
			t.Fatalf("JSON: %v\ngot  %+v\nwant %+v", err, got, l)
		}
		data, leftOut, err := EncodePickle(l)
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(strings.Join(leftOut, "; "), "calibration"); told != l.Calibration.Set() {
			t.Errorf("left out: %q, calibration %+v", leftOut, l.Calibration)
		}
		back, err := DecodeLUT(data)
		if err != nil {
			t.Fatal(err)
		}
		if p := back.Provenance; p.Space != s.Name || p.ImageSize != s.ImageSize || p.ChannelMultiplier != s.ChannelMultiplier {
			t.Errorf("inferred %+v, expected %s at %d", p, s.Name, s.ImageSize)
		}
		if len(back.Blocks) != len(l.Blocks) {
			t.Errorf("%d blocks, expected %d", len(back.Blocks), len(l.Blocks))
		}
		for key, m := range l.Blocks {
			if got := back.Blocks[key].MedianMS; math.Abs(got-m.MedianMS) > 1e-14*m.MedianMS {
				t.Errorf("%s: %v ms became %v", key, m.MedianMS, got)
			}
		}
		if again, _, err := EncodePickle(back); err != nil || len(again) != len(data) {
			t.Errorf("second pickle of %d bytes, first of %d (%v)", len(again), len(data), err)
		}
	}
}

// seconds makes a BINAS pickle of lut.json after a change.
func seconds(t *testing.T, change func(map[string]any)) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(golden(t, "lut.json"), &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	var entries []pickle.Entry
	for k, v := range m {
		entries = append(entries, pickle.Entry{Key: k, Value: v})
	}
	data, err := pickle.Encode(entries)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const someKey = "in_channels_80_out_channels_80_stride_1_resolution_14_er_4_k_5_se_0.25_act_0"

func TestDecodeLUTRefuses(t *testing.T) {
	set := func(key string, v any) []byte { return seconds(t, func(m map[string]any) { m[key] = v }) }
	ours := func(format string, version string, rest string) []byte {
		return []byte(fmt.Sprintf(`{"format":%q,"version":%s,%s}`, format, version, rest))
	}
	const block = `"fixed":{"median_ms":1},"blocks":{"` + someKey + `":{"median_ms":1}}`
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":            {nil, "empty"},
		"text":             {[]byte("latency"), "neither a JSON object nor a pickle"},
		"nan":              {set(someKey, math.NaN()), "NaN"},
		"negative":         {set(someKey, -1e-3), "-1 ms"},
		"infinite":         {set(someKey, math.Inf(1)), "Inf"},
		"a string":         {set(someKey, "0.001"), "is a str: expected seconds"},
		"unknown key":      {set("in_channels_16", 0.1), `entry "in_channels_16"`},
		"key with a tail":  {set(someKey+"_x", 0.1), "entry"},
		"key twice":        {set(strings.Replace(someKey, "er_4", "er_4.0", 1), 0.1), "twice"},
		"no general":       {seconds(t, func(m map[string]any) { delete(m, "general") }), `no entry "general"`},
		"general alone":    {seconds(t, func(m map[string]any) { clear(m); m["general"] = 0.1 }), "no blocks"},
		"milliseconds":     {seconds(t, func(m map[string]any) { scale(m, 1000) }), "were milliseconds written"},
		"samples":          {set("[['ir_c8']]", 0.1), "accuracies of sampled networks"},
		"contributions":    {set("stage_1-block_1", 0.1), "contributions"},
		"torch":            {[]byte("PK\x03\x04"), "torch"},
		"foreign format":   {ours("other", "1", block), `format "other"`},
		"future":           {ours(lutFormat, "2", block), "version 2"},
		"no version":       {[]byte(`{"format":"binas-tui-lut"}`), "version is missing"},
		"no fixed":         {ours(lutFormat, "1", `"blocks":{}`), "fixed"},
		"no blocks":        {ours(lutFormat, "1", `"fixed":{"median_ms":1},"blocks":{}`), "no blocks"},
		"negative ours":    {ours(lutFormat, "1", strings.Replace(block, "1}}", "-1}}", 1)), "-1 ms"},
		"calibration":      {ours(lutFormat, "1", block+`,"calibration":{"slope":-1}`), "slope -1"},
		"far below zero":   {ours(lutFormat, "1", block+`,"calibration":{"slope":1,"intercept_ms":-1e9}`), "leaves the fixed part, 1 ms, at least 0"},
		"intercept alone":  {ours(lutFormat, "1", block+`,"calibration":{"slope":0,"intercept_ms":1}`), "slope 0"},
		"zeros":            {ours(lutFormat, "1", strings.ReplaceAll(block, ":1}", ":0}")), "all 1 blocks are below 1e-06 ms"},
		"blocks of zeros":  {ours(lutFormat, "1", strings.Replace(block, "1}}", "0}}", 1)), "all 1 blocks are below 1e-06 ms"},
		"below a clock":    {ours(lutFormat, "1", strings.Replace(block, "1}}", "1e-300}}", 1)), "all 1 blocks are below 1e-06 ms"},
		"BINAS zeros":      {seconds(t, func(m map[string]any) { scale(m, 0) }), "all 120 blocks"},
		"absurd error":     {ours(lutFormat, "1", strings.Replace(block, "1}}", `1,"standard_error_ms":1e300}}`, 1)), "standard error of 1e+300 ms"},
		"absurd latency":   {ours(lutFormat, "1", strings.Replace(block, "1}}", `1e300}}`, 1)), "at most 1e+07 ms"},
		"absurd halves":    {ours(lutFormat, "1", block+`,"quality":{"halves_kendall":77}`), "halves_kendall 77"},
		"absurd level":     {ours(lutFormat, "1", block+`,"quality":{"level_error":1e9}`), "level_error 1e+09"},
		"width":            {ours(lutFormat, "1", block+`,"provenance":{"space":"mobilenasnet","image_size":224,"channel_multiplier":1e9}`), "channel_multiplier 1e+09: expected 1"},
		"image size":       {ours(lutFormat, "1", block+`,"provenance":{"image_size":-5}`), "image_size -5"},
		"threads":          {ours(lutFormat, "1", block+`,"provenance":{"threads":100000}`), "threads 100000: expected 0 to 1024"},
		"fewer than none":  {ours(lutFormat, "1", block+`,"provenance":{"threads":-1}`), "threads -1"},
		"batch":            {ours(lutFormat, "1", block+`,"provenance":{"batch":1000000}`), "batch 1000000: expected 0 to 4096"},
		"JSON of strings":  {[]byte(`{"general":"x"}`), "expected seconds by block key"},
		"JSON cut":         {[]byte(`{"general":0.1`), "JSON"},
		"nested JSON":      {[]byte(strings.Repeat(`{"a":`, 100000)), "JSON"},
		"pickle of a list": {[]byte("\x80\x04]."), "expected a dict"},
		"pickle of code":   {[]byte("\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R."), "not plain data"},
	} {
		l, err := DecodeLUT(c.data)
		if err == nil {
			t.Errorf("%s: read as %+v", name, l.Provenance)
			continue
		}
		if !errors.Is(err, ErrLUTFormat) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
			t.Errorf("%s: error %q, expected one line with %q", name, err, c.want)
		}
	}
}

func scale(m map[string]any, by float64) {
	for k, v := range m {
		m[k] = v.(float64) * by
	}
}

// Keys the space does not use are kept and do no harm; one that it does use is
// named when it is missing.
func TestExtraAndMissingKeys(t *testing.T) {
	s := mustSpace(t, model.MobileNASNet, 224)
	extra := "in_channels_40_out_channels_40_stride_1_resolution_28_er_2.5_k_3_se_0_act_1"
	l, err := DecodeLUT(seconds(t, func(m map[string]any) {
		m[extra] = 0.002
		m[strings.Replace(extra, "er_2.5", "er_2", 1)] = 1 // an int is a number too
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Blocks[extra].MedianMS; got != 2 {
		t.Errorf("e 2.5 takes %v ms, expected 2", got)
	}
	if _, err := l.Table(s); err != nil {
		t.Error(err)
	}
	l, err = DecodeLUT(seconds(t, func(m map[string]any) { delete(m, someKey) }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Table(s); !errors.Is(err, ErrLUTMismatch) || !strings.Contains(err.Error(), someKey) {
		t.Errorf("error %v, expected it to name %s", err, someKey)
	}
}

// A table with the first block of two sizes is of no one size; its keys decide.
func TestInferAmbiguous(t *testing.T) {
	l, err := DecodeLUT(seconds(t, func(m map[string]any) {
		m["in_channels_16_out_channels_24_stride_2_resolution_16_er_3_k_3_se_0_act_1"] = 0.001
	}))
	if err != nil {
		t.Fatal(err)
	}
	if l.Provenance.ImageSize != 0 || l.Provenance.Space != "" {
		t.Errorf("inferred %+v", l.Provenance)
	}
	if _, err := l.Table(mustSpace(t, model.MobileNASNet, 224)); err != nil {
		t.Error(err)
	}
}

// The calibration is a line from the sum to the network.
func TestCalibration(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := mustSpace(t, model.MobileNASNet, 32)
	for range 20 {
		l := randomLUT(r, s)
		l.Calibration = Calibration{}
		plain, err := l.Table(s)
		if err != nil {
			t.Fatal(err)
		}
		l.Calibration = Calibration{Slope: 0.5 + r.Float64(), InterceptMS: r.Float64()}
		corrected, err := l.Table(s)
		if err != nil {
			t.Fatal(err)
		}
		p := model.Path{Depth: []int{2, 3, 4, 2, 3}, Option: make([]int, s.NumBlocks())}
		want := l.Calibration.Slope*plain.LatencyMS(s, p) + l.Calibration.InterceptMS
		if got := corrected.LatencyMS(s, p); math.Abs(got-want) > 1e-9 {
			t.Errorf("corrected %v, expected %v", got, want)
		}
	}
}
