package figure_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/figure"
)

func engine() (*explore.Engine, []explore.ParetoPoint, error) {
	setup, err := explore.Load("", "", "")
	if err != nil {
		return nil, nil, err
	}
	e, err := explore.New(context.Background(), setup)
	if err != nil {
		return nil, nil, err
	}
	points, _, err := e.Pareto(context.Background(), 1)
	return e, points, err
}

func Example() {
	e, points, err := engine()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := figure.Frontier(e, points, []figure.Mark{{Label: "mine", LatencyMS: points[0].LatencyMS, Accuracy: points[0].Accuracy}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var svg bytes.Buffer
	d.Write(&svg, "svg")
	fmt.Println(strings.Contains(svg.String(), "latency (ms)"))
	// Output: true
}

// Names from outside reach the picture as text and nothing else.
func TestLabelsAreText(t *testing.T) {
	e, points, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	d, err := figure.Frontier(e, points, []figure.Mark{{Label: "a<script>&\x1b[31m\u202eb", LatencyMS: 5, Accuracy: 78}})
	if err != nil {
		t.Fatal(err)
	}
	var svg bytes.Buffer
	if err := d.Write(&svg, "svg"); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(svg.String(), "\x1b\u202e") || strings.Contains(svg.String(), "<script>") {
		t.Error("the label is not text in the picture")
	}
	for d := xml.NewDecoder(&svg); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
