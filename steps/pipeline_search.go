package steps

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// Kinds of networks that are fine-tuned.
const (
	Searched = "searched"
	Random   = "random"
)

// Network is one network that a pipeline chose, with what became known of it.
// Accuracies are in percent.
type Network struct {
	Name         string  `json:"name"`
	Kind         string  `json:"kind"` // Searched or Random
	Budget       int     `json:"budget"`
	LimitMS      float64 `json:"limit_ms"`
	LatencyMS    float64 `json:"latency_ms"` // by the table
	Architecture string  `json:"architecture"`
	Predicted    float64 `json:"predicted"`
	Status       string  `json:"status,omitempty"` // of the search
	// Supernet is the accuracy with the supernet's weights on held-out images,
	// Recalibrated that with its own statistics of batch normalisation.
	Supernet     float64 `json:"supernet"`
	Recalibrated float64 `json:"recalibrated"`

	FineTuned  float64 `json:"fine_tuned,omitempty"` // top-1 on the validation part
	Top5       float64 `json:"top5,omitempty"`
	Loss       float64 `json:"loss,omitempty"`
	Images     int     `json:"images,omitempty"` // it was validated on
	MeasuredMS float64 `json:"measured_ms,omitempty"`
}

// budgetShares says where the first and the last budget are between the least
// and the greatest latency of the frontier.
var budgetShares = [2]float64{0.10, 0.85}

// search finds the best network at every budget, and draws random ones of the
// same latency.
func (r *run) search(ctx context.Context) error {
	engine, err := r.engine(ctx, r.Predictor)
	if err != nil {
		return err
	}
	low, high := engine.MinLatencyMS(), engine.MaxLatencyMS()
	var networks []Network
	for b := range r.Budgets {
		share := budgetShares[0]
		if r.Budgets > 1 {
			share += (budgetShares[1] - budgetShares[0]) * float64(b) / float64(r.Budgets-1)
		}
		limitMS := low + share*(high-low)
		found, err := engine.Search(ctx, explore.Request{LimitMS: limitMS, Seed: r.Seed})
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		if found.Status == solver.Infeasible {
			return engine.NoNetwork(limitMS)
		}
		best := r.network(engine, found.Path, Searched, b, 0, limitMS)
		best.Status = found.Status.String()
		networks = append(networks, best)
		for i := range r.Random {
			path, err := r.equalLatency(best.LatencyMS, b*r.Random+i)
			if err != nil {
				return err
			}
			networks = append(networks, r.network(engine, path, Random, b, i, limitMS))
		}
	}
	if err := r.askSupernet(ctx, networks); err != nil {
		return err
	}
	return r.writeJSON(searchFile, networks)
}

// engine joins the folder's table with one of its predictors.
func (r *run) engine(ctx context.Context, predictor string) (*explore.Engine, error) {
	setup := explore.Setup{Space: r.space, LUT: r.lut, LUTName: r.path(TableFile), PredictorName: r.path(predictorFile(predictor))}
	var err error
	if setup.Predictor, setup.PredictorInfo, err = explore.LoadPredictor(setup.PredictorName); err != nil {
		return nil, err
	}
	return explore.New(ctx, setup)
}

func (r *run) network(e *explore.Engine, p model.Path, kind string, budget, index int, limitMS float64) Network {
	name := fmt.Sprintf("%s-%d", kind, budget+1)
	if kind == Random {
		name += string(rune('a' + index))
	}
	return Network{
		Name: name, Kind: kind, Budget: budget + 1, LimitMS: limitMS, LatencyMS: e.LatencyMS(p),
		Architecture: r.space.Architecture(p).String(), Predicted: e.Accuracy(p),
	}
}

// Equal latency is within a tolerance, below: a random network never gets more
// time than the one it is compared with.
const (
	latencyTolerance = 0.01
	latencyDraws     = 100
	latencyMoves     = 4000
)

// equalLatency draws a random network with a latency of at most limitMS and at
// least 1% less. A uniformly drawn one is moved there by random decisions that
// bring it nearer.
func (r *run) equalLatency(limitMS float64, index int) (model.Path, error) {
	rng := rand.New(rand.NewPCG(r.seed(randomSeed), uint64(index)))
	miss := func(p model.Path) float64 {
		ms := r.table.LatencyMS(r.space, p)
		if ms > limitMS {
			return ms/limitMS - 1
		}
		return max(0, 1-latencyTolerance-ms/limitMS)
	}
	for draw := range latencyDraws {
		p := evaluation.RandomPath(r.space, r.seed(randomSeed), index*latencyDraws+draw)
		for range latencyMoves {
			if miss(p) == 0 {
				return p, nil
			}
			q := model.Path{Depth: append([]int{}, p.Depth...), Option: append([]int{}, p.Option...)}
			if i := rng.IntN(len(q.Depth) + len(q.Option)); i < len(q.Depth) {
				q.Depth[i] = r.space.MinDepth + rng.IntN(r.space.MaxDepth-r.space.MinDepth+1)
			} else {
				q.Option[i-len(q.Depth)] = rng.IntN(r.space.NumOptions())
			}
			if miss(q) <= miss(p) {
				p = q
			}
		}
	}
	return model.Path{}, fmt.Errorf("no random network of %.4f ms was found in %d draws", limitMS, latencyDraws)
}

// askSupernet evaluates networks with the supernet's weights, with both kinds
// of statistics.
func (r *run) askSupernet(ctx context.Context, networks []Network) error {
	for _, bn := range []string{evaluation.Running, evaluation.Recalibrated} {
		e, err := r.evaluator(ctx, bn)
		if err != nil {
			return err
		}
		for i := range networks {
			r.progress("search", i, len(networks), 0, "networks in the supernet, "+bn+" statistics")
			path, err := r.pathOf(networks[i].Architecture)
			if err != nil {
				return err
			}
			score, err := e.Child(ctx, path, 0, e.Images.Len())
			if err != nil {
				return err
			}
			if bn == evaluation.Running {
				networks[i].Supernet = score.Top1
			} else {
				networks[i].Recalibrated = score.Top1
			}
		}
	}
	return nil
}

func (r *run) pathOf(architecture string) (model.Path, error) {
	arch, err := model.ParseArchitecture(architecture)
	if err != nil {
		return model.Path{}, err
	}
	return r.space.Path(arch)
}

func accuracies(samples []model.Sample) []float64 {
	out := make([]float64, len(samples))
	for i, s := range samples {
		out[i] = s.Accuracy
	}
	return out
}
