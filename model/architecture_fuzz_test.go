package model

import (
	"reflect"
	"testing"
)

// FuzzParseArchitecture checks that what parses is written and read back as it
// was, and costs are never negative.
func FuzzParseArchitecture(f *testing.F) {
	var published []struct{ Arch string }
	goldenJSON(f, "published_architectures.json", &published)
	for _, p := range published {
		f.Add(p.Arch)
	}
	for _, s := range []string{largeArchitecture, "[['dsa_r3_k7_s9_e2.5_c8_se0.0625_nsw'], [\"cn_c1_nr6\"]]", "[['ir_c8']", "[[[", "[['ir_r256_k31_s9_e64_c16384_se1']]",
		"[['ir_c8_e0x1p3']]", "[['ir_c8_e1_000']]", "[['ir_c8_se1e-300']]", "[['ir_c8_nhs']]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseArchitecture(text)
		if err != nil {
			return
		}
		b, err := ParseArchitecture(a.String())
		if err != nil {
			t.Fatalf("%q parses, its own form %q does not: %v", text, a, err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%q is read as %v, its own form as %v", text, a, b)
		}
		if c, err := a.Cost(224, 1000); err != nil || c.Params <= 0 || c.MACs <= 0 {
			t.Fatalf("%q: cost %+v, %v", text, c, err)
		}
		if s, p, err := SpaceOf(a, 224); err == nil && s.CheckPath(p) != nil {
			t.Fatalf("%q: path %v", text, p)
		}
	})
}
