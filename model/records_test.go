package model

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/jsonl"
)

// encode is a line of a records file.
func encode(t testing.TB, v any, key []byte) []byte {
	t.Helper()
	line, err := jsonl.Encode(v, key)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// header is the first line of a records file and the key of the others.
func header(t testing.TB, s *Space, format string) (line, key []byte) {
	t.Helper()
	info := NewEvaluationInfo(format, s)
	key, err := jsonl.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	return encode(t, info, nil), key
}

// sampleLines is a samples file of n random samples.
func sampleLines(t testing.TB, s *Space, n int) ([]Sample, []byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var out bytes.Buffer
	first, key := header(t, s, SamplesFormat)
	out.Write(first)
	var samples []Sample
	for i := range n {
		half := [2]float64{100 * r.Float64(), 100 * r.Float64()}
		sample := Sample{
			Path: randomPath(r, s), Accuracy: (half[0] + half[1]) / 2, Halves: &half, Top5: 99, Loss: r.Float64(), ExpectedLatencyMS: r.Float64(),
		}
		samples = append(samples, sample)
		out.Write(encode(t, s.SampleRecord(i, sample), key))
	}
	return samples, out.Bytes()
}

// Samples read back as they were written, from any cut of the file those whose
// line is whole.
func TestSampleRecordsRoundTrip(t *testing.T) {
	s := space(t, MobileNASNet)
	want, data := sampleLines(t, s, 5)
	have, lost, err := DecodeSamples(s, data)
	if err != nil || lost.Count != 0 || !reflect.DeepEqual(have, want) {
		t.Fatalf("round trip: %v, %v", have, err)
	}
	for cut := range data {
		_, have, lost, err := DecodeSampleRecords(s, data[:cut])
		lines := bytes.Count(data[:cut], []byte("\n"))
		if (err == nil) != (lines > 0) || err != nil && !errors.Is(err, ErrSamples) {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
		if n := max(0, lines-1); len(have) != n || n > 0 && !reflect.DeepEqual(have, want[:n]) || lost.Count != 0 {
			t.Fatalf("cut after %d bytes: %d samples, %s", cut, len(have), lost)
		}
	}
	// Any changed byte loses its line, or two where it was the line's end.
	for at := 0; at < len(data)-1; at += 5 {
		damaged := bytes.Clone(data)
		damaged[at] ^= 3
		have, lost, err := DecodeSamples(s, damaged)
		if err != nil || lost.Count == 0 || lost.Count > 2 || len(have) < len(want)-2 {
			t.Fatalf("byte %d changed: %d samples, %s, %v", at, len(have), lost, err)
		}
		for _, sample := range have {
			if !slices.ContainsFunc(want, func(w Sample) bool { return reflect.DeepEqual(w, sample) }) {
				t.Fatalf("byte %d changed: a sample that is none: %+v", at, sample)
			}
		}
	}
}

func TestSampleRecordsOfAnythingElse(t *testing.T) {
	s := space(t, MobileNASNet)
	_, data := sampleLines(t, s, 3)
	sum := regexp.MustCompile(`,"sum":"[0-9a-f]*"`)
	data = sum.ReplaceAll(data, nil) // of an older version: what is in a line is all that shows
	for old, c := range map[string]struct{ new, want string }{
		`"format":"binas-tui-samples"`: {`"format":"binas-tui-contributions"`, "line 1: format"},
		`"version":1`:                  {`"version":9`, "version 9"},
		`"space":"mobilenasnet"`:       {`"space":"mobilenasnet_large"`, "mobilenasnet_large"},
	} {
		changed := bytes.Replace(data, []byte(old), []byte(c.new), 1)
		if _, _, err := DecodeSamples(s, changed); !errors.Is(err, ErrSamples) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected it to hold %q", c.new, err, c.want)
		}
	}
	for old, c := range map[string]struct{ new, want string }{
		`"sample":1`:       {`"sample":2`, "line 4 is damaged and left out: sample 2 is there again"},
		`"sample":0`:       {`"sample":-1`, "line 2 is damaged and left out: sample -1"},
		`"accuracy":`:      {`"accuracy":9`, "percent"},
		`"loss":`:          {`"loss":-`, "loss -"},
		`"top5":99`:        {`"top6":99`, "top6"},
		`"logits":[`:       {`"logits":[1,`, "26 integers"},
		`['cn_r1`:          {`['ir_r1`, "line 2"},
		"}\n{\"sample\":1": {"}{}\n{\"sample\":1", "line 2 is damaged and left out: it is no JSON object"},
		"{\"sample\":2":    {strings.Repeat(" ", jsonl.MaxLine) + "{\"sample\":2", "line 4 is damaged and left out: it has"},
	} {
		changed := bytes.Replace(data, []byte(old), []byte(c.new), 1)
		if bytes.Equal(changed, data) {
			t.Fatalf("%s is not in the file", old)
		}
		have, lost, err := DecodeSamples(s, changed)
		if err != nil || lost.Count != 1 || len(have) != 2 || !strings.Contains(lost.String(), c.want) {
			t.Errorf("%s: %d samples, %s, %v: expected to hear %q", c.new[:min(20, len(c.new))], len(have), lost, err, c.want)
		}
	}
}

func TestNoiseCeiling(t *testing.T) {
	samples := make([]Sample, 4)
	for i := range samples {
		samples[i].Halves = &[2]float64{float64(i), float64(i * i)}
	}
	if tau, err := NoiseCeiling(samples); err != nil || tau != 1 {
		t.Errorf("halves that agree: %v, %v", tau, err)
	}
	samples[3].Halves[1] = -1
	if tau, err := NoiseCeiling(samples); err != nil || tau != 0 {
		t.Errorf("3 pairs agree, 3 do not: %v, %v", tau, err)
	}
	samples[1].Halves = nil
	if _, err := NoiseCeiling(samples); err == nil {
		t.Error("a sample without halves was taken")
	}
}

// Decisions are the entries of the original's table, in its order.
func TestDecisionsAreThoseOfTheOriginal(t *testing.T) {
	s := space(t, MobileNASNet)
	c, _, err := DecodeContributions(s, golden(t, "accuracy_contributions_lut.pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	names, values := s.contributions(c)
	decisions := s.Decisions()
	if len(decisions) != len(names) || len(names) != 256 {
		t.Fatalf("%d decisions, %d entries: expected 256", len(decisions), len(names))
	}
	for i, d := range decisions {
		at := &c.Base
		if d.Block >= 0 {
			at = &c.Alpha[d.Block*s.NumOptions()+d.Option]
		} else if d.Stage >= 0 {
			at = &c.Beta[d.Stage*s.NumDepths()+d.Depth-s.MinDepth]
		}
		if d.Name != names[i] || at != values[i] {
			t.Errorf("decision %d is %+v, the entry %s", i, d, names[i])
		}
	}
}

func TestContributionRecords(t *testing.T) {
	s := space(t, MobileNASNet)
	r := rand.New(rand.NewPCG(3, 4))
	decisions := s.Decisions()
	data, key := header(t, s, ContributionsFormat)
	sums := make([]float64, len(decisions))
	const networks = 3
	for n := range networks + 1 {
		for i, d := range decisions {
			if n == networks && i == 100 {
				break
			}
			accuracy := 100 * r.Float64()
			data = append(data, encode(t, ContributionRecord(n, d, accuracy), key)...)
			if n < networks {
				sums[i] += accuracy / networks
			}
		}
	}
	_, accuracies, lost, err := DecodeContributionRecords(s, data)
	if err != nil || lost.Count != 0 || len(accuracies) != networks+1 || math.IsNaN(accuracies[networks][99]) || !math.IsNaN(accuracies[networks][100]) {
		t.Fatalf("%d networks, %v", len(accuracies), err)
	}
	c, spread, n, err := NewContributions(s, accuracies)
	if err != nil || n != networks {
		t.Fatalf("%d networks, %v", n, err)
	}
	_, values := s.contributions(c)
	for i, v := range values {
		if math.Abs(*v-sums[i]) > 1e-9 {
			t.Fatalf("%s is %v: expected %v", decisions[i].Name, *v, sums[i])
		}
	}
	// A constant added to all that a network measured does not change a difference's error.
	_, before := s.contributions(spread)
	for n := range accuracies {
		for i := range accuracies[n] {
			accuracies[n][i] += float64(10 * n)
		}
	}
	_, shifted, _, _ := NewContributions(s, accuracies)
	_, after := s.contributions(shifted)
	for i := range after {
		if i > 0 && math.Abs(*after[i]-*before[i]) > 1e-9 {
			t.Fatalf("error of %s was %v, is %v", decisions[i].Name, *before[i], *after[i])
		}
	}
	again, _, err := DecodeContributions(s, data)
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("by content: %v", err)
	}
	if _, _, err := DecodeContributions(s, data[:2000]); !errors.Is(err, ErrSamples) || !strings.Contains(err.Error(), "256 decisions yet") {
		t.Errorf("an incomplete network: %v", err)
	}
	// A network that lost a measurement is left out of the means, the others are not.
	lines := bytes.SplitAfter(data, []byte("\n"))
	lines[1+256+17] = []byte("spliced\n")
	_, accuracies, lost, err = DecodeContributionRecords(s, bytes.Join(lines, nil))
	if err != nil || lost.Count != 1 || lost.Lines[0] != 1+256+17+1 {
		t.Fatalf("%s, %v", lost, err)
	}
	c, _, n, err = NewContributions(s, accuracies)
	if want := (accuracies[0][0] + accuracies[2][0]) / 2; err != nil || n != 2 || math.Abs(c.Base-want) > 1e-9 {
		t.Errorf("%d networks, base %v, %v: expected 2 and %v", n, c.Base, err, want)
	}
}

// Conditional means find the contributions of an accuracy that is additive.
func TestContributionsOfSamples(t *testing.T) {
	s := space(t, MobileNASNet)
	r := rand.New(rand.NewPCG(5, 6))
	gain := make([]float64, s.NumOptions())
	for i := range gain {
		gain[i] = float64(i) / 4
	}
	samples := make([]Sample, 4000)
	for i := range samples {
		p := randomPath(r, s)
		for b := range p.Option {
			if p.Option[b] == Off {
				p.Option[b] = r.IntN(s.NumOptions())
			}
		}
		samples[i] = Sample{Path: p, Accuracy: 50 + gain[p.Option[0]] + float64(p.Depth[4])}
	}
	c, err := ContributionsOf(s, samples)
	if err != nil {
		t.Fatal(err)
	}
	for o := range gain {
		if have, want := c.Alpha[o]-c.Alpha[0], gain[o]; math.Abs(have-want) > 0.3 {
			t.Errorf("option %d is %.2f better than option 0: expected %.2f", o, have, want)
		}
		if have := c.Alpha[5*s.NumOptions()+o] - c.Base; math.Abs(have) > 0.3 {
			t.Errorf("option %d of a block that does not matter: %.2f", o, have)
		}
	}
	if have := c.Beta[14] - c.Beta[12]; math.Abs(have-2) > 0.3 {
		t.Errorf("depth 4 is %.2f better than 2: expected 2", have)
	}
	if _, err := ContributionsOf(s, slices.Clone(samples[:3])); !errors.Is(err, ErrSamples) {
		t.Errorf("3 samples: %v", err)
	}
}

func FuzzSampleRecords(f *testing.F) {
	s := space(f, MobileNASNet)
	_, data := sampleLines(f, s, 2)
	f.Add(data)
	f.Add(data[:len(data)-3])
	contributions, key := header(f, s, ContributionsFormat)
	for i, d := range s.Decisions() {
		contributions = append(contributions, encode(f, ContributionRecord(i%2, d, 50), key)...)
	}
	f.Add(contributions)
	f.Add(contributions[:len(contributions)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, samples, _, err := DecodeSampleRecords(s, data); err == nil {
			key, err := jsonl.Marshal(info)
			if err != nil {
				t.Fatal(err)
			}
			out := encode(t, info, nil)
			for i, sample := range samples {
				out = append(out, encode(t, s.SampleRecord(i, sample), key)...)
			}
			if info.Format != "" { // else the header was damaged
				again, twice, lost, err := DecodeSampleRecords(s, out)
				if err != nil || again != info || !reflect.DeepEqual(twice, samples) || lost.Count != 0 {
					t.Fatalf("what was read is written otherwise: %v, %s", err, lost)
				}
			}
		}
		if _, accuracies, _, err := DecodeContributionRecords(s, data); err == nil {
			for _, network := range accuracies {
				if len(network) != len(s.Decisions()) {
					t.Fatalf("a network of %d accuracies", len(network))
				}
			}
			NewContributions(s, accuracies)
		}
	})
}

// Accuracies of another device are not mixed with those that are there; files that
// name none are of the processor.
func TestRecordsOfAnotherDevice(t *testing.T) {
	s := space(t, MobileNASNet)
	on := func(device string) EvaluationInfo {
		info := NewEvaluationInfo(SamplesFormat, s)
		info.Device = device
		return info
	}
	for _, c := range []struct {
		there, now string
		same       bool
	}{{"", "", true}, {"", "cpu", true}, {"cuda", "cuda", true}, {"", "cuda", false}, {"cuda", "", false}, {"cuda", "cuda:1", false}} {
		err := on(c.there).Differs(on(c.now))
		if (err == nil) != c.same || err != nil && !strings.Contains(err.Error(), "device is ") {
			t.Errorf("%q and %q: %v", c.there, c.now, err)
		}
	}
}
