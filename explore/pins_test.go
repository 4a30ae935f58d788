package explore

import (
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/solver"
)

// Pins that are written are read back, and hold.
func TestPins(t *testing.T) {
	texts := []string{"2=3", "5=4", "1.0=k5,e6,se", "2.1=e3", "3.3=k3,nose"}
	pin := func(s *Setup) {
		for _, text := range texts {
			if err := s.Pin(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	e := defaultEngine(t, pin)
	if got := e.PinTexts(); !slices.Equal(got, texts) {
		t.Errorf("written %q, read %q", got, texts)
	}
	f, err := e.Search(t.Context(), Request{LimitMS: 6})
	if err != nil || f.Status != solver.Optimal {
		t.Fatal(f, err)
	}
	first, second := e.Space.Options[f.Path.Option[0]], e.Space.Options[f.Path.Option[5]]
	if f.Path.Depth[1] != 3 || f.Path.Depth[4] != 4 || first.String() != "k5 e6 se" || second.Expansion != 3 {
		t.Errorf("pinned: depths %v, options %v and %v", f.Path.Depth, first, second)
	}
	held := e.Setup
	before := held.PinTexts()
	for text, want := range map[string]string{
		"": "a stage and its depth", "2": "a stage and its depth", "6=3": "stages 1 to 5", "2.4=k3": "blocks 0 to 3", "2=5": "expected 2 to 4", "2=": "expected 2 to 4",
		"2.1=k7": `"k7": expected such as k3`, "2.1=": "expected such as", "2.1=k3,k5": "no option is all of k3 k5", "x.1=k3": "a stage",
	} {
		if err := held.Pin(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
	if !slices.Equal(held.PinTexts(), before) {
		t.Error("a pin that was refused changed the others")
	}
}
