package training

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/backprop"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// microBatches makes the gradients of steps of several micro-batches, of which each
// rank has as many. Gradients are added up in the order of [mpi.Tree]; the sums of
// what was found, and the moments of the normalisations, in the order of the
// micro-batches. So it does not matter how many ranks there are.
type microBatches struct {
	count   int // of a step
	ranks   *ranks
	names   []string       // of all parameters, sorted
	sizes   map[string]int // of each, values
	buffers [][]float32    // that are free, each of all parameters
	size    int            // of a buffer
}

// rankReport is what a rank found in its micro-batches. The moments' values follow
// it, float32, little endian.
type rankReport struct {
	Micro   []microReport `json:"micro,omitempty"`
	Touched []string      `json:"touched,omitempty"`
	Scale   float64       `json:"scale,omitempty"`
	values  []float32
}

type microReport struct {
	Sums    sums          `json:"sums"`
	Moments []momentsJSON `json:"moments"`
}

// momentsJSON stands for [backprop.Moments].
type momentsJSON struct {
	Name     string `json:"name"`
	Count    int    `json:"count"`
	Channels int    `json:"channels"`
}

// step makes the gradients of a step. next returns the images of this rank.
func (m *microBatches) step(ctx context.Context, t trainee, next func() (*dataset.Batch, error), step int) (gradients, error) {
	var own rankReport
	sum, err := m.own(ctx, t, next, step, &own)
	if m.ranks.Size() == 1 {
		if err != nil {
			return gradients{}, err
		}
		return m.add(ctx, sum, []rankReport{own})
	}
	var data []byte
	if err = cmp.Or(err, ctx.Err()); err == nil {
		data, err = own.encode()
	}
	all, err := m.ranks.agree(ctx, data, err)
	if err != nil {
		return gradients{}, err
	}
	reports := make([]rankReport, len(all))
	for i, data := range all {
		if err = reports[i].decode(data); err != nil {
			return gradients{}, fmt.Errorf("what rank %d found: %w", i, err)
		}
	}
	return m.add(ctx, sum, reports)
}

// own runs the micro-batches of this rank and returns the sum of their gradients.
func (m *microBatches) own(ctx context.Context, t trainee, next func() (*dataset.Batch, error), step int, r *rankReport) ([]float32, error) {
	b, err := next()
	if err != nil {
		return nil, err
	}
	here := m.count / m.ranks.Size()
	images, pixels := len(b.Labels)/here, len(b.X)/len(b.Labels)
	touched := map[string]bool{}
	tree := mpi.Tree{Free: func(v []float32) { m.buffers = append(m.buffers, v) }}
	for i := range here {
		from, to := i*images, (i+1)*images
		part := &dataset.Batch{Epoch: b.Epoch, Step: b.Step, X: b.X[from*pixels : to*pixels], Labels: b.Labels[from:to]}
		g, err := t.gradients(ctx, part, step, m.ranks.Rank()*here+i)
		if err != nil {
			if sum := tree.Sum(); sum != nil {
				m.buffers = append(m.buffers, sum)
			}
			return nil, err
		}
		for _, name := range g.touched {
			touched[name] = true
		}
		found := microReport{Sums: g.sums}
		for _, s := range g.moments {
			found.Moments = append(found.Moments, momentsJSON{s.Name, s.Count, len(s.Mean)})
			r.values = append(append(r.values, s.Mean...), s.Variance...)
		}
		r.Micro, r.Scale = append(r.Micro, found), g.scale
		tree.Add(m.flat(g))
	}
	r.Touched = slices.Sorted(maps.Keys(touched))
	return tree.Sum(), nil
}

// flat copies gradients into a buffer, in the order of their names; those that a
// micro-batch has none of are 0.
func (m *microBatches) flat(g gradients) []float32 {
	if m.names == nil {
		m.names, m.sizes = slices.Sorted(maps.Keys(g.values)), map[string]int{}
		for name, t := range g.values {
			m.sizes[name] = len(t.Data)
			m.size += len(t.Data)
		}
	}
	var v []float32
	if n := len(m.buffers); n > 0 {
		v, m.buffers = m.buffers[n-1], m.buffers[:n-1]
	} else {
		v = make([]float32, m.size)
	}
	rest, touched := v, g.touched
	for _, name := range m.names {
		part := rest[:len(g.values[name].Data)]
		if rest = rest[len(part):]; len(touched) > 0 && touched[0] == name {
			copy(part, g.values[name].Data)
			touched = touched[1:]
		} else {
			clear(part)
		}
	}
	return v
}

// add adds up what the ranks found.
func (m *microBatches) add(ctx context.Context, sum []float32, reports []rankReport) (gradients, error) {
	out := gradients{scale: reports[0].Scale / float64(m.count)}
	touched := map[string]bool{}
	for _, r := range reports {
		for _, name := range r.Touched {
			touched[name] = true
		}
		values := r.values
		take := func(n int) []float32 {
			v := values[:n]
			values = values[n:]
			return v
		}
		for _, micro := range r.Micro {
			out.sums.add(micro.Sums)
			for _, s := range micro.Moments {
				out.moments = append(out.moments, backprop.Moments{Name: s.Name, Mean: take(s.Channels), Variance: take(s.Channels), Count: s.Count})
			}
		}
	}
	out.touched = slices.Sorted(maps.Keys(touched))
	return out, m.reduce(ctx, sum, &out)
}

// reduce adds up the gradients of all ranks, of the parameters alone that have some.
func (m *microBatches) reduce(ctx context.Context, sum []float32, g *gradients) error {
	g.values = onnx.StateDict{}
	n, at, touched := 0, 0, g.touched
	for _, name := range m.names {
		size := m.sizes[name]
		if len(touched) > 0 && touched[0] == name {
			copy(sum[n:], sum[at:at+size])
			g.values[name] = onnx.TensorData{Data: sum[n : n+size]}
			n, touched = n+size, touched[1:]
		}
		at += size
	}
	m.buffers = append(m.buffers, sum) // it is read until the next step
	return m.ranks.sum(ctx, sum[:n])
}

func (r rankReport) encode() ([]byte, error) {
	header, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	data := binary.LittleEndian.AppendUint32(nil, uint32(len(header)))
	data = append(data, header...)
	for _, v := range r.values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data, nil
}

func (r *rankReport) decode(data []byte) error {
	if len(data) < 4 || len(data)-4 < int(binary.LittleEndian.Uint32(data)) {
		return errors.New("it is cut short")
	}
	n := 4 + int(binary.LittleEndian.Uint32(data))
	if err := json.Unmarshal(data[4:n], r); err != nil {
		return err
	}
	r.values = make([]float32, (len(data)-n)/4)
	for i := range r.values {
		r.values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[n+4*i:]))
	}
	need := 0
	for _, m := range r.Micro {
		for _, s := range m.Moments {
			need += 2 * s.Channels
		}
	}
	if need != len(r.values) {
		return fmt.Errorf("%d values: expected %d", len(r.values), need)
	}
	return nil
}
