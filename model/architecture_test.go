package model

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

const largeArchitecture = `[['ds_r1_k3_s1_e1_c24_nre'], ['ir_r1_k5_s2_e3_c32_nre_se0.25', 'ir_r1_k5_s1_e6_c32_nre_se0.25'], ` +
	`['ir_r1_k5_s2_e6_c48_nre_se0.25', 'ir_r1_k5_s1_e6_c48_nre_se0.25', 'ir_r1_k5_s1_e6_c48_nre_se0.25', 'ir_r1_k3_s1_e3_c48_nre_se0.25'], ` +
	`['ir_r1_k5_s2_e6_c96_se0.25', 'ir_r1_k5_s1_e6_c96_se0.25', 'ir_r1_k3_s1_e3_c96_se0.25', 'ir_r1_k3_s1_e3_c96_se0.25'], ` +
	`['ir_r1_k5_s1_e6_c136_se0.25', 'ir_r1_k3_s1_e6_c136_se0.25', 'ir_r1_k3_s1_e3_c136_se0.25', 'ir_r1_k5_s1_e3_c136_se0.25'], ` +
	`['ir_r1_k5_s2_e6_c232_se0.25', 'ir_r1_k5_s1_e6_c232_se0.25'], ['cn_r1_k1_s1_c1152']]`

func TestPublishedArchitectures(t *testing.T) {
	var published []struct{ Name, Arch string }
	goldenJSON(t, "published_architectures.json", &published)
	if len(published) != 12 {
		t.Fatalf("%d published architectures, expected 12", len(published))
	}
	check := func(name, text, space string) {
		a, err := ParseArchitecture(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		s, p, err := SpaceOf(a, 224)
		if err != nil || s.Name != space {
			t.Errorf("%s: space %v, error %v", name, s, err)
			return
		}
		if !reflect.DeepEqual(s.Architecture(p), a) {
			t.Errorf("%s: the path gives another network: %v", name, s.Architecture(p))
		}
		b, err := ParseArchitecture(a.String())
		if err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %s does not parse back: %v", name, a, err)
		}
	}
	for _, p := range published {
		check(p.Name, p.Arch, MobileNASNet)
	}
	check("large", largeArchitecture, MobileNASNetLarge)
}

// randomBlock uses every letter code.
func randomBlock(r *rand.Rand) BlockCode {
	b := BlockCode{
		Type: BlockType(r.IntN(4)), Repeats: 1 + r.IntN(4), Kernel: 1 + 2*r.IntN(4), Stride: 1 + r.IntN(9), Expansion: 1,
		Channels: 1 + r.IntN(2000), Activation: Activation(r.IntN(4)),
	}
	if b.Type != ConvBNAct {
		b.Expansion = []float64{1, 2, 2.5, 3, 4, 6}[r.IntN(6)]
		b.SERatio = []float64{0, 0.25, 0.0625, 0.5}[r.IntN(4)]
	}
	return b
}

func TestArchitectureRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 500 {
		var a Architecture
		for range 1 + r.IntN(6) {
			var stage []BlockCode
			for range 1 + r.IntN(4) {
				stage = append(stage, randomBlock(r))
			}
			a = append(a, stage)
		}
		b, err := ParseArchitecture(a.String())
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%s came back as %s", a, b)
		}
		// Double quotes and other white space say the same.
		c, err := ParseArchitecture(strings.ReplaceAll(strings.ReplaceAll(a.String(), "'", `"`), ", ", " ,\n"))
		if err != nil || !reflect.DeepEqual(a, c) {
			t.Fatalf("%s with double quotes: %v", a, err)
		}
	}
}

// The letters of a block may stand in any order.
func TestBlockCodeOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 500 {
		b := randomBlock(r)
		fields := strings.Split(b.String(), "_")
		r.Shuffle(len(fields)-1, func(i, j int) { fields[i+1], fields[j+1] = fields[j+1], fields[i+1] })
		got, err := ParseBlockCode(strings.Join(fields, "_"))
		if err != nil || got != b {
			t.Fatalf("%v is read as %v: %v", fields, got, err)
		}
	}
}

func TestParseArchitectureRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                               "expected '['",
		`[]`:                             "no stages",
		`[[]]`:                           "no blocks",
		`[['ir_c8']`:                     "found the end",
		`[['ir_c8']] x`:                  "after the closing bracket",
		`[['ir_c8]]`:                     "not closed",
		`[[ir_c8]]`:                      `expected '\''`,
		`[['xx_c8']]`:                    `type "xx"`,
		`[['ir_k3']]`:                    "no output channels",
		`[['ir_c8_c8']]`:                 "given twice",
		`[['ir_c8_k4']]`:                 "odd kernel",
		`[['ir_c8_s0']]`:                 "1 to 9",
		`[['ir_c8_s10']]`:                "1 to 9",
		`[['ir_c08']]`:                   "whole number",
		`[['ir_c-8']]`:                   "whole number",
		`[['ir_c8_e99']]`:                "e99",
		`[['ir_c8_eNaN']]`:               "eNaN",
		`[['ir_c8_se2']]`:                "se2",
		`[['ir_c8_nxx']]`:                "nre, nr6, nhs or nsw",
		`[['ir_c8_z']]`:                  `"z"`,
		`[['cn_c8_e2']]`:                 "neither e nor se",
		`[['ir_c8_r200','ir_c8_r200']]`:  "more than 256 blocks",
		`[['ir_c99999999999999999999']]`: "whole number",
		strings.Repeat("[", 70000):       "at most",
		strings.Repeat("[", 60000):       "position 2",
	} {
		if _, err := ParseArchitecture(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: error %v, expected it to hold %q", text, err, want)
		} else if len(err.Error()) > 300 {
			t.Errorf("%.40s: an error of %d bytes", text, len(err.Error()))
		}
	}
}

// TestCostAgainstOriginal compares with what the original counts for its own
// published networks.
func TestCostAgainstOriginal(t *testing.T) {
	var models map[string]struct {
		Arch   string
		Params int64
		MACs   int64 `json:"macs_conv_linear"`
		Beta   []int
		Alpha  []*int
	}
	goldenJSON(t, "binas_models.json", &models)
	if len(models) != 6 {
		t.Fatalf("%d models, expected A to F", len(models))
	}
	s := space(t, MobileNASNet)
	for name, m := range models {
		a, err := ParseArchitecture(m.Arch)
		if err != nil {
			t.Fatal(err)
		}
		c, err := a.Cost(224, 1000)
		if err != nil || c.Params != m.Params || c.MACs != m.MACs {
			t.Errorf("%s: cost %+v (%v), the original counts %d parameters and %d MACs", name, c, err, m.Params, m.MACs)
		}
		p, err := s.Path(a)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range m.Beta {
			if p.Depth[i]-s.MinDepth != d {
				t.Errorf("%s: stage %d has depth %d, beta %d", name, i, p.Depth[i], d)
			}
		}
		for b, o := range m.Alpha {
			if want := p.Option[b]; (o == nil) != (want == Off) || (o != nil && *o != want) {
				t.Errorf("%s: block %d has option %d, the original's %v", name, b, want, o)
			}
		}
	}
}
