package model

import (
	"math"
	"testing"
)

// TestSpaceAgainstOriginal compares keys and names, in order, with those of
// the original search space.
func TestSpaceAgainstOriginal(t *testing.T) {
	s := space(t, MobileNASNet)
	var want struct {
		Keys  []string `json:"lut_keys"`
		Names []string `json:"alpha_names"`
	}
	goldenJSON(t, "search_space.json", &want)
	if len(want.Keys) != 240 || len(want.Names) != 240 || s.NumAlphas() != 240 || s.NumBetas() != 15 {
		t.Fatalf("%d keys, %d names, %d alphas, %d betas", len(want.Keys), len(want.Names), s.NumAlphas(), s.NumBetas())
	}
	for i := range want.Keys {
		b, o := i/s.NumOptions(), i%s.NumOptions()
		if got := s.Block(b).LUTKey(s.Options[o]); got != want.Keys[i] {
			t.Errorf("alpha %d: key %s, the original's %s", i, got, want.Keys[i])
		}
		if got := s.AlphaName(b, o); got != want.Names[i] {
			t.Errorf("alpha %d: name %s, the original's %s", i, got, want.Names[i])
		}
	}
	// 12² + 12³ + 12⁴ ways for each of five stages.
	if n, want := s.NetworkCount(), math.Pow(22608, 5); math.Abs(n/want-1) > 1e-12 {
		t.Errorf("%g networks, expected %g", n, want)
	}
}

func TestLargeSpace(t *testing.T) {
	s := space(t, MobileNASNetLarge)
	got := []int{s.FirstChannels}
	for _, st := range s.Stages {
		got = append(got, st.OutChannels)
	}
	got = append(got, s.LastChannels)
	for i, want := range []int{24, 32, 48, 96, 136, 232, 1152} {
		if got[i] != want {
			t.Errorf("width %d is %d, expected %d", i, got[i], want)
		}
	}
}

func TestNewSpaceRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
	}{{"mobilenet", 224}, {MobileNASNet, 0}, {MobileNASNet, -224}, {MobileNASNet, MaxImageSize + 1}} {
		if _, err := NewSpace(c.name, c.size); err == nil {
			t.Errorf("space %q at %d pixels was accepted", c.name, c.size)
		}
	}
}

func TestMakeDivisible(t *testing.T) {
	for v, want := range map[float64]int{1: 8, 12: 16, 19.2: 24, 24 * 1.2: 32, 112 * 1.2: 136, 36: 40, 44: 48} {
		if got := MakeDivisible(v, 8); got != want {
			t.Errorf("MakeDivisible(%v, 8) is %d, expected %d", v, got, want)
		}
	}
	for v := 1.0; v < 2000; v += 0.7 {
		n := MakeDivisible(v, 8)
		if n%8 != 0 || float64(n) < 0.9*v || (v > 8 && float64(n) > v+8) {
			t.Errorf("MakeDivisible(%v, 8) is %d", v, n)
		}
	}
}
