package cli

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/model"
)

type limitsJSON struct {
	searchJSON
	Limits []limitJSON
	Pins   []string
	Top    []struct {
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

type limitJSON struct {
	Name, Unit       string
	Cap, Used, Slack *float64
	ShadowPrice      *float64 `json:"shadow_price"`
	Binding          bool
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
	for _, want := range []string{"binding", "points per ms", "optimal", "ort-cpu-224-2t"} {
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
		{"--limit 5ms --max-params 5500000", 2, "limit \"5500000\" has no unit: 5.5M?"},
		{"--limit 5ms --max-memory 8M", 2, "B, KB, MB"},
		{"--limit 5ms --limit-on 12ms", 2, "expected a latency table and a limit"},
		{"--limit 5ms --limit-on ort-cpu-224-2t=12", 2, "12ms? 12s?"},
		{"--limit 5ms --limit-on nowhere=12ms", 2, "latency table: nowhere: no such file, and none of the names ort-"},
		{"--limit 5ms --limit-on ort-cpu-32-1t=12ms", 2, "32 pixels"},
		{"--limit 5ms --top 0x", 2, "--top"},
		{"--limit 5ms --top -1", 2, "--top -1"},
		{"--limit 5ms --top 3 --nas-optimizer evo", 2, "need iqcp"},
		{"--limit 5ms --nas-optimizer foo", 2, "optimizer \"foo\": expected bcfw, iqcp or evo\n"},
		{"--limit 5ms --max-params 6M --predictor " + quadratic, 2, "bilinear"},
		{"--limit 5ms --max-params 1M", 3, "params of 1M: at least"},
		{"--limit 1ms --max-params 9M", 3, "latency of 1 ms: at least"},
	} {
		r := runCLI(t, append([]string{"search"}, strings.Fields(c.args)...)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q; want %d and %q", c.args, r.code, r.err, c.code, c.want)
		}
	}
}

// The command that the explorer copies finds the network that it shows, whatever
// limits and pins are set.
func TestCopiedCommandFindsTheNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("computes many frontiers")
	}
	hometest.Own(t, "XDG_STATE_HOME")
	for _, lines := range []string{
		"budget 6ms\nlimit-add\nparams\n4.2M\nlimit-add\nanother device\nort-cpu-224-2t\n4.5ms",
		"budget 5.123456789ms\nlimit-add\nmacs\n251.5M\nlimit-add\nmemory\n3.9MiB\npin 2.1 e=3 k=5\npin stage 4 depth 3",
		"budget-next\nbudget-next\ninactive\npin 1.0 se=on",
		"profile\ndigits\nlimit-add\nparams\n3M",
	} {
		if err := os.RemoveAll(filepath.Join(xdg.StateHome, "binas-tui")); err != nil { // each starts anew
			t.Fatal(err)
		}
		r := runCLIWith(t, lines+"\nstatus\ncopy\ncopy command\ncopy json\nquit\n", "--plain")
		if r.code != 0 {
			t.Fatalf("exit code %d, %q", r.code, r.err)
		}
		out := strings.Split(r.out, "\n")
		at := slices.IndexFunc(out, func(l string) bool { return strings.HasPrefix(l, "binas-tui search ") })
		if at < 1 || !strings.Contains(r.out, "optimal") {
			t.Fatalf("%q:\n%s", lines, r.out)
		}
		found := decode[limitsJSON](t, mustRun(t, append(strings.Fields(out[at])[1:], "--json")...))
		if *found.Architecture != out[at-1] {
			t.Errorf("%s finds\n%s, shown is\n%s", out[at], *found.Architecture, out[at-1])
		}
		rest := strings.Join(out[at+1:], "\n")
		copied := decode[limitsJSON](t, rest[:strings.LastIndex(rest, "}")+1])
		if !reflect.DeepEqual(copied.Limits, found.Limits) || !slices.Equal(copied.Pins, found.Pins) || *copied.PredictedAccuracy != *found.PredictedAccuracy {
			t.Errorf("copied as JSON: %+v, found %+v", copied, found)
		}
	}
}

// explain and pareto take the limits that search takes, and say the same of them.
func TestExplainAndParetoUnderSeveralLimits(t *testing.T) {
	limits := strings.Fields("--max-params 4.2M --max-macs 300M --max-memory 4MB --limit-on ort-cpu-224-2t=4.2ms --pin 2=3")
	search := decode[limitsJSON](t, mustRun(t, append([]string{"search", "--limit", "6ms", "--json"}, limits...)...))
	x := decode[explainJSON](t, mustRun(t, append([]string{"explain", "--limit", "6ms", "--json"}, limits...)...))
	if x.Architecture != *search.Architecture || !reflect.DeepEqual(x.Limits, search.Limits) {
		t.Errorf("explained %s under %+v, found %s under %+v", x.Architecture, x.Limits, *search.Architecture, search.Limits)
	}
	for _, d := range x.Decisions {
		net := d.Accuracy
		for _, c := range d.Charges {
			net -= c
		}
		if len(d.Charges) != len(x.Limits) || math.Abs(net-d.ReducedCost) > 1e-9 {
			t.Fatalf("%+v: reduced cost, want %v", d, net)
		}
	}
	text := mustRun(t, append([]string{"explain"}, limits...)...)
	if !strings.Contains(text, "no limit") || !strings.Contains(text, "charged by") {
		t.Errorf("without a latency limit:\n%s", text)
	}
	rows, err := csv.NewReader(strings.NewReader(mustRun(t, append([]string{"explain", "--csv"}, limits...)...))).ReadAll()
	if err != nil || rows[0][len(rows[0])-1] != "charge_latency_on_ort-cpu-224-2t" {
		t.Errorf("%v: %q", err, rows[0])
	}

	p := decode[paretoJSON](t, mustRun(t, append([]string{"pareto", "--json"}, limits...)...))
	if !p.Exact || len(p.Points) < 20 || len(p.Limits) != 4 || p.Limits[0].Name != "params" || p.Limits[0].Cap != 4.2e6 {
		t.Fatalf("%d points, limits %+v", len(p.Points), p.Limits)
	}
	best := -1
	for i, q := range p.Points {
		if q.LatencyMS <= 6 {
			best = i
		}
	}
	if p.Points[best].Architecture != *search.Architecture {
		t.Errorf("the frontier has %s at 6 ms, the search %s", p.Points[best].Architecture, *search.Architecture)
	}
	if text := mustRun(t, append([]string{"pareto"}, limits...)...); !strings.Contains(text, "params ≤ 4.2M") {
		t.Errorf("no limits in\n%s", text)
	}
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"explain --max-params 6":                                 {2, "6k? 6M?"},
		"pareto --max-memory 8M":                                 {2, "B, KB, MB"},
		"pareto --max-params 1M":                                 {3, "params of 1M: at least"},
		"explain --max-params 1M":                                {3, "params of 1M: at least"},
		"pareto --limit-on nowhere=12ms":                         {2, "no such file"},
		"pareto --pin 9=2":                                       {2, "stages 1 to 5"},
		"search --limit 5ms --pin 2.1=k7":                        {2, `"k7": expected`},
		"--max-params 1M":                                        {3, "params of 1M"},
		"pareto --max-params 6M --predictor " + quadraticFile(t): {2, "bilinear"},
	} {
		if r := runCLI(t, strings.Fields(args)...); r.code != want.code || !strings.Contains(r.err, want.text) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q; want %d and %q", args, r.code, r.err, want.code, want.text)
		}
	}
}
