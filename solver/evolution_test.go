package solver

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func TestEvolutionNearTheOptimum(t *testing.T) {
	for _, inactive := range inactiveModes {
		p := reference(t, inactive)
		e := prepare(t, p)
		var best Solution
		for _, limit := range []float64{18, 30, 45} {
			s, err := evolve(t.Context(), p, objectiveOf(t, p), limit, EvolutionSettings{Seed: 1, Generations: 150})
			if err != nil {
				t.Fatal(err)
			}
			checkSolution(t, p, &s)
			e.Solve(t.Context(), &best, limit)
			if s.Status != Feasible || s.Accuracy > best.Accuracy+1e-9 || s.Accuracy < best.Accuracy-0.5 {
				t.Errorf("limit %v: %v, accuracy %v, optimum %v", limit, s.Status, s.Accuracy, best.Accuracy)
			}
		}
	}
}

// Any network that fits is found, the fastest one included, and pins hold.
func TestEvolutionIsFeasibleWhenever(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	quick := EvolutionSettings{Population: 10, Generations: 3}
	for i := range 60 {
		p := random(r, shape{stages: 1 + r.IntN(4), minDepth: 1, maxDepth: 3, options: 1 + r.IntN(6), q: "dense",
			inactive: inactiveModes[i%2], round: i%4 == 0, pins: i%5 < 2})
		e := prepare(t, p)
		low := e.MinLatencyMS()
		for _, limit := range []float64{low, low + 1e-6, math.Inf(1)} {
			s, err := evolve(t.Context(), p, objectiveOf(t, p), limit, quick)
			if err != nil || s.Status != Feasible {
				t.Fatalf("%d: limit %v: %v, %v", i, limit, s.Status, err)
			}
			checkSolution(t, p, &s)
		}
		for _, limit := range []float64{math.Nextafter(low, -1), math.NaN(), math.Inf(-1)} {
			if s, err := evolve(t.Context(), p, objectiveOf(t, p), limit, quick); err != nil || s.Status != Infeasible {
				t.Fatalf("%d: limit %v: %v, %v", i, limit, s.Status, err)
			}
		}
	}
}

// A scorer of its own replaces the accuracy terms, and gets batches that fit.
func TestEvolutionWithScorer(t *testing.T) {
	p := reference(t, model.InactiveMean)
	p.Alpha, p.Beta, p.Q = nil, nil, nil
	calls := 0
	score := func(paths []model.Path, accuracy []float64) {
		calls++
		if len(paths) != 20 || len(accuracy) != 20 {
			t.Fatalf("batch of %d paths and %d results", len(paths), len(accuracy))
		}
		for i, path := range paths {
			if l := p.LatencyMS(path); l > 40 {
				t.Fatalf("a network of %v ms is scored", l)
			}
			accuracy[i] = float64(path.Depth[0] - path.Depth[4])
			if path.Option[0] == 3 {
				accuracy[i] = math.NaN()
			}
		}
	}
	last := math.Inf(-1)
	s, err := evolve(t.Context(), p, Objective{Score: score}, 40, EvolutionSettings{Population: 20, Generations: 30, Progress: func(best *Solution) {
		if best.Accuracy <= last {
			t.Fatalf("best %v after %v", best.Accuracy, last)
		}
		last = best.Accuracy
	}})
	if err != nil || s.Accuracy != 2 || s.Path.Option[0] == 3 || last != 2 {
		t.Errorf("%+v, reported %v, %v", s, last, err)
	}
	if calls != 31 {
		t.Errorf("%d batches", calls)
	}
}

func TestEvolutionSeedAndCancel(t *testing.T) {
	p := reference(t, model.InactiveMean)
	run := func(seed uint64) Solution {
		s, err := evolve(t.Context(), p, objectiveOf(t, p), 25, EvolutionSettings{Population: 20, Generations: 5, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b, c := run(1), run(1), run(2)
	if a.Accuracy != b.Accuracy || !slices.Equal(a.Path.Option, b.Path.Option) {
		t.Error("one seed gives two answers")
	}
	if slices.Equal(a.Path.Option, c.Path.Option) {
		t.Error("two seeds give one answer")
	}
	ctx, cancel := context.WithCancel(t.Context())
	reports := 0
	s, err := evolve(ctx, p, objectiveOf(t, p), 25, EvolutionSettings{Progress: func(*Solution) {
		if reports++; reports == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || s.Status != Feasible {
		t.Errorf("cancelled: %v, %v", s.Status, err)
	}
	checkSolution(t, p, &s)
	if _, err := evolve(t.Context(), p, objectiveOf(t, p), 25, EvolutionSettings{Mutation: 2}); err == nil {
		t.Error("mutation of 2: no error")
	}
}

// Parents are distinct networks: copies that differ only in genes of blocks
// that are off count once.
func TestEvolutionParentsAreDistinct(t *testing.T) {
	for _, inactive := range inactiveModes {
		p := random(rand.New(rand.NewPCG(43, 44)), shape{stages: 2, minDepth: 1, maxDepth: 4, options: 3, q: "dense", inactive: inactive})
		tables, err := newTables(p)
		if err != nil {
			t.Fatal(err)
		}
		settings, err := EvolutionSettings{Population: 60, Seed: 3}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		e := newEvolver(tables, settings)
		e.limit = math.MaxInt64
		for range settings.Population {
			e.children = append(e.children, e.fit(e.randomGenes))
		}
		for range 30 {
			e.score(objectiveOf(t, p).Score)
			e.survive()
			seen := map[string]bool{}
			for _, x := range e.parents {
				path := model.Path{Depth: x.genes[:p.Stages], Option: slices.Clone(x.genes[p.Stages:])}
				for b := range path.Option {
					if b%p.MaxDepth >= path.Depth[b/p.MaxDepth] {
						path.Option[b] = model.Off
					}
				}
				if key := string(bytesOf(path)); seen[key] {
					t.Fatalf("%v: two of %d parents are the network %v", inactive, len(e.parents), path)
				} else {
					seen[key] = true
				}
			}
			if len(e.parents) != 15 {
				t.Fatalf("%v: %d parents, want 15", inactive, len(e.parents))
			}
			e.breed()
		}
	}
}
