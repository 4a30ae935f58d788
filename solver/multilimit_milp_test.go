package solver

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/model"
)

var milp = flag.Bool("milp", false, "solve every golden instance of several limits anew with glpsol, and write testdata/golden_limited.json")

// milpInstance is a full-size problem under limits on latency, parameters
// and multiply-accumulates, with the optimum that glpsol proved.
type milpInstance struct {
	Problem  string     `json:"problem"`
	Caps     [3]float64 `json:"caps"`     // ms, parameters, MACs
	Accuracy float64    `json:"accuracy"` // percent
	Depth    []int      `json:"depth"`
	Option   []int      `json:"option"` // -1: off
}

const goldenLimited = "testdata/golden_limited.json"

// instanceProblem makes the problem of a name: how the predictor was made and
// what switched-off blocks add.
func instanceProblem(t testing.TB, name string) *Problem {
	t.Helper()
	kind, mode, _ := strings.Cut(name, " ")
	inactive := model.InactiveMean
	if mode == "free" {
		inactive = model.InactiveFree
	}
	switch kind {
	case "fitted":
		return reference(t, inactive)
	case "estimator":
		return estimator(t, inactive)
	case "random":
		return fitted(rand.New(rand.NewPCG(91, 92)), inactive)
	}
	t.Fatalf("no problem %q", name)
	return nil
}

// spaceResources are latency, parameters and multiply-accumulates of the BINAS
// space.
func spaceResources(t testing.TB, p *Problem) []Resource {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	costs := s.Costs(1000)
	params := Resource{Name: "params", Kind: Count, Fixed: float64(costs.Fixed.Params)}
	macs := Resource{Name: "macs", Kind: Count, Fixed: float64(costs.Fixed.MACs)}
	for _, c := range costs.Block {
		params.Block, macs.Block = append(params.Block, float64(c.Params)), append(macs.Block, float64(c.MACs))
	}
	return []Resource{latencyResource(p), params, macs}
}

func readGoldenLimited(t *testing.T) (golden []milpInstance) {
	t.Helper()
	text, err := os.ReadFile(goldenLimited)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	return golden
}

// The optimum under three limits is that of a mixed-integer programme, which
// another program solved to the end.
func TestLimitedAgainstMILP(t *testing.T) {
	golden := readGoldenLimited(t)
	if len(golden) < 20 {
		t.Fatalf("%d instances", len(golden))
	}
	binding := [3]int{}
	for i, g := range golden {
		p := instanceProblem(t, g.Problem)
		res := spaceResources(t, p)
		if *milp {
			solveMILP(t, p, res, &g)
			golden[i] = g
		}
		path := model.Path{Depth: g.Depth, Option: g.Option}
		if a := p.Accuracy(path); math.Abs(a-g.Accuracy) > 1e-6 {
			t.Fatalf("instance %d: the golden network has %v, not %v", i, a, g.Accuracy)
		}
		for j := range res {
			if used := uses(p, &res[j], path); used > g.Caps[j]*(1+1e-9) {
				t.Fatalf("instance %d: the golden network uses %v %s of %v", i, used, res[j].Name, g.Caps[j])
			}
		}
		got, err := limited(t, p, res).Solve(t.Context(), g.Caps[:], 1)
		if err != nil {
			t.Fatal(err)
		}
		checkLimited(t, p, res, g.Caps[:], got)
		if got.Status != Optimal || math.Abs(got.Best[0].Accuracy-g.Accuracy) > 1e-6 {
			t.Errorf("instance %d, %s within %v: %v, accuracy %v, glpsol %v", i, g.Problem, g.Caps, got.Status, got.Best[0].Accuracy, g.Accuracy)
		}
		for j, price := range got.Prices {
			if price > 0 {
				binding[j]++
			}
		}
	}
	for j, n := range binding {
		if n < 5 {
			t.Errorf("limit %d binds in %d of %d instances", j, n, len(golden))
		}
	}
	if *milp && !t.Failed() {
		text, err := json.MarshalIndent(golden, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenLimited, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// One of the golden instances is solved anew; -milp solves them all.
func TestMILP(t *testing.T) {
	if testing.Short() {
		t.Skip("glpsol takes some seconds")
	}
	needed.Program(t, "glpsol")
	golden := readGoldenLimited(t)[0]
	g := golden
	p := instanceProblem(t, g.Problem)
	solveMILP(t, p, spaceResources(t, p), &g)
	if math.Abs(g.Accuracy-golden.Accuracy) > 1e-6 {
		t.Errorf("accuracy %v, golden %v", g.Accuracy, golden.Accuracy)
	}
}

// solveMILP has glpsol prove the optimum of an instance.
func solveMILP(t *testing.T, p *Problem, res []Resource, g *milpInstance) {
	t.Helper()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "problem.lp"), filepath.Join(dir, "solution.txt")
	var text strings.Builder
	m := newMILP(p, res, g.Caps[:])
	m.write(&text)
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := exec.CommandContext(t.Context(), "glpsol", "--lp", file, "--write", out).CombinedOutput()
	if err != nil {
		t.Fatalf("glpsol: %v\n%s", err, log)
	}
	solution, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	value := m.values(t, string(solution))
	g.Depth, g.Option = make([]int, p.Stages), make([]int, p.NumBlocks())
	for s := range g.Depth {
		for d := p.MinDepth; d <= p.MaxDepth; d++ {
			if value[m.y(s*p.NumDepths()+d-p.MinDepth)] > 0.5 {
				g.Depth[s] = d
			}
		}
	}
	for b := range g.Option {
		g.Option[b] = model.Off
		for o := range p.Options {
			if value[m.x(b*p.Options+o)] > 0.5 {
				g.Option[b] = o
			}
		}
	}
	g.Accuracy = p.Accuracy(model.Path{Depth: g.Depth, Option: g.Option})
	if math.Abs(g.Accuracy-p.Bias-m.objective) > 1e-6 {
		t.Fatalf("glpsol found %v, its network has %v", p.Bias+m.objective, g.Accuracy)
	}
	t.Logf("%s within %v: %v", g.Problem, g.Caps, g.Accuracy)
}

// milpModel is a problem under limits as a mixed-integer linear programme,
// straight from Eq. 6 of arXiv 2110.12399. Binary variables are the options
// (x) and the depths (y). Each product of the two is a variable z of its own:
// of the depths of one stage exactly one is 1, so the products of an option
// with them sum to the option, and those of the options of a block (with w for
// the block that is off) sum to the depth.
type milpModel struct {
	p         *Problem
	res       []Resource
	caps      []float64
	objective float64

	columns []string // in the order in which they first occur, which is glpsol's
	known   map[string]bool
}

func newMILP(p *Problem, res []Resource, caps []float64) *milpModel {
	return &milpModel{p: p, res: res, caps: caps, known: map[string]bool{}}
}

func (m *milpModel) x(a int) string    { return fmt.Sprintf("x%d", a) }
func (m *milpModel) y(j int) string    { return fmt.Sprintf("y%d", j) }
func (m *milpModel) z(a, j int) string { return fmt.Sprintf("z%d_%d", a, j) }
func (m *milpModel) w(b, j int) string { return fmt.Sprintf("w%d_%d", b, j) }

// term is one term of a linear form.
func (m *milpModel) term(coefficient float64, name string) string {
	if !m.known[name] {
		m.known[name] = true
		m.columns = append(m.columns, name)
	}
	return fmt.Sprintf(" %+.17g %s\n", coefficient, name)
}

// off reports whether a depth, of beta, switches a block off.
func (m *milpModel) off(b, j int) bool {
	n := m.p.NumDepths()
	return b/m.p.MaxDepth == j/n && b%m.p.MaxDepth >= m.p.MinDepth+j%n
}

func (m *milpModel) write(w io.Writer) {
	p, free := m.p, m.p.Inactive == model.InactiveFree
	q := func(a, j int) float64 { return p.Q[a*len(p.Beta)+j] }
	print := func(terms ...string) { fmt.Fprint(w, strings.Join(terms, "")) }

	print("Maximize\n accuracy:\n")
	for j, v := range p.Beta {
		print(m.term(v, m.y(j)))
	}
	for a, v := range p.Alpha {
		print(m.term(v, m.x(a)))
		for j := range p.Beta {
			print(m.term(q(a, j), m.z(a, j)))
		}
	}
	if !free { // a block that is off adds the mean of its options
		for b := range p.NumBlocks() {
			for j := range p.Beta {
				mean := 0.0
				for o := range p.Options {
					a := b*p.Options + o
					mean += q(a, j)
					if m.off(b, j) {
						mean += p.Alpha[a]
					}
				}
				print(m.term(mean/float64(p.Options), m.w(b, j)))
			}
		}
	}
	print("Subject To\n")
	for i, r := range m.res {
		if math.IsInf(m.caps[i], 1) {
			continue
		}
		// In units of the limit: numbers near 1 are what tolerances are made for.
		scale := 1 / m.caps[i]
		print(" limit_", r.Name, ":\n")
		for a, v := range r.Block {
			b := a / p.Options
			for j := range p.Beta {
				if j/p.NumDepths() == b/p.MaxDepth && !m.off(b, j) && v > 0 {
					print(m.term(v*scale, m.z(a, j)))
				}
			}
		}
		print(fmt.Sprintf(" <= %.17g\n", (m.caps[i]-r.Fixed)*scale))
	}
	for s := range p.Stages {
		for k := range p.NumDepths() {
			print(m.term(1, m.y(s*p.NumDepths()+k)))
		}
		print(" = 1\n")
	}
	for b := range p.NumBlocks() {
		// The products of an option, or of the block being off, with the depths
		// of a stage sum to the same for every stage.
		for s := range p.Stages {
			for o := range p.Options {
				a := b*p.Options + o
				for k := range p.NumDepths() {
					print(m.term(1, m.z(a, s*p.NumDepths()+k)))
				}
				print(m.term(-1, m.x(a)), " = 0\n")
			}
			for k := range p.NumDepths() {
				j := s*p.NumDepths() + k
				if !free {
					print(m.term(1, m.w(b, j)))
				}
				for o := range p.Options {
					print(m.term(1, m.z(b*p.Options+o, j)))
				}
				print(m.term(-1, m.y(j)), " = 0\n")
			}
		}
		if free {
			continue
		}
		for j := range p.Beta {
			switch own := j/p.NumDepths() == b/p.MaxDepth; {
			case own && m.off(b, j):
				print(m.term(1, m.w(b, j)), m.term(-1, m.y(j)), " = 0\n")
			case own:
				print(m.term(1, m.w(b, j)), " = 0\n")
			}
		}
	}
	print("Binary\n")
	for a := range p.Alpha {
		print(" ", m.x(a), "\n")
	}
	for j := range p.Beta {
		print(" ", m.y(j), "\n")
	}
	print("End\n")
}

// values reads glpsol's solution: lines of "s mip rows columns status value"
// and "j column value".
func (m *milpModel) values(t *testing.T, solution string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for line := range strings.Lines(solution) {
		f := strings.Fields(line)
		number := func(i int) float64 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				t.Fatalf("glpsol: line %q", line)
			}
			return v
		}
		switch {
		case len(f) == 6 && f[0] == "s":
			if f[4] != "o" {
				t.Fatalf("glpsol: not optimal: %q", line)
			}
			m.objective = number(5)
		case len(f) == 3 && f[0] == "j":
			out[m.columns[int(number(1))-1]] = number(2)
		}
	}
	return out
}
