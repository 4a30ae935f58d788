package figure_test

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/figure"
)

func svg(t *testing.T, c figure.Chart) string {
	t.Helper()
	d, err := c.Draw()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := d.Write(&out, "svg"); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Every part of a chart is in the picture: points, bars, lines, texts, the diagonal
// and the legend, each only where it is asked for.
func TestChart(t *testing.T) {
	points := figure.Series{Style: figure.Blue, X: []float64{1, 2, 4}, Y: []float64{1, 3, 2}}
	chart := func(change func(*figure.Chart, *figure.Series)) string {
		s := points
		c := figure.Chart{X: "across", Y: "up"}
		change(&c, &s)
		c.Series = []figure.Series{s}
		return svg(t, c)
	}
	plain := chart(func(*figure.Chart, *figure.Series) {})
	for name, change := range map[string]func(*figure.Chart, *figure.Series){
		"bars across": func(_ *figure.Chart, s *figure.Series) { s.XError = []float64{0.1, 0.2, 0.1} },
		"bars up":     func(_ *figure.Chart, s *figure.Series) { s.YError = []float64{0.1, 0.2, 0.1} },
		"a line":      func(_ *figure.Chart, s *figure.Series) { s.Line = figure.Straight },
		"diagonal":    func(c *figure.Chart, _ *figure.Series) { c.Diagonal = true },
	} {
		if with := chart(change); strings.Count(with, "<path") <= strings.Count(plain, "<path") {
			t.Errorf("%s: nothing is drawn for it", name)
		}
	}
	if s := chart(func(_ *figure.Chart, s *figure.Series) {
		s.Label, s.Texts = "nets", []string{"A", "B\x1b[31m", "C"}
	}); !strings.Contains(s, ">nets</text>") || !strings.Contains(s, "> B</text>") {
		t.Error("the legend or a text beside a point is missing")
	}
	if s := chart(func(c *figure.Chart, _ *figure.Series) { c.LogX = true }); !strings.Contains(s, ">4</text>") {
		t.Error("a point has no tick")
	}
	if s := chart(func(c *figure.Chart, _ *figure.Series) { c.Title = "one\ntwo" }); !strings.Contains(s, ">one</text>") || !strings.Contains(s, ">two</text>") {
		t.Error("the title has not two lines")
	}
	if _, err := (figure.Chart{Series: []figure.Series{{X: []float64{1, math.NaN()}, Y: []float64{1, 2}}}}).Draw(); err == nil {
		t.Error("a point that is nowhere is drawn")
	}
}

func TestHeat(t *testing.T) {
	d, err := figure.Heat{
		Title: "heat", Rows: []string{"top", "bottom"}, Columns: []string{"a", "b"},
		Values: [][]float64{{0.5, math.NaN()}, {-0.25, 1}}, Chosen: [][]bool{{false, false}, {false, true}},
	}.Draw()
	if err != nil {
		t.Fatal(err)
	}
	var text, picture bytes.Buffer
	if err := d.Write(&text, "svg"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"+0.50", "-0.25", "□", "top", "bottom"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text.String(), "+1.00") || strings.Contains(text.String(), "NaN") {
		t.Error("what is chosen, or has no value, shows one")
	}
	if err := d.Write(&picture, "png"); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&picture); err != nil {
		t.Error(err)
	}
}

func TestFormat(t *testing.T) {
	for name, want := range map[string]string{"a.svg": "svg", "b/a.PNG": "png", "a.pdf": "", "svg": ""} {
		if got, err := figure.Format(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
