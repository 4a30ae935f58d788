package model

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// randomPath draws every decision uniformly, options of switched-off blocks too.
func randomPath(r *rand.Rand, s *Space) Path {
	p := Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth + r.IntN(s.NumDepths())
	}
	for b := range p.Option {
		p.Option[b] = r.IntN(s.NumOptions())
	}
	return p
}

// off returns p with the options of switched-off blocks taken out.
func off(s *Space, p Path) Path {
	p = p.Clone()
	for b := range p.Option {
		if !s.Active(p, b) {
			p.Option[b] = Off
		}
	}
	return p
}

func TestPathRoundTrips(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, name := range []string{MobileNASNet, MobileNASNetLarge} {
		s := space(t, name)
		for range 300 {
			p := randomPath(r, s)
			text := s.Architecture(p).String()
			arch, err := ParseArchitecture(text)
			if err != nil {
				t.Fatal(err)
			}
			found, got, err := SpaceOf(arch, 224)
			if err != nil || found.Name != name {
				t.Fatalf("%s: space %v, error %v", text, found, err)
			}
			if want := off(s, p); !reflect.DeepEqual(got, want) {
				t.Fatalf("path %v came back as %v", want, got)
			}
			fromLogits, err := s.PathFromLogits(s.Logits(p))
			if err != nil || !reflect.DeepEqual(fromLogits, p) {
				t.Fatalf("path %v came back from logits as %v: %v", p, fromLogits, err)
			}
		}
	}
}

func TestEncode(t *testing.T) {
	s := space(t, MobileNASNet)
	r := rand.New(rand.NewPCG(9, 10))
	n := s.NumOptions()
	var x []float64
	for range 200 {
		p := randomPath(r, s)
		for _, inactive := range []InactiveBlocks{InactiveMean, InactiveFree} {
			x = s.Encode(x, p, inactive)
			if len(x) != 255 {
				t.Fatalf("%d inputs, expected 255", len(x))
			}
			for b := range s.NumBlocks() {
				sum := 0.0
				for _, v := range x[b*n : (b+1)*n] {
					sum += v
				}
				if math.Abs(sum-1) > 1e-12 {
					t.Fatalf("block %d sums to %v", b, sum)
				}
				want := 1.0
				if inactive == InactiveMean && !s.Active(p, b) {
					want = 1 / float64(n)
				}
				if x[b*n+p.Option[b]] != want {
					t.Fatalf("block %d has %v at its option, expected %v", b, x[b*n+p.Option[b]], want)
				}
			}
			for i, d := range p.Depth {
				for j := range s.NumDepths() {
					if got, want := x[s.NumAlphas()+i*3+j] == 1, j == d-s.MinDepth; got != want {
						t.Fatalf("stage %d depth %d: beta %d on is %v", i, d, j, got)
					}
				}
			}
		}
		// Under InactiveMean the encoding is a function of the network alone.
		a, b := s.Encode(nil, p, InactiveMean), s.Encode(nil, off(s, p), InactiveMean)
		if !reflect.DeepEqual(a, b) {
			t.Fatal("options of switched-off blocks change the encoding")
		}
	}
}

func TestCheckPathRefuses(t *testing.T) {
	s := space(t, MobileNASNet)
	good := randomPath(rand.New(rand.NewPCG(1, 2)), s)
	good.Depth[0] = 3
	for name, change := range map[string]func(p *Path){
		"depth 1":          func(p *Path) { p.Depth[2] = 1 },
		"depth 5":          func(p *Path) { p.Depth[2] = 5 },
		"option 12":        func(p *Path) { p.Option[7] = 12 },
		"option -2":        func(p *Path) { p.Option[7] = -2 },
		"active block off": func(p *Path) { p.Option[2] = Off },
		"stages":           func(p *Path) { p.Depth = p.Depth[:4] },
		"blocks":           func(p *Path) { p.Option = append(p.Option, 0) },
	} {
		p := good.Clone()
		change(&p)
		if s.CheckPath(p) == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, logits := range [][]int{nil, make([]int, 24), append(make([]int, 24), 12), append([]int{3}, make([]int, 24)...), append(make([]int, 24), -1)} {
		if _, err := s.PathFromLogits(logits); err == nil {
			t.Errorf("logits %v were accepted", logits)
		}
	}
}
