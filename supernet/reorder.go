package supernet

import (
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Reorder returns the weights with the channels inside every searched block in
// descending order of importance, so that narrow options, which have the first
// channels, have those that matter most. What a network of full width computes is
// unchanged.
//
// The importance of an expanded channel is Σ|w·∂w| over its weights in the
// expansion, the depthwise convolutions and the expansion of squeeze-excite, that
// of a squeezed channel the same over its reduction: by how much the loss would
// change without them, to first order (Taylor importance). gradients are those of
// the loss in evaluation mode, averaged over batches, under the weights' names;
// they may hold more.
//
// Weights are the heaviest network's or a supernet's; they are not changed. Equal
// importance keeps the order.
func Reorder(s *model.Space, w, gradients onnx.StateDict) (onnx.StateDict, error) {
	o, err := Importance(s, w, gradients)
	if err != nil {
		return nil, err
	}
	return o.Apply(w)
}

// Order says for the blocks of a network where their channels come from.
type Order []BlockOrder

// BlockOrder is the order of one block: entry i is the old index of channel i.
type BlockOrder struct {
	Block    string // prefix of its tensors, such as blocks.1.0
	Expanded []int
	Squeezed []int // nil without squeeze-excite
}

// Importance computes the order that [Reorder] applies.
func Importance(s *model.Space, w, gradients onnx.StateDict) (Order, error) {
	tensors, err := fullWidth(s, w)
	if err != nil {
		return nil, fmt.Errorf("reorder: %w", err)
	}
	expanded, squeezed := map[string][]float64{}, map[string][]float64{}
	for _, t := range tensors {
		block, part := partOf(t.Name)
		if block == "" || t.Kind != Conv {
			continue
		}
		var sums map[string][]float64
		switch part {
		case "conv_pw.weight", "conv_dw.weight", "se.conv_expand.weight":
			sums = expanded
		case "se.conv_reduce.weight":
			sums = squeezed
		default:
			continue
		}
		gradient, err := gradients.Tensor(t.Name, t.Shape)
		if err != nil {
			return nil, fmt.Errorf("reorder: gradient: %w", err)
		}
		if sums[block] == nil {
			sums[block] = make([]float64, t.Shape[0])
		}
		if err := addImportance(sums[block], w[t.Name].Data, gradient); err != nil {
			return nil, fmt.Errorf("reorder: %s: %w", t.Name, err)
		}
	}
	var order Order
	for b := range s.NumBlocks() {
		name := blockName(s, b)
		order = append(order, BlockOrder{name, descending(expanded[name]), descending(squeezed[name])})
	}
	return order, nil
}

// fullWidth lists the tensors of a supernet or of the heaviest network.
func fullWidth(s *model.Space, w onnx.StateDict) ([]Tensor, error) {
	if IsSupernet(w) {
		classes, err := CheckSupernet(s, w)
		if err != nil {
			return nil, err
		}
		return Layout(s, classes), nil
	}
	p := s.HeaviestPath()
	classes, err := CheckChild(s, p, w)
	if err != nil {
		return nil, err
	}
	return ChildLayout(s, p, classes), nil
}

// addImportance adds Σ|w·g| of every row.
func addImportance(sums []float64, w, gradient []float32) error {
	per := len(w) / len(sums)
	for i, x := range w {
		v := math.Abs(float64(x) * float64(gradient[i]))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("weight %v with gradient %v at %d: expected finite numbers", x, gradient[i], i)
		}
		sums[i/per] += v
	}
	return nil
}

// descending lists indices, that of the greatest value first.
func descending(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] > values[b]:
			return -1
		case values[a] < values[b]:
			return 1
		}
		return 0
	})
	return order
}

// partOf splits the name of a searched block's tensor: blocks.1.0 and
// bn2.running_mean for blocks.1.0.bn2.1.running_mean. Other names have no block.
func partOf(name string) (block, part string) {
	var stage, index int
	plain := childName(name)
	if n, _ := fmt.Sscanf(plain, "blocks.%d.%d.", &stage, &index); n != 2 || stage == 0 {
		return "", ""
	}
	block = fmt.Sprintf("blocks.%d.%d", stage, index)
	return block, plain[len(block)+1:]
}

// Apply returns the weights with their channels in this order, or anything that
// has their shapes: a momentum, averaged weights. Tensors that do not depend on
// the order share their data with w.
func (o Order) Apply(w onnx.StateDict) (onnx.StateDict, error) {
	blocks := make(map[string]BlockOrder, len(o))
	for _, b := range o {
		blocks[b.Block] = b
	}
	out := make(onnx.StateDict, len(w))
	for name, t := range w {
		out[name] = t
		block, part := partOf(name)
		order, ok := blocks[block]
		if !ok {
			continue
		}
		rows, columns := order.dimensions(part)
		permuted, err := permute(t, rows, columns)
		if err != nil {
			return nil, fmt.Errorf("reorder: %s: %w", name, err)
		}
		out[name] = permuted
	}
	return out, nil
}

// dimensions says which order the first and the second dimension of a tensor
// follow; nil keeps it.
func (b BlockOrder) dimensions(part string) (rows, columns []int) {
	switch part {
	case "conv_pwl.weight":
		return nil, b.Expanded
	case "se.conv_reduce.weight":
		return b.Squeezed, b.Expanded
	case "se.conv_reduce.bias":
		return b.Squeezed, nil
	case "se.conv_expand.weight":
		return b.Expanded, b.Squeezed
	case "conv_pw.weight", "conv_dw.weight", "se.conv_expand.bias",
		"bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
		"bn2.weight", "bn2.bias", "bn2.running_mean", "bn2.running_var":
		return b.Expanded, nil
	}
	return nil, nil
}

func permute(t onnx.TensorData, rows, columns []int) (onnx.TensorData, error) {
	if rows == nil && columns == nil {
		return t, nil
	}
	if len(t.Shape) == 0 || (rows != nil && len(rows) != t.Shape[0]) ||
		(columns != nil && (len(t.Shape) < 2 || len(columns) != t.Shape[1])) || len(t.Data) != onnx.Elements(t.Shape) {
		return t, fmt.Errorf("shape %v with %d values: the order is of %d rows and %d columns (0: any)",
			t.Shape, len(t.Data), len(rows), len(columns))
	}
	out := onnx.TensorData{Shape: t.Shape, Data: make([]float32, len(t.Data))}
	row := len(t.Data) / max(t.Shape[0], 1)
	for i := range t.Shape[0] {
		from := i
		if rows != nil {
			from = rows[i]
		}
		dst, src := out.Data[i*row:(i+1)*row], t.Data[from*row:(from+1)*row]
		if columns == nil {
			copy(dst, src)
			continue
		}
		cell := row / len(columns)
		for j, c := range columns {
			copy(dst[j*cell:(j+1)*cell], src[c*cell:(c+1)*cell])
		}
	}
	return out, nil
}
