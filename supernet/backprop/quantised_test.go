package backprop

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// surrogate computes a rounded block in float64, the first time with rounding, later
// with what rounding added then: its slopes are what straight-through gradients are.
type surrogate struct {
	values map[string]*matrix // of a bench
	batch  int
	levels map[string]onnx.Levels
	added  map[string][]float64
}

// inputScale is that of the input of all layers, in units of which biases are rounded.
const inputScale = 0.5

type matrix struct {
	rows, columns int
	at            []float64
}

// round rounds within levels that cut off some of the first values.
func (s *surrogate) round(name string, x *matrix, gate bool) *matrix {
	written, ok := s.levels[name]
	read := written
	switch {
	case gate:
		written, read = onnx.GateWritten, onnx.GateRead
	case !ok:
		low, high := 0.0, 0.0
		for _, v := range x.at {
			low, high = min(low, v), max(high, v)
		}
		written = onnx.Levels{Scale: float32(0.9 * (high - low) / 255), Zero: uint8(math.Round(-255 * low / (high - low)))}
		s.levels[name], read = written, written
	}
	least, greatest := written.Ends()
	half := float64(written.Scale) / 2
	straight := func(v float64) float64 {
		v = max(least-half, min(greatest+half, v))
		return float64(read.Scale) * (v/float64(written.Scale) + float64(written.Zero) - float64(read.Zero))
	}
	y := &matrix{x.rows, x.columns, make([]float64, len(x.at))}
	added := s.added[name]
	for i, v := range x.at {
		if s.added[name] == nil {
			q := math.RoundToEven(v/float64(written.Scale)) + float64(written.Zero)
			added = append(added, float64(read.Scale)*(max(0, min(255, q))-float64(read.Zero))-straight(v))
		}
		y.at[i] = straight(v) + added[i]
	}
	s.added[name] = added
	return y
}

// weight is a weight with its normalisation folded in, rounded, and its bias.
func (s *surrogate) weight(conv, bn string) (*matrix, []float64) {
	raw := s.values["p:"+conv+".weight"]
	w, bias := &matrix{raw.rows, raw.columns, make([]float64, len(raw.at))}, make([]float64, raw.rows)
	var added []float64
	scales := make([]float64, w.rows)
	for r := range w.rows {
		gain := 1.0
		if bn == "" {
			bias[r] = s.values["p:"+conv+".bias"].at[r]
		} else {
			of := func(name string) float64 { return s.values["p:"+bn+name].at[r] }
			gain = of(".weight") / math.Sqrt(of(".running_var")+epsilon)
			bias[r] = of(".bias") - of(".running_mean")*gain
		}
		row, largest := w.at[r*w.columns:(r+1)*w.columns], 0.0
		for i := range row {
			row[i] = raw.at[r*w.columns+i] * gain
			largest = max(largest, math.Abs(row[i]))
		}
		scales[r] = largest / 127
		for _, v := range row {
			added = append(added, math.RoundToEven(v/(largest/127))*largest/127-v)
		}
	}
	if s.added[conv+".weight"] == nil {
		s.added[conv+".weight"] = added
	}
	for i, v := range s.added[conv+".weight"] {
		w.at[i] += v
	}
	var biases []float64
	for r, v := range bias {
		scale := inputScale * scales[r]
		biases = append(biases, math.RoundToEven(v/scale)*scale-v)
	}
	if s.added[conv+".bias"] == nil {
		s.added[conv+".bias"] = biases
	}
	for i, v := range s.added[conv+".bias"] {
		bias[i] += v
	}
	return w, bias
}

func (s *surrogate) linear(conv, bn string, x *matrix) *matrix {
	w, bias := s.weight(conv, bn)
	y := &matrix{w.rows, x.columns, make([]float64, w.rows*x.columns)}
	for r := range w.rows {
		for c := range x.columns {
			sum := bias[r]
			for k := range w.columns {
				sum += w.at[r*w.columns+k] * x.at[k*x.columns+c]
			}
			y.at[r*x.columns+c] = sum
		}
	}
	return y
}

func (s *surrogate) depthwise(conv, bn string, kernel, side int, x *matrix) *matrix {
	w, bias := s.weight(conv, bn)
	y := &matrix{x.rows, x.columns, make([]float64, len(x.at))}
	for r := range x.rows {
		grid(side, func(p, oy, ox int) {
			for n := range s.batch {
				sum := bias[r]
				grid(kernel, func(k, ky, kx int) {
					if from := position(side, oy+ky-kernel/2, ox+kx-kernel/2); from < side*side {
						sum += w.at[r*w.columns+k] * x.at[r*x.columns+from*s.batch+n]
					}
				})
				y.at[r*x.columns+p*s.batch+n] = sum
			}
		})
	}
	return y
}

// each computes values one by one.
func each(x *matrix, f func(i int, v float64) float64) *matrix {
	y := &matrix{x.rows, x.columns, make([]float64, len(x.at))}
	for i, v := range x.at {
		y.at[i] = f(i, v)
	}
	return y
}

func (s *surrogate) activation(kind model.Activation, conv, act string, x *matrix) *matrix {
	if kind == model.ReLU {
		return s.round(act, each(x, func(_ int, v float64) float64 { return max(0, v) }), false)
	}
	x = s.round(conv, x, false)
	gate := s.round(act+" gate", x, true)
	return s.round(act, each(x, func(i int, v float64) float64 { return v * gate.at[i] }), false)
}

// block is an inverted residual with squeeze-excite whose input is added.
func (s *surrogate) block(code model.BlockCode, side int) *matrix {
	x := s.values["x"]
	y := s.activation(code.Activation, "conv_pw", "act1", s.linear("conv_pw", "bn1", x))
	y = s.activation(code.Activation, "conv_dw", "act2", s.depthwise("conv_dw", "bn2", code.Kernel, side, y))
	pool := &matrix{y.rows, s.batch, make([]float64, y.rows*s.batch)}
	for i, v := range y.at {
		pool.at[i/y.columns*s.batch+i%s.batch] += v / float64(side*side)
	}
	gate := s.activation(model.ReLU, "", "se.act", s.linear("se.conv_reduce", "", s.round("se.pool", pool, false)))
	gate = s.round("se gate", s.linear("se.conv_expand", "", gate), true)
	y = s.round("se", each(y, func(i int, v float64) float64 { return v * gate.at[i/y.columns*s.batch+i%s.batch] }), false)
	y = s.round("conv_pwl", s.linear("conv_pwl", "bn3", y), false)
	return s.round("sum", each(y, func(i int, v float64) float64 { return v + x.at[i] }), false)
}

// A rounded block computes what rounding says, and its gradients are the slopes with
// what rounding added held fast.
func TestStraightThroughGradients(t *testing.T) {
	onnxtest.Require(t)
	const channels, side = 8, 4
	for _, text := range []string{"ir_r1_k3_s1_e3_c8_se0.25", "ir_r1_k5_s1_e3_c8_nre_se0.25"} {
		code, err := model.ParseBlockCode(text)
		if err != nil {
			t.Fatal(err)
		}
		plain := block(code, channels, side, testedBatch)
		every := map[string]onnx.Levels{}
		for _, name := range []string{"conv_pw", "act1", "conv_dw", "act2", "se.pool", "se.act", "se", "conv_pwl", "sum"} {
			if code.Activation != model.ReLU || name != "conv_pw" && name != "conv_dw" {
				every["blocks.2.0."+name] = onnx.Levels{Scale: 1}
			}
		}
		draft := newBench(t, rounder{every, "blocks.2.0."}.segment(plain), testedBatch, kernels.Off) // for the values it takes
		s := &surrogate{values: map[string]*matrix{}, batch: testedBatch, levels: map[string]onnx.Levels{}, added: map[string][]float64{}}
		for key, v := range draft.values {
			m := &matrix{at: make([]float64, len(v.Data))}
			if shape := v.Shape; len(shape) == 2 {
				m.rows, m.columns = shape[0], shape[1]
			}
			for i, x := range v.Data {
				if strings.HasSuffix(key, ".running_var") {
					x = 0.5 + x*x
				}
				if key == "keep" {
					x = 1
				}
				m.at[i] = float64(x)
			}
			s.values[key] = m
		}
		out := s.block(code, side)
		levels := map[string]onnx.Levels{}
		for name, l := range s.levels {
			levels["blocks.2.0."+name] = l
		}
		for _, name := range []string{"conv_pw", "conv_dw", "se.conv_reduce", "se.conv_expand", "conv_pwl"} {
			levels["blocks.2.0."+name+".bias"] = onnx.Levels{Scale: inputScale}
		}
		b := newBench(t, rounder{levels, "blocks.2.0."}.segment(plain), testedBatch, kernels.Off)
		for key, v := range b.values {
			for i := range v.Data {
				v.Data[i] = float32(s.values[key].at[i])
			}
		}
		b.run(b.forward)
		b.run(b.backward)
		level, off := float64(s.levels["sum"].Scale), 0
		for i, v := range b.values["out"].Data {
			if math.Abs(float64(v)-out.at[i]) > 0.01*level { // where rounding falls otherwise
				off++
			}
		}
		if off > len(out.at)/50 {
			t.Errorf("%s: %d of %d values are others", text, off, len(out.at))
		}
		loss := func() (sum float64) {
			for i, v := range s.block(code, side).at {
				sum += v * s.values["dout"].at[i]
			}
			return sum
		}
		gradients := 0
		rng := rand.New(rand.NewPCG(5, 5))
		for _, key := range b.backward.outs {
			of := "x"
			if local, ok := strings.CutPrefix(key, "g:"); ok {
				of = "p:" + local
			}
			gradients++
			v, g := s.values[of], b.values[key].Data
			at := append([]float64{}, v.at...)
			for range 4 {
				const width = 1e-6
				norm, have := 0.0, 0.0
				along := make([]float64, len(g))
				for i, x := range g {
					along[i] = float64(2*rng.IntN(2) - 1)
					have, norm = have+along[i]*float64(x), norm+float64(x)*float64(x)
				}
				var losses [2]float64
				for i, sign := range []float64{1, -1} {
					for k := range at {
						v.at[k] = at[k] + sign*width*along[k]
					}
					losses[i] = loss()
				}
				copy(v.at, at)
				if want := (losses[0] - losses[1]) / (2 * width); math.Abs(have-want) > 0.03*math.Sqrt(norm) {
					t.Errorf("%s: gradient of %s: %v along a direction, the slope is %v, of %v", text, of, have, want, math.Sqrt(norm))
				}
			}
		}
		if gradients != 11 {
			t.Errorf("%s: %d gradients: expected those of 5 weights, 5 biases and x", text, gradients)
		}
	}
}

// A network in rounded training computes what its integer form does, in evaluation and
// in steps, and rounds every value that the integer form rounds; its normalisations stay
// frozen. After the first blocks in integers it is much nearer to that than in floats.
// Then a sum in another order falls to other levels here and there, as it does with a
// change of the image by a millionth: answers are as near as those.
func TestRoundedNetworkIsTheIntegerForm(t *testing.T) {
	onnxtest.Require(t)
	space := newSpace(t, 32)
	x, labels := goldenBatch(t)
	batch := len(labels)
	path := space.HeaviestPath()
	for i := range path.Depth {
		path.Depth[i] = space.MinDepth
	}
	for i := range path.Option {
		if path.Option[i] = (5*i + 3) % space.NumOptions(); !space.Active(path, i) {
			path.Option[i] = model.Off
		}
	}
	w, err := supernet.Child(space, rawSupernet(t), path)
	if err != nil {
		t.Fatal(err)
	}
	classes, err := supernet.ClassesOf(w)
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Network(space.Architecture(path), w, onnx.NetworkOptions{ImageSize: 32, Classes: classes, Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	ranges := onnx.Calibrated{}
	run(t, g.Observed(), x, func(name string, data []float32) {
		r := onnx.Range{}
		for _, v := range data {
			r.Min, r.Max = min(r.Min, v), max(r.Max, v)
		}
		ranges[name] = r
	})
	quantised, err := g.Quantised(ranges.Of)
	if err != nil {
		t.Fatal(err)
	}
	levels, err := g.Levels(ranges.Of)
	if err != nil {
		t.Fatal(err)
	}
	const stage, value = 3, "blocks.2.1.sum" // stem, first block, stage in floats, stage in integers
	side := space.Stages[1].Resolution / space.Stages[1].Stride
	var want, floats, answers, inFloats []float32
	for _, of := range []struct {
		g             *onnx.Graph
		value, answer *[]float32
	}{{quantised, &want, &answers}, {g, &floats, &inFloats}} {
		of.g.Output(value, batch, space.Stages[1].OutChannels, side, side)
		run(t, of.g, x, func(name string, data []float32) {
			to := of.answer
			if name == value {
				to = of.value
			}
			*to = append([]float32{}, data...)
		})
	}
	e := newEngine(t, space, classes, Options{Batch: batch, Levels: levels})
	evaluated, err := e.Evaluated(path, w)
	if err != nil {
		t.Fatal(err)
	}
	f, err := evaluated.Features(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	// distance of a list from those of the integer form, of values that are rounded last.
	distance := func(of, from []float32, last onnx.Levels) (root float64) {
		sum := 0.0
		for i, v := range of {
			d := float64(v - from[i])
			if d = math.Abs(d); d <= 0.51*float64(last.Scale) {
				d = 0
			}
			sum += d * d
		}
		return math.Sqrt(sum / float64(len(of)))
	}
	have := make([]float32, len(want)) // [batch, channels, positions]
	m, positions := f.maps[stage], side*side
	if err := errors.Join(m.Mirror(), m.Download(), e.memory.Wait()); err != nil {
		t.Fatal(err)
	}
	for c := range m.Shape[0] {
		for p := range positions {
			for n := range batch {
				have[(n*m.Shape[0]+c)*positions+p] = m.Data[c*m.Shape[1]+p*batch+n]
			}
		}
	}
	last := levels[value]
	if near, far := distance(have, want, last), distance(floats, want, last); !(near < far/3) {
		t.Errorf("%s: %.4g from the integer form, which is %.4g from floats", value, near, far)
	}
	first := append([]float32{}, f.Logits...)
	net, err := e.Child(path, w)
	if err != nil {
		t.Fatal(err)
	}
	mean := append([]float32{}, w["bn1.running_mean"].Data...)
	r, err := net.Step(context.Background(), x, labels, Loss{}, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range x {
		x[i] *= 1 + 0x1p-20
	}
	if f, err = evaluated.Features(context.Background(), x); err != nil {
		t.Fatal(err)
	}
	apart, chaos := distance(inFloats, answers, onnx.Levels{}), distance(f.Logits, first, onnx.Levels{})
	for name, logits := range map[string][]float32{"evaluated": first, "in a step": r.Logits} {
		if d := distance(logits, answers, onnx.Levels{}); !(d < 1.5*max(apart, chaos)) {
			t.Errorf("%s: %.4g from the integer form, which is %.4g from floats", name, d, apart)
		}
	}
	compare(t, "running mean", w["bn1.running_mean"].Data, mean, 0)

	rounds := map[string]bool{}
	var note func(prefix string, layers []layer)
	note = func(prefix string, layers []layer) {
		for _, l := range layers {
			switch l := l.(type) {
			case segment:
				note(prefix, l.layers)
			case roundedExcite:
				rounds[prefix+"se.gate"] = true
				note(prefix, l.layers)
			case rounding:
				rounds[prefix+l.name] = true
			case foldedPointwise:
				rounds[prefix+l.conv+".bias"] = l.input.Scale > 0
			case foldedDepthwise:
				rounds[prefix+l.conv+".bias"] = l.input.Scale > 0
			}
		}
	}
	for slot := range e.slotHead() + 1 {
		option := 0
		if b, ok := e.block(slot); ok {
			if !space.Active(path, b) {
				continue
			}
			option = path.Option[b]
		}
		note(e.prefix(slot), e.trained(slot, option).layers)
	}
	rounds["flatten"] = true // which is rounded before
	for name := range levels {
		if !rounds[name] {
			t.Errorf("%s is not rounded in training", name)
		}
		delete(rounds, name)
	}
	for name, rounded := range rounds {
		if !rounded {
			delete(rounds, name)
		}
	}
	if len(rounds) > 0 {
		t.Errorf("%v are rounded in training alone", rounds)
	}
	if _, err := e.Supernet(rawSupernet(t)); err == nil {
		t.Error("a supernet is trained with the levels of one network")
	}
}

// run calls do with the outputs of a graph.
func run(t *testing.T, g *onnx.Graph, x []float32, do func(name string, data []float32)) {
	t.Helper()
	s, err := onnx.NewSession(g.Marshal(), onnx.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in, err := s.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	copy(in, x)
	if err := s.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i, v := range s.Outputs() {
		data, err := s.Output(i)
		if err != nil {
			t.Fatal(err)
		}
		do(v.Name, data)
	}
}
