package cli

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

type explainJSON struct {
	Stages []struct {
		Stage                        int
		Depth, Expansion, Kernel, SE struct {
			Accuracy, LatencyMS float64
			PointsPerMS         float64 `json:"points_per_ms"`
		}
	}
	FirstOrder        bool `json:"first_order"`
	Architecture      string
	PredictedAccuracy float64 `json:"predicted_accuracy"`
	LatencyMS         float64 `json:"latency_ms"`
	ShadowPrice       float64 `json:"shadow_price"`
	Limits            []limitJSON
	Decisions         []struct {
		Stage       int
		Block       *int
		Choice      string
		Chosen      bool
		Accuracy    float64
		LatencyMS   float64 `json:"latency_ms"`
		ReducedCost float64 `json:"reduced_cost"`
		Charges     []float64
	}
}

// What explain says of an option is what the network with that option has, for
// every type of predictor.
func TestExplainIsWhatWouldHappen(t *testing.T) {
	e := defaultEngine(t)
	for _, file := range []string{"", quadraticFile(t), mlpFile(t)} {
		args := []string{"explain", "--limit", "5ms", "--json"}
		accuracy := e.Accuracy
		if file != "" {
			args = append(args, "--predictor", file)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, _, err := model.DecodePredictor(data)
			if err != nil {
				t.Fatal(err)
			}
			accuracy = func(path model.Path) float64 { return p.Accuracy(e.Space.Encode(nil, path, model.InactiveMean)) }
		}
		x := decode[explainJSON](t, mustRun(t, args...))
		arch, err := model.ParseArchitecture(x.Architecture)
		if err != nil {
			t.Fatal(err)
		}
		path, err := e.Space.Path(arch)
		if err != nil {
			t.Fatal(err)
		}
		if len(x.Stages) != 5 || x.FirstOrder != (file != "") {
			t.Errorf("%s: %d stages, first order %v", file, len(x.Stages), x.FirstOrder)
		}
		depths, chosen := 0, 0
		for i, d := range x.Decisions {
			if d.Chosen {
				chosen++
				if d.Accuracy != 0 || d.LatencyMS != 0 {
					t.Errorf("what was chosen changes something: %+v", d)
				}
			}
			if math.Abs(d.ReducedCost-(d.Accuracy-x.ShadowPrice*d.LatencyMS)) > 1e-9 {
				t.Errorf("reduced cost of %+v at price %v", d, x.ShadowPrice)
			}
			if d.Block == nil {
				depths++
				continue
			}
			b := (d.Stage-1)*4 + *d.Block
			other := path.Clone()
			for o, option := range e.Space.Options {
				if option.String() == d.Choice {
					other.Option[b] = o
				}
			}
			if math.Abs(accuracy(other)-x.PredictedAccuracy-d.Accuracy) > 1e-8 || math.Abs(e.LatencyMS(other)-x.LatencyMS-d.LatencyMS) > 1e-8 {
				t.Errorf("decision %d, %+v: the network with it has %v %% and %v ms more", i, d, accuracy(other)-x.PredictedAccuracy, e.LatencyMS(other)-x.LatencyMS)
			}
		}
		blocks := 0
		for _, d := range path.Depth {
			blocks += d
		}
		if depths != 15 || chosen != 5+blocks || len(x.Decisions) != 15+12*blocks {
			t.Errorf("%s: %d decisions of %d blocks, %d depths, %d chosen", file, len(x.Decisions), blocks, depths, chosen)
		}
	}
}

func TestExplainForms(t *testing.T) {
	text := mustRun(t, "explain")
	if !strings.Contains(text, "one block more") || !strings.Contains(text, "squeeze-excite") {
		t.Errorf("%s", text)
	}
	if text := mustRun(t, "explain", "--limit", "5ms"); !strings.Contains(text, "stage 3 depth") || !strings.Contains(text, "at this limit") {
		t.Errorf("%s", text)
	}
	for args, want := range map[string]int{"explain --csv": 1 + 5*4, "explain --limit 5ms --csv": 1 + 15} {
		rows, err := csv.NewReader(strings.NewReader(mustRun(t, strings.Fields(args)...))).ReadAll()
		if err != nil || len(rows) < want {
			t.Errorf("%s: %d rows, %v; want %d", args, len(rows), err, want)
		}
	}
	for _, args := range []string{"explain", "explain --limit 5ms"} {
		for _, ending := range []string{"svg", "png"} {
			name := filepath.Join(t.TempDir(), fmt.Sprintf("heat.%s", ending))
			mustRun(t, append(strings.Fields(args), "--figure", name)...)
			if data, err := os.ReadFile(name); err != nil || len(data) < 1000 {
				t.Errorf("%s: %d bytes, %v", name, len(data), err)
			}
		}
	}
	for args, want := range map[string]string{
		"explain --limit 5": "5ms? 5s?", "explain --json --csv": "one of them", "explain --figure a.pdf": ".svg or .png", "explain --limit=": "LIMIT",
	} {
		if r := runCLI(t, strings.Fields(args)...); r.code != 2 || !strings.Contains(r.err, want) {
			t.Errorf("%s: exit code %d, %q", args, r.code, r.err)
		}
	}
	if r := runCLI(t, "explain", "--limit", "1us"); r.code != 3 {
		t.Errorf("exit code %d, %q", r.code, r.err)
	}
}
