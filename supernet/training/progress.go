package training

import (
	"fmt"
	"slices"
	"time"
)

// Progress is a training at one moment, for whoever shows it. It shares nothing
// that changes afterwards.
type Progress struct {
	Stage           Stage
	Epoch, Epochs   int // the epoch at work, from 1
	Step, Steps     int // steps done, of all epochs
	Doing           string
	LR              float64
	ImagesPerSecond float64
	Left            time.Duration // estimated; 0 where it is not known
	Ranks           int           // processes that train together
	Communication   float64       // share of a step in which they communicate, or wait for each other

	// Curves of the whole stage, from its first step on also where it was
	// resumed.
	Loss       Curve    // training loss
	Top1       Curve    // percent, of the augmented images that are trained on
	Validation []Series // top-1 of each validated network after each epoch, percent
	Last       Metric   // the last line of metrics
	Scores     []Score  // the last validation
}

// Series is a curve with a name.
type Series struct {
	Name string
	Curve
}

// Curve is values over steps. Long ones are thinned to means of neighbours, so
// that they take little memory and can be drawn as they are.
type Curve struct {
	Steps  []int
	Values []float64
	per    int // points that a value is the mean of
	count  int // of the points taken into the last value, of per
}

// maxCurve is the most points of a curve: more than a screen has columns.
const maxCurve = 1024

// with returns the curve with one more point. The slices of c stay as they are.
func (c Curve) with(step int, value float64) Curve {
	out := Curve{slices.Clone(c.Steps), slices.Clone(c.Values), max(c.per, 1), c.count}
	if n := len(out.Values) - 1; n >= 0 && out.count < out.per {
		out.count++
		out.Values[n] += (value - out.Values[n]) / float64(out.count)
		out.Steps[n] = step
		return out
	}
	if len(out.Values) == maxCurve {
		for i := range maxCurve / 2 {
			out.Values[i] = (out.Values[2*i] + out.Values[2*i+1]) / 2
			out.Steps[i] = out.Steps[2*i+1]
		}
		out.Steps, out.Values = out.Steps[:maxCurve/2], out.Values[:maxCurve/2]
		out.per *= 2
	}
	out.Steps, out.Values, out.count = append(out.Steps, step), append(out.Values, value), 1
	return out
}

// take adds a line of metrics to the curves.
func (p *Progress) take(m Metric) {
	if len(m.Validation) == 0 {
		p.Last, p.LR = m, m.LR
		p.Loss, p.Top1 = p.Loss.with(m.Step, m.Loss), p.Top1.with(m.Step, m.Top1)
		return
	}
	p.Scores = m.Validation
	series := slices.Clone(p.Validation)
	for _, score := range m.Validation {
		i := slices.IndexFunc(series, func(s Series) bool { return s.Name == score.Network })
		if i < 0 {
			i, series = len(series), append(series, Series{Name: score.Network})
		}
		series[i].Curve = series[i].with(m.Step, score.Top1)
	}
	p.Validation = series
}

// Status says in a few words what is going on.
func (p Progress) Status() string {
	line := fmt.Sprintf("epoch %d of %d, %s", p.Epoch, p.Epochs, p.Doing)
	if p.Ranks > 1 {
		line += fmt.Sprintf(" on %d ranks, %.0f%% communication", p.Ranks, 100*p.Communication)
	}
	if p.Last.Step > 0 {
		line += fmt.Sprintf(", loss %.3f, top-1 %.1f%%", p.Last.Loss, p.Last.Top1)
	}
	for i, s := range p.Scores {
		if i == 0 {
			line += ", held out"
		}
		line += fmt.Sprintf(" %s %.1f%%", s.Network, s.Top1)
	}
	return line
}
