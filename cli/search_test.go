package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// searchJSON is what scripts read; the test decodes it independently of the
// type that is written.
type searchJSON struct {
	Architecture      *string  `json:"architecture"`
	LimitMS           float64  `json:"limit_ms"`
	LatencyMS         *float64 `json:"latency_ms"`
	PredictedAccuracy *float64 `json:"predicted_accuracy"`
	Optimizer         string   `json:"optimizer"`
	Status            string   `json:"status"`
	Bound             *float64 `json:"bound"`
	Gap               *float64 `json:"gap"`
	ShadowPrice       *float64 `json:"shadow_price"`
	MinLatencyMS      float64  `json:"min_latency_ms"`
	MaxLatencyMS      float64  `json:"max_latency_ms"`
	Blocks            []struct {
		Stage, Block, Kernel int
		Expansion, SE        float64
		LatencyMS            float64 `json:"latency_ms"`
		Contribution         float64
	}
}

func TestSearchJSONFields(t *testing.T) {
	for _, limit := range []string{"45ms", "1us"} {
		have := decode[map[string]json.RawMessage](t, runCLI(t, "search", "--limit", limit, "--json").out)
		for _, name := range strings.Fields(`architecture limit_ms latency_ms predicted_accuracy optimizer status bound gap
			shadow_price min_latency_ms max_latency_ms solve_seconds blocks lut predictor inactive_blocks`) {
			if _, ok := have[name]; !ok {
				t.Errorf("limit %s: no field %s", limit, name)
			}
		}
	}
}

// The reported figures are those of the reported architecture.
func TestSearchIsConsistent(t *testing.T) {
	e := defaultEngine(t)
	lo, hi := e.MinLatencyMS(), e.MaxLatencyMS()
	previous := 0.0
	for i := range 9 {
		limit := lo + (hi-lo)*float64(i)/7 // the last one is beyond what helps
		r := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", fmt.Sprintf("%vms", limit)))
		arch, err := model.ParseArchitecture(*r.Architecture)
		if err != nil {
			t.Fatal(err)
		}
		path, err := e.Space.Path(arch)
		if err != nil {
			t.Fatal(err)
		}
		if *r.LatencyMS > limit || math.Abs(*r.LatencyMS-e.LatencyMS(path)) > 1e-8 {
			t.Errorf("limit %v: latency %v, the table says %v", limit, *r.LatencyMS, e.LatencyMS(path))
		}
		if math.Abs(*r.PredictedAccuracy-e.Accuracy(path)) > 1e-9 {
			t.Errorf("limit %v: accuracy %v, the predictor says %v", limit, *r.PredictedAccuracy, e.Accuracy(path))
		}
		if r.Status != "optimal" || r.Optimizer != "iqcp" || *r.Gap != 0 || *r.Bound != *r.PredictedAccuracy {
			t.Errorf("limit %v: %s by %s, gap %v", limit, r.Status, r.Optimizer, *r.Gap)
		}
		if *r.PredictedAccuracy < previous {
			t.Errorf("limit %v: accuracy fell from %v to %v", limit, previous, *r.PredictedAccuracy)
		}
		previous = *r.PredictedAccuracy
		if r.MinLatencyMS != lo || r.MaxLatencyMS != hi || r.LimitMS != limit {
			t.Errorf("limit %v: reported as %v, range %v to %v, want %v to %v", limit, r.LimitMS, r.MinLatencyMS, r.MaxLatencyMS, lo, hi)
		}
		sum := e.Table.FixedMS
		contributions := solver.NewContributions(e.Problem(), path)
		blocks := 0
		for b := range e.Space.NumBlocks() {
			if !e.Space.Active(path, b) {
				continue
			}
			have, o := r.Blocks[blocks], e.Space.Options[path.Option[b]]
			blocks++
			sum += have.LatencyMS
			if have.Stage != b/4+1 || have.Block != b%4 || have.Expansion != o.Expansion || have.Kernel != o.Kernel || have.SE != o.SERatio {
				t.Errorf("limit %v: block %d reported as %+v, want %v", limit, b, have, o)
			}
			if math.Abs(have.Contribution-contributions.Block[b]) > 1e-9 {
				t.Errorf("limit %v: block %d contributes %v, the solver says %v", limit, b, have.Contribution, contributions.Block[b])
			}
		}
		if blocks != len(r.Blocks) || math.Abs(sum-*r.LatencyMS) > 1e-8 {
			t.Errorf("limit %v: %d blocks take %v ms in all, want %d blocks and %v ms", limit, len(r.Blocks), sum, blocks, *r.LatencyMS)
		}
	}
}

// skipShort leaves out tests that run evolution: slow under the race detector,
// and with one goroutine of no interest to it.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("evolution takes long")
	}
}

// Every method keeps the limit, and the exact search bounds the others.
func TestSearchMethods(t *testing.T) {
	skipShort(t)
	e := defaultEngine(t)
	for _, share := range []float64{0, 0.1, 0.5, 1} {
		limit := fmt.Sprintf("%vms", e.MinLatencyMS()+(e.MaxLatencyMS()-e.MinLatencyMS())*share)
		exact := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", limit))
		for _, method := range []string{"bcfw", "evo"} {
			r := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", limit, "--nas-optimizer", method))
			if r.Optimizer != method || *r.LatencyMS > r.LimitMS || *r.Bound != *exact.PredictedAccuracy || *r.Gap < -1e-12 {
				t.Errorf("%s within %s: %+v, the optimum is %v", method, limit, r, *exact.PredictedAccuracy)
			}
			if proved := *r.Gap <= 1e-9; (r.Status == "optimal") != proved || (r.Status == "feasible") == proved {
				t.Errorf("%s within %s: %s with a gap of %v", method, limit, r.Status, *r.Gap)
			}
			if *r.Gap > 1 {
				t.Errorf("%s within %s is %v points short of the optimum", method, limit, *r.Gap)
			}
		}
	}
}

func TestSearchInfeasible(t *testing.T) {
	skipShort(t)
	e := defaultEngine(t)
	least := e.MinLatencyMS()
	for _, method := range []string{"iqcp", "bcfw", "evo"} {
		r := runCLI(t, "search", "--json", "--limit", fmt.Sprintf("%vms", math.Nextafter(least, 0)), "--nas-optimizer", method)
		if r.code != 3 {
			t.Errorf("%s just below the least latency: exit code %d", method, r.code)
		}
		if _, said, _ := strings.Cut(r.err, "at least "); said == "" {
			t.Errorf("%s just below the least latency: error %q", method, r.err)
		} else if needed, err := strconv.ParseFloat(strings.Fields(said)[0], 64); err != nil || needed < least || needed > least+0.001 {
			t.Errorf("%s: said to need %v ms, the least latency is %v ms", method, needed, least)
		}
		s := decode[searchJSON](t, r.out)
		if s.Status != "infeasible" || s.Architecture != nil || s.LatencyMS != nil || s.Bound != nil || s.Blocks == nil || s.MinLatencyMS != least {
			t.Errorf("%s: %s", method, r.out)
		}
		s = decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", fmt.Sprintf("%vms", least), "--nas-optimizer", method))
		if s.Architecture == nil || *s.LatencyMS != least {
			t.Errorf("%s at the least latency: %+v", method, s)
		}
	}
}

func TestSearchUnits(t *testing.T) {
	want := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", "30ms"))
	for _, limit := range []string{"30000us", "30000µs", "30000μs", "0.03s", "30 ms", "3e1ms"} {
		if r := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", limit)); *r.Architecture != *want.Architecture {
			t.Errorf("limit %s is not 30ms: %+v", limit, r)
		}
	}
}

// With a quadratic predictor all three methods keep the limit, and the exact
// one bounds them.
func TestSearchQuadratic(t *testing.T) {
	skipShort(t)
	args := []string{"search", "--json", "--limit", "6ms", "--predictor", quadraticFile(t)}
	best := decode[searchJSON](t, mustRun(t, args...))
	if best.Optimizer != "iqcp" || best.Status != "optimal" || *best.Gap != 0 || best.ShadowPrice == nil || *best.LatencyMS > 6 {
		t.Errorf("%+v", best)
	}
	for _, method := range []string{"bcfw", "evo"} {
		r := decode[searchJSON](t, mustRun(t, append(args, "--nas-optimizer", method)...))
		if r.Optimizer != method || *r.LatencyMS > 6 || *r.Bound != *best.Bound || *r.Gap < 0 || *r.Gap > 1 {
			t.Errorf("%s: %+v, the optimum is %v", method, r, *best.PredictedAccuracy)
		}
	}
	if text := mustRun(t, append([]string{"search"}, args[2:]...)...); !strings.Contains(text, "optimal") || !strings.Contains(text, "a test") {
		t.Errorf("text does not say what is proved, or where accuracy comes from:\n%s", text)
	}
}

// With an mlp nothing is proved, and that is said.
func TestSearchMLP(t *testing.T) {
	file := mlpFile(t)
	args := []string{"search", "--json", "--limit", "6ms", "--predictor", file}
	r := decode[searchJSON](t, mustRun(t, args...))
	if r.Optimizer != "bcfw" || r.Status != "feasible" || r.Bound != nil || r.Gap != nil || *r.LatencyMS > 6 {
		t.Errorf("%+v", r)
	}
	if again := decode[searchJSON](t, mustRun(t, args...)); *again.Architecture != *r.Architecture {
		t.Error("the same seed gave another network")
	}
	evo := decode[searchJSON](t, mustRun(t, append(args, "--nas-optimizer", "evo", "--time-limit", "300ms")...))
	if evo.Optimizer != "evo" || evo.Status != "feasible" || evo.Bound != nil || *evo.LatencyMS > 6 {
		t.Errorf("%+v", evo)
	}
	if text := mustRun(t, "search", "--limit", "6ms", "--predictor", file); !strings.Contains(text, "uncertified") {
		t.Errorf("text does not say what is not proved:\n%s", text)
	}
	refused := runCLI(t, append(args, "--nas-optimizer", "iqcp")...)
	if refused.code != 2 || !strings.Contains(refused.err, "bilinear or quadratic") || !strings.Contains(refused.err, "of type mlp") {
		t.Errorf("iqcp: exit code %d, %q", refused.code, refused.err)
	}
}

// mlpFile writes a small predictor with bends.
func mlpFile(t *testing.T) string {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	layer := func(in, out int) model.Layer {
		l := model.Layer{In: in, Out: out, Bias: make([]float64, out)}
		for range in * out {
			l.W = append(l.W, r.NormFloat64()*0.3)
		}
		return l
	}
	data, err := model.EncodePredictor(&model.MLP{Layers: []model.Layer{layer(255, 8), layer(8, 8), layer(8, 1)}}, model.CheckpointInfo{Source: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	return writeTemp(t, "mlp.safetensors", data)
}

func TestSearchText(t *testing.T) {
	e := defaultEngine(t)
	r := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", "30ms"))
	text := mustRun(t, "search", "--limit", "30ms")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if last := lines[len(lines)-1]; last != *r.Architecture {
		t.Errorf("last line is %q, want the architecture", last)
	}
	for _, want := range []string{"optimal", e.AccuracySource(), e.LUTName, fmt.Sprintf("%.2f %%", *r.PredictedAccuracy)} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestInactiveFree(t *testing.T) {
	have := decode[map[string]any](t, mustRun(t, "search", "--json", "--limit", "30ms", "--inactive-blocks", "free"))
	if have["inactive_blocks"] != "free" {
		t.Errorf("inactive_blocks is %v", have["inactive_blocks"])
	}
}
