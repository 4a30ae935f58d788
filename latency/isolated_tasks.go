package latency

import (
	"context"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// runner is something that can be timed.
type runner interface {
	Run(ctx context.Context) error
	Close() error
}

// task is one thing to measure.
type task struct {
	key  string
	open func() (runner, error)
}

// FixedKey is the fixed part among measurements by LUT key.
const FixedKey = "fixed"

// overheadKey is the task of a model that does next to nothing.
const overheadKey = "overhead"

// spaceTasks are the distinct blocks of a space, its fixed part, and the
// overhead of a run.
func spaceTasks(s *model.Space, o MeasureOptions) []task {
	tasks := []task{{overheadKey, func() (runner, error) {
		return openSession(o, func(onnx.Weights) (*onnx.Graph, error) { return onnx.Overhead(), nil })
	}}, {FixedKey, func() (runner, error) {
		return openSession(o, func(w onnx.Weights) (*onnx.Graph, error) {
			return onnx.FixedPart(s, w, onnx.NetworkOptions{Batch: o.Batch, Classes: o.Classes})
		})
	}}}
	for _, d := range distinctBlocks(s) {
		shape := s.Block(d.block)
		block := onnx.Block{Code: s.BlockCode(d.block, d.option), InChannels: shape.InChannels, Resolution: shape.Resolution}
		tasks = append(tasks, task{d.key, func() (runner, error) {
			return openSession(o, func(w onnx.Weights) (*onnx.Graph, error) { return block.Graph(o.Batch, w) })
		}})
	}
	return tasks
}

// openSession prepares a graph with random weights and random input.
func openSession(o MeasureOptions, build func(onnx.Weights) (*onnx.Graph, error)) (runner, error) {
	weights := onnx.RandomWeights{Seed: 1}
	graph, err := build(weights)
	if err != nil {
		return nil, err
	}
	session, err := onnx.NewSession(graph.Marshal(), onnx.SessionOptions{Target: o.Target, Threads: o.Threads})
	if err != nil {
		return nil, err
	}
	r := sessionRunner{Session: session}
	for i, in := range session.Inputs() {
		data, err := session.Input(i)
		if err != nil {
			session.Close()
			return nil, err
		}
		values, err := weights.Tensor(in.Name+".bias", []int{len(data)})
		if err != nil {
			session.Close()
			return nil, err
		}
		r.inputs, r.values = append(r.inputs, data), append(r.values, values)
	}
	r.Refresh()
	return r, nil
}

// sessionRunner is a session with input of its own.
type sessionRunner struct {
	*onnx.Session
	inputs, values [][]float32
}

// Refresh writes the input anew.
func (r sessionRunner) Refresh() {
	for i, data := range r.inputs {
		copy(data, r.values[i])
	}
}

// sentinelOf picks the task that is measured again and again.
func sentinelOf(tasks []task) int { return len(tasks) / 2 }
