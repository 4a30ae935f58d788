package param_test

import (
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/param"
)

type kind string

type settings struct {
	Images int           `json:"images"`
	Rate   float64       `json:"rate"`
	Seed   uint64        `json:"seed"`
	Kind   kind          `json:"kind,omitempty"`
	Each   bool          `json:"each_step"`
	Every  time.Duration `json:"every"`
	inner
}

type inner struct {
	Share int `json:"share"`
}

var table = param.Table{
	{Key: "images", Usage: "images, `N`", Zero: "all", Least: 2, Most: 10},
	{Key: "rate", Usage: "`RATE`", Above: true, Most: 1, Below: true},
	{Key: "seed", Usage: "`SEED`"},
	{Key: "kind", Usage: "by `KIND`", Choices: []string{"a", "b", "c"}},
	{Key: "each_step", Usage: "each"},
	{Key: "every", Usage: "`TIME`", Least: 1},
	{Key: "share", Name: "percent", Label: "share of images", Usage: "`PERCENT`", Unit: "%", Least: 1, Most: 100},
}

// What is set is what is read, in any way that it may be typed; what is refused
// changes nothing, and says what was expected.
func TestSet(t *testing.T) {
	s := settings{Rate: 0.5, Kind: "a", Every: time.Minute, inner: inner{80}}
	values := table.In(&s)
	for _, c := range []struct{ key, text, shown, err string }{
		{"images", "7", "7", ""}, {"images", "all", "all", ""}, {"images", "1", "", "images 1: expected 2 to 10"}, {"images", "x", "", `"x": expected a whole number`},
		{"rate", "0.25", "0.25", ""}, {"rate", "1", "", "rate 1: expected"}, {"rate", "0", "", "rate 0: expected"}, {"rate", "NaN", "", "rate NaN"},
		{"seed", "18446744073709551615", "18446744073709551615", ""}, {"seed", "-1", "", "whole number of at least 0"},
		{"kind", "c", "c", ""}, {"kind", "d", "", `kind "d": expected a, b or c`}, {"each_step", "yes", "yes", ""}, {"each_step", "maybe", "", "yes or no"},
		{"every", "5s", "5s", ""}, {"every", "1ms", "", "every 1ms: expected at least 1s"},
		{"share", "50 %", "50 %", ""}, {"share", "60", "60 %", ""}, {"share", "0%", "", "share of images 0: expected 1 to 100"},
	} {
		v, ok := values.Named(c.key)
		if !ok {
			t.Fatal(c.key)
		}
		before := v.Get()
		err := v.Set(c.text)
		switch {
		case c.err == "" && (err != nil || v.Shown() != c.shown):
			t.Errorf("%s %q: shown %q, %v", c.key, c.text, v.Shown(), err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || v.Get() != before):
			t.Errorf("%s %q: %v, now %v", c.key, c.text, err, v.Get())
		}
	}
	if s.Share != 60 || s.Kind != "c" || !s.Each || s.Every != 5*time.Second {
		t.Errorf("%+v", s)
	}
	var other settings
	table.In(&other).Copy(values, func(key string) bool { return key == "share" || key == "kind" })
	if want := (settings{Kind: "c", inner: inner{60}}); other != want {
		t.Errorf("copied %+v, expected %+v", other, want)
	}
	if err := table.In(&settings{Images: 11}).Check(param.Param.Flag); err == nil || !strings.HasPrefix(err.Error(), "images 11: expected 2 to 10") {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	if p := table[6]; p.Flag() != "percent" || p.FormLabel() != "share of images" {
		t.Errorf("%q, %q", p.Flag(), p.FormLabel())
	}
	if p := table[4]; p.Flag() != "each-step" || p.FormLabel() != "each step" {
		t.Errorf("%q, %q", p.Flag(), p.FormLabel())
	}
	values := table.In(&settings{})
	if got := values[3].FlagUsage(); got != "by `KIND`: a, b or c" {
		t.Error(got)
	}
	if got := values[0].FlagUsage(); got != "images, `N` (default: all)" {
		t.Error(got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a parameter without a field is accepted")
		}
	}()
	param.Table{{Key: "none"}}.In(&settings{})
}
