package cli

import (
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

type limitsJSON struct {
	searchJSON
	Limits []struct {
		Name, Unit       string
		Cap, Used, Slack *float64
		ShadowPrice      *float64 `json:"shadow_price"`
		Binding          bool
	}
	Top []struct {
		Architecture      string
		LatencyMS         float64 `json:"latency_ms"`
		PredictedAccuracy float64 `json:"predicted_accuracy"`
		Differences       []struct {
			Stage    int
			Block    *int
			From, To string
		}
	}
}

func TestSearchSeveralLimits(t *testing.T) {
	args := strings.Fields("search --limit 6ms --max-params 4M --max-macs 220M --max-memory 4MB --limit-on ort-cpu-224-2t=3.5ms")
	r := decode[limitsJSON](t, mustRun(t, append(args, "--json")...))
	if r.Status != "optimal" || *r.Gap != 0 || len(r.Limits) != 5 {
		t.Fatalf("%+v", r)
	}
	arch, err := model.ParseArchitecture(*r.Architecture)
	if err != nil {
		t.Fatal(err)
	}
	cost, err := arch.Cost(224, 1000)
	if err != nil {
		t.Fatal(err)
	}
	binding := 0
	for i, l := range r.Limits {
		if want := strings.Split("latency,params,macs,memory,latency on ort-cpu-224-2t", ",")[i]; l.Name != want || *l.Used > *l.Cap || *l.Slack < 0 {
			t.Errorf("limit %d: %+v, want %s", i, l, want)
		}
		if l.Binding {
			binding++
		}
	}
	if binding == 0 || *r.Limits[1].Used != float64(cost.Params) || *r.Limits[3].Used != float64(cost.PeakBytes) || r.Limits[3].ShadowPrice != nil {
		t.Errorf("%d limits bind; %+v", binding, r.Limits)
	}
	text := mustRun(t, args...)
	for _, want := range []string{"binding", "points for", "optimal", "ort-cpu-224-2t"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	alone := decode[limitsJSON](t, mustRun(t, "search", "--max-params", "4M", "--json"))
	if alone.Status != "optimal" || alone.Limits[0].Cap != nil || *alone.PredictedAccuracy < *r.PredictedAccuracy {
		t.Errorf("parameters alone: %+v", alone)
	}
}

func TestSearchTop(t *testing.T) {
	r := decode[limitsJSON](t, mustRun(t, "search", "--limit", "5ms", "--top", "10", "--json"))
	if len(r.Top) != 10 || r.Top[0].Architecture != *r.Architecture || len(r.Top[0].Differences) != 0 || len(r.Top[1].Differences) == 0 {
		t.Fatalf("%+v", r.Top)
	}
	text := mustRun(t, "search", "--limit", "5ms", "--top", "3")
	if !strings.Contains(text, "differs from the best") || !strings.Contains(text, r.Top[2].Differences[0].To) {
		t.Errorf("text:\n%s", text)
	}
}

func TestSearchLimitsBadInput(t *testing.T) {
	quadratic := quadraticFile(t)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--limit 5ms --max-params 6", 2, "--max-params: limit \"6\" has no unit: 6k? 6M?"},
		{"--limit 5ms --max-memory 8M", 2, "B, KB, MB"},
		{"--limit 5ms --limit-on 12ms", 2, "expected a latency table and a limit"},
		{"--limit 5ms --limit-on ort-cpu-224-2t=12", 2, "12ms? 12s?"},
		{"--limit 5ms --limit-on nowhere=12ms", 2, "no such file"},
		{"--limit 5ms --limit-on ort-cpu-32-1t=12ms", 2, "32 pixels"},
		{"--limit 5ms --top 0x", 2, "--top"},
		{"--limit 5ms --top -1", 2, "--top -1"},
		{"--limit 5ms --top 3 --nas-optimizer evo", 2, "need iqcp"},
		{"--limit 5ms --max-params 6M --predictor " + quadratic, 2, "bilinear"},
		{"--limit 5ms --max-params 1M", 3, "params of 1M: the least reachable params is"},
		{"--limit 1ms --max-params 9M", 3, "latency of 1 ms: the least reachable latency is"},
	} {
		r := runCLI(t, append([]string{"search"}, strings.Fields(c.args)...)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q; want %d and %q", c.args, r.code, r.err, c.code, c.want)
		}
	}
}
