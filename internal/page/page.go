// Package page writes what was explored as one HTML page to send: the frontier with
// every network on it, a slider over it, the sweep as a heat map, the architecture,
// and what the figures come from. The page needs no network and no other file: uPlot
// (MIT licence, web/uplot/LICENSE), which draws the frontier, is in it.
package page

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/internal/version"
	"github.com/binas-tui/binas-tui/model"
)

var (
	//go:embed web/page.html
	frame string
	//go:embed web/page.css
	style string
	//go:embed web/page.js
	script string
	//go:embed web/uplot/uPlot.min.js
	uplot string
	//go:embed web/uplot/uPlot.min.css
	uplotStyle string
	//go:embed web/uplot/LICENSE
	uplotLicence string
)

// Options are what a page says beside the frontier.
type Options struct {
	Made    time.Time
	Exact   bool          // the points are all there are
	LimitMS float64       // the budget that it opens with; 0 is in the middle
	Marks   []figure.Mark // networks to point out
	Command string        // that computes the frontier again; "" is left out
}

// data is what the script of the page reads. Percentages are points of 100.
type data struct {
	Title   string      `json:"title"`
	Facts   [][2]string `json:"facts"`
	Exact   bool        `json:"exact"`
	Count   float64     `json:"count"` // networks of the space
	LimitMS float64     `json:"limit_ms"`
	MinMS   float64     `json:"min_ms"`
	MaxMS   float64     `json:"max_ms"`
	FixedMS float64     `json:"fixed_ms"`

	LatencyMS    []float64   `json:"ms"` // of the networks of the frontier, rising
	Accuracy     []float64   `json:"accuracy"`
	Deviation    []float64   `json:"deviation,omitempty"` // one standard deviation; none where it is not known
	Extrapolated []bool      `json:"extrapolated"`
	Paths        []string    `json:"paths"` // digits: depths; letters: options from "a" on, "." is off
	Params       []int64     `json:"params"`
	MACs         []int64     `json:"macs"`
	Stages       []stage     `json:"stages"`
	MaxDepth     int         `json:"max_depth"`
	Options      []option    `json:"options"`
	BlockMS      [][]float64 `json:"block_ms"` // [block][option]
	Codes        [][]string  `json:"codes"`    // [block][option], as architectures write them
	First        string      `json:"first"`
	Last         string      `json:"last"`
	Published    []mark      `json:"published,omitempty"`
	Marks        []mark      `json:"marks,omitempty"`
}

type stage struct {
	Channels   int `json:"channels"`
	Resolution int `json:"resolution"` // of its output
}

type option struct {
	Name      string  `json:"name"`
	Kernel    int     `json:"kernel"`
	Expansion float64 `json:"expansion"`
	SE        bool    `json:"se"`
}

type mark struct {
	Name     string  `json:"name"`
	Letter   string  `json:"letter,omitempty"`
	MS       float64 `json:"ms"`
	Accuracy float64 `json:"accuracy"`
}

// Frontier writes the page of a frontier. How far predictions may be off takes some
// tenths of a second to compute, which ctx ends.
func Frontier(ctx context.Context, w io.Writer, e *explore.Engine, points []explore.ParetoPoint, o Options) error {
	d, err := newData(ctx, e, points, o)
	if err != nil {
		return err
	}
	text, err := json.Marshal(d) // with < and > escaped, so that no name ends the script
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	var facts strings.Builder
	for _, f := range d.Facts {
		fmt.Fprintf(&facts, "<tr><th>%s</th><td>%s</td></tr>\n", html.EscapeString(f[0]), html.EscapeString(f[1]))
	}
	_, err = strings.NewReplacer(
		"{{title}}", html.EscapeString(d.Title), "{{facts}}", facts.String(), "{{licence}}", html.EscapeString(uplotLicence),
		"{{uplot.css}}", uplotStyle, "{{page.css}}", style, "{{uplot.js}}", uplot, "{{page.js}}", script, "{{data}}", string(text),
	).WriteString(w, frame)
	return err
}

func newData(ctx context.Context, e *explore.Engine, points []explore.ParetoPoint, o Options) (*data, error) {
	s := e.Setup
	space := s.Space
	d := &data{
		Title: "Networks for " + sanitize.Line(s.LUTName), Exact: o.Exact, Count: space.NetworkCount(), LimitMS: o.LimitMS,
		MinMS: e.MinLatencyMS(), MaxMS: e.MaxLatencyMS(), FixedMS: e.Table.FixedMS, MaxDepth: space.MaxDepth,
		First: space.FirstBlock().String(), Last: space.LastBlock().String(),
	}
	fact := func(name, value string) { d.Facts = append(d.Facts, [2]string{name, sanitize.Line(value)}) }
	for _, f := range s.Facts() {
		fact(f[0], f[1])
	}
	if o.Command != "" {
		fact("command", o.Command)
	}
	fact("made", o.Made.Format("2006-01-02 15:04")+" by binas-tui "+version.Text())

	n := space.NumOptions()
	for b := range space.NumBlocks() {
		codes := make([]string, n)
		for i := range codes {
			codes[i] = space.BlockCode(b, i).String()
		}
		d.Codes, d.BlockMS = append(d.Codes, codes), append(d.BlockMS, e.Table.BlockMS[b*n:(b+1)*n])
	}
	for _, st := range space.Stages {
		d.Stages = append(d.Stages, stage{st.OutChannels, model.Downsample(st.Resolution, st.Stride)})
	}
	for _, op := range space.Options {
		d.Options = append(d.Options, option{op.String(), op.Kernel, op.Expansion, op.SERatio > 0})
	}
	constant, known := e.AccuracyError()
	for _, p := range points {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		cost, err := space.Architecture(p.Path).Cost(space.ImageSize, s.NumClasses())
		if err != nil {
			return nil, err
		}
		d.LatencyMS, d.Accuracy, d.Paths = append(d.LatencyMS, p.LatencyMS), append(d.Accuracy, p.Accuracy), append(d.Paths, pathText(space, p.Path))
		d.Params, d.MACs = append(d.Params, cost.Params), append(d.MACs, cost.MACs)
		d.Extrapolated = append(d.Extrapolated, s.PredictorInfo.Extrapolates(p.Accuracy))
		switch {
		case e.Uncertainty != nil:
			d.Deviation = append(d.Deviation, e.Uncertainty.Points(p.Path))
		case known:
			d.Deviation = append(d.Deviation, constant)
		}
	}
	if d.LimitMS == 0 && len(points) > 0 {
		d.LimitMS = points[len(points)/2].LatencyMS
	}
	d.Published = publishedMarks(e)
	for _, m := range o.Marks {
		d.Marks = append(d.Marks, mark{Name: sanitize.Line(m.Label), MS: m.LatencyMS, Accuracy: m.Accuracy})
	}
	return d, nil
}

// pathText writes a path: a digit for the depth of each stage, a letter for each block.
func pathText(space *model.Space, p model.Path) string {
	var w strings.Builder
	for _, depth := range p.Depth {
		w.WriteByte(byte('0' + depth))
	}
	for b, o := range p.Option {
		if space.Active(p, b) {
			w.WriteByte(byte('a' + o))
		} else {
			w.WriteByte('.')
		}
	}
	return w.String()
}

// publishedMarks are the published networks of the space, at their latency by the
// table in use and their accuracy as published.
func publishedMarks(e *explore.Engine) (out []mark) {
	if e.Space.ImageSize != published.ImageSize {
		return nil
	}
	for _, n := range published.Networks() {
		if path, err := e.Space.Path(n.Architecture); err == nil {
			out = append(out, mark{n.Name, n.Mark(), e.LatencyMS(path), n.Top1})
		}
	}
	return out
}
