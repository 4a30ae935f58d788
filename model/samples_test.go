package model

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/pickle"
)

func TestSamplesRoundTrip(t *testing.T) {
	s := space(t, MobileNASNet)
	samples, _, err := DecodeSamples(s, golden(t, "test_accuracy_lut.pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := EncodeSamples(s, samples)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := DecodeSamples(s, data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		a, b := samples[i], again[i]
		if !reflect.DeepEqual(a.Path, b.Path) || a.Accuracy != b.Accuracy || math.Abs(a.ExpectedLatencyMS-b.ExpectedLatencyMS) > 1e-12 {
			t.Fatalf("sample %d: %+v became %+v", i, a, b)
		}
		if a.ExpectedLatencyMS < 5 || a.ExpectedLatencyMS > 100 {
			t.Errorf("sample %d: expected latency %v ms", i, a.ExpectedLatencyMS)
		}
	}
	if _, err := EncodeSamples(s, append(samples, samples[3])); err == nil {
		t.Error("one network twice was encoded")
	}
}

func TestDecodeSamplesRefuses(t *testing.T) {
	s := space(t, MobileNASNet)
	p := randomPath(rand.New(rand.NewPCG(3, 4)), s)
	arch, other := s.Architecture(p).String(), p.Clone()
	other.Option[0] = (other.Option[0] + 1) % s.NumOptions()
	row := func(fields ...pickle.Entry) any { return []pickle.Entry{{Key: arch, Value: fields}} }
	accuracy, latency := pickle.Entry{Key: "accuracy", Value: 70.0}, pickle.Entry{Key: "expected_latency", Value: 0.02}
	logits := pickle.Entry{Key: "logits", Value: s.Logits(p)}
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"good":            {row(accuracy, latency, logits), ""},
		"no accuracy":     {row(latency, logits), "accuracy"},
		"fraction":        {row(pickle.Entry{Key: "accuracy", Value: 7000.0}, logits), "percent"},
		"nan":             {row(pickle.Entry{Key: "accuracy", Value: math.NaN()}, logits), "accuracy"},
		"no logits":       {row(accuracy, latency), "25 integers"},
		"short logits":    {row(accuracy, pickle.Entry{Key: "logits", Value: []int{1, 2}}), "25 integers"},
		"another network": {row(accuracy, pickle.Entry{Key: "logits", Value: s.Logits(other)}), "the logits are of"},
		"latency table":   {[]pickle.Entry{{Key: "general", Value: 0.1}}, "is a number"},
		"list":            {[]any{1, 2}, "expected a dict"},
		"empty":           {[]pickle.Entry{}, "empty"},
	} {
		data, err := pickle.Encode(c.value)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = DecodeSamples(s, data)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !errors.Is(err, ErrSamples) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected it to hold %q", name, err, c.want)
		}
	}
}

// TestEstimatorEqualsOriginal builds the estimator from the contributions and
// compares it, weight by weight, with the checkpoint the original made of them.
func TestEstimatorEqualsOriginal(t *testing.T) {
	s := space(t, MobileNASNet)
	c, _, err := DecodeContributions(s, golden(t, "accuracy_contributions_lut.pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := DecodePredictor(golden(t, "estimator_ckpt.pth.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Estimator(s); !reflect.DeepEqual(got, want) {
		for i, tensor := range Tensors(got) {
			for j, v := range tensor.Values {
				if w := Tensors(want)[i].Values[j]; v != w {
					t.Fatalf("%s[%d] is %v, the original's %v", tensor.Name, j, v, w)
				}
			}
		}
		t.Fatal("sizes differ")
	}
}

// TestEstimatorIsEquation5 compares the estimator with the sum it stands for.
func TestEstimatorIsEquation5(t *testing.T) {
	s := space(t, MobileNASNet)
	r := rand.New(rand.NewPCG(5, 6))
	c := s.newContributions()
	_, values := s.contributions(c)
	for _, v := range values {
		*v = 60 + 20*r.Float64()
	}
	estimator := c.Estimator(s)
	for range 200 {
		p := randomPath(r, s)
		want := c.Base
		for b, o := range p.Option {
			if s.Active(p, b) {
				want += c.Alpha[b*s.NumOptions()+o] - c.Base
			}
		}
		for i, d := range p.Depth {
			want += c.Beta[i*s.NumDepths()+d-s.MinDepth] - c.Base
		}
		for _, inactive := range []InactiveBlocks{InactiveMean, InactiveFree} {
			if got := estimator.Accuracy(s.Encode(nil, p, inactive)); math.Abs(got-want) > 1e-9 {
				t.Fatalf("estimator %v, sum of contributions %v (%v)", got, want, inactive)
			}
		}
	}
}

func TestContributionsRoundTrip(t *testing.T) {
	s := space(t, MobileNASNet)
	c, _, err := DecodeContributions(s, golden(t, "accuracy_contributions_lut.pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := EncodeContributions(s, c)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := DecodeContributions(s, data)
	if err != nil || !reflect.DeepEqual(c, again) {
		t.Errorf("round trip: %v", err)
	}
	v, err := pickle.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := pickle.Entries(v)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]pickle.Entry) []pickle.Entry{
		"no entry stage_5-block_3|er_6_k_5_se_0.25": func(e []pickle.Entry) []pickle.Entry { return e[:len(e)-1] },
		`entry "surplus"`: func(e []pickle.Entry) []pickle.Entry { return append(e, pickle.Entry{Key: "surplus", Value: 1.0}) },
		"base is str":     func(e []pickle.Entry) []pickle.Entry { e[0].Value = "70"; return e },
		"base is float":   func(e []pickle.Entry) []pickle.Entry { e[0].Value = -1.0; return e },
	} {
		data, err := pickle.Encode(change(append([]pickle.Entry(nil), decoded...)))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := DecodeContributions(s, data); err == nil || !errors.Is(err, ErrSamples) || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, expected it to hold %q", err, name)
		}
	}
	// The other tables BINAS pickles are told apart.
	if _, _, err := DecodeContributions(s, golden(t, "test_accuracy_lut.pkl.gz")); err == nil {
		t.Error("an accuracy LUT was read as contributions")
	}
	if _, _, err := DecodeSamples(s, golden(t, "accuracy_contributions_lut.pkl.gz")); err == nil {
		t.Error("contributions were read as an accuracy LUT")
	}
}
