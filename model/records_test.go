package model

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// sampleLines is a samples file of n random samples.
func sampleLines(t testing.TB, s *Space, n int) ([]Sample, []byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var out bytes.Buffer
	out.Write(EncodeRecord(NewEvaluationInfo(SamplesFormat, s)))
	var samples []Sample
	for i := range n {
		half := [2]float64{100 * r.Float64(), 100 * r.Float64()}
		sample := Sample{
			Path: randomPath(r, s), Accuracy: (half[0] + half[1]) / 2, Halves: &half, Top5: 99, Loss: r.Float64(), ExpectedLatencyMS: r.Float64(),
		}
		samples = append(samples, sample)
		out.Write(EncodeSampleRecord(s, i, sample))
	}
	return samples, out.Bytes()
}

// Samples read back as they were written, from any cut of the file those whose
// line is whole.
func TestSampleRecordsRoundTrip(t *testing.T) {
	s := space(t, MobileNASNet)
	want, data := sampleLines(t, s, 5)
	have, err := DecodeSamples(s, data)
	if err != nil || !reflect.DeepEqual(have, want) {
		t.Fatalf("round trip: %v, %v", have, err)
	}
	for cut := range data {
		_, have, whole, err := DecodeSampleRecords(s, data[:cut])
		if err != nil {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
		lines := bytes.Count(data[:cut], []byte("\n"))
		if n := max(0, lines-1); len(have) != n || whole != bytes.LastIndexByte(data[:cut], '\n')+1 {
			t.Fatalf("cut after %d bytes: %d samples, %d whole bytes", cut, len(have), whole)
		}
	}
	if _, err := DecodeSamples(s, data[:10]); !errors.Is(err, ErrSamples) {
		t.Errorf("a cut header: %v", err)
	}
}

func TestSampleRecordsOfAnythingElse(t *testing.T) {
	s := space(t, MobileNASNet)
	_, data := sampleLines(t, s, 3)
	for old, c := range map[string]struct{ new, want string }{
		`"format":"binas-tui-samples"`: {`"format":"binas-tui-contributions"`, "line 1: format"},
		`"version":1`:                  {`"version":9`, "version 9"},
		`"space":"mobilenasnet"`:       {`"space":"mobilenasnet_large"`, "mobilenasnet_large"},
		`"sample":1`:                   {`"sample":2`, "line 3: sample 2: expected 1"},
		`"accuracy":`:                  {`"accuracy":9`, "percent"},
		`"loss":`:                      {`"loss":-`, "loss -"},
		`"top5":99`:                    {`"top6":99`, "top6"},
		`"logits":[`:                   {`"logits":[1,`, "26 integers"},
		`['cn_r1`:                      {`['ir_r1`, "line 2"},
		"}\n":                          {"}{}\n", "more than one JSON value"},
	} {
		changed := bytes.Replace(data, []byte(old), []byte(c.new), 1)
		if bytes.Equal(changed, data) {
			t.Fatalf("%s is not in the file", old)
		}
		if _, err := DecodeSamples(s, changed); !errors.Is(err, ErrSamples) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected it to hold %q", c.new, err, c.want)
		}
	}
	long := append(bytes.Clone(data), bytes.Repeat([]byte("x"), maxRecordLine+1)...)
	if _, err := DecodeSamples(s, append(long, '\n')); !errors.Is(err, ErrSamples) {
		t.Errorf("a long line: %v", err)
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
	c, err := DecodeContributions(s, golden(t, "accuracy_contributions_lut.pkl.gz"))
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
	data := EncodeRecord(NewEvaluationInfo(ContributionsFormat, s))
	sums := make([]float64, len(decisions))
	const networks = 3
	for n := range networks + 1 {
		for i, d := range decisions {
			if n == networks && i == 100 {
				break
			}
			accuracy := 100 * r.Float64()
			data = append(data, EncodeContributionRecord(n, d, accuracy)...)
			if n < networks {
				sums[i] += accuracy / networks
			}
		}
	}
	_, accuracies, whole, err := DecodeContributionRecords(s, data)
	if err != nil || whole != len(data) || len(accuracies) != networks+1 || len(accuracies[networks]) != 100 {
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
	again, err := DecodeContributions(s, data)
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("by content: %v", err)
	}
	if _, err := DecodeContributions(s, data[:2000]); !errors.Is(err, ErrSamples) || !strings.Contains(err.Error(), "256 decisions yet") {
		t.Errorf("an incomplete network: %v", err)
	}
	swapped := bytes.Replace(data, []byte(`"decision":"base"`), []byte(`"decision":"bass"`), 1)
	if _, err := DecodeContributions(s, swapped); !errors.Is(err, ErrSamples) || !strings.Contains(err.Error(), "expected base of network 0") {
		t.Errorf("an unknown decision: %v", err)
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
	f.Add(EncodeRecord(NewEvaluationInfo(ContributionsFormat, s)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, samples, whole, err := DecodeSampleRecords(s, data); err == nil && whole > 0 {
			out := EncodeRecord(info)
			for i, sample := range samples {
				out = append(out, EncodeSampleRecord(s, i, sample)...)
			}
			again, twice, length, err := DecodeSampleRecords(s, out)
			if err != nil || again != info || !reflect.DeepEqual(twice, samples) || length != len(out) {
				t.Fatalf("what was read is written otherwise: %v", err)
			}
		}
		DecodeContributionRecords(s, data)
	})
}
