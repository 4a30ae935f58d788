package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Bounds of what is imported. A model is copied once for every message around a
// tensor that is taken in.
const (
	maxExternal     = 1 << 30   // external data of a model, in bytes
	maxWithExternal = 128 << 20 // a model that has some, in bytes
	maxDepth        = 16        // of messages; a graph in a graph is three
)

// Import makes a model of others, from a file in the given folder, one that can be
// run: what it keeps in other files of that folder (external data) is taken in,
// so that it stands alone, and attributes that ONNX Runtime divides by are checked,
// since it dies of a zero. Errors wrap [ErrNotModel] or safefile.ErrUnreadable. A
// model that is accepted may still do harm: run it with [NewIsolatedSession].
func Import(model []byte, folder string) ([]byte, error) {
	i := importer{folder: folder, size: len(model), files: map[string][]byte{}}
	out, err := i.rewrite(model, messageModel, 0)
	if err == nil {
		_, _, err = ModelIO(out)
	}
	if err != nil && !errors.Is(err, ErrNotModel) && !errors.Is(err, safefile.ErrUnreadable) {
		err = fmt.Errorf("%w: %w", ErrNotModel, err)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// message is a kind of message of onnx.proto that is looked into.
type message int

const (
	messageModel message = iota
	messageGraph
	messageNode
	messageAttribute
	messageTensor
	messageSparse
	messageFunction
)

// inside says which fields of a message hold which messages.
var inside = map[message]map[protowire.Number]message{
	messageModel:     {modelGraph: messageGraph, modelFunctions: messageFunction},
	messageGraph:     {graphNode: messageNode, graphInitialiser: messageTensor, graphSparse: messageSparse},
	messageNode:      {nodeAttribute: messageAttribute},
	messageAttribute: {attrTensor: messageTensor, attrGraph: messageGraph, attrTensors: messageTensor, attrGraphs: messageGraph, attrSparse: messageSparse, attrSparses: messageSparse},
	messageSparse:    {sparseValues: messageTensor, sparseIndices: messageTensor},
	messageFunction:  {functionNode: messageNode},
}

// maxTensorFields is more than any tensor with external data has: its values, one
// a field, are not in it.
const maxTensorFields = 1 << 10

type importer struct {
	folder string
	size   int               // of the model
	files  map[string][]byte // of external data, by their names
	read   int64             // bytes of these
	taken  int64             // bytes of tensors
}

// rewrite returns a message with the external data of its tensors taken in: the
// message itself where there is none.
func (i *importer) rewrite(b []byte, kind message, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("messages are nested deeper than %d", maxDepth)
	}
	switch kind {
	case messageTensor:
		return i.tensor(b)
	case messageNode:
		if err := checkNode(b); err != nil {
			return nil, err
		}
	}
	var out []byte
	copied := 0 // of b
	err := eachField(b, func(n protowire.Number, wire protowire.Type, at int, field []byte, content int) error {
		child, known := inside[kind][n]
		if !known || wire != protowire.BytesType {
			return nil
		}
		old, _ := protowire.ConsumeBytes(field[content:])
		now, err := i.rewrite(old, child, depth+1)
		if err != nil || len(now) == len(old) && (len(now) == 0 || &now[0] == &old[0]) {
			return err
		}
		out = appendBytes(append(out, b[copied:at]...), n, now)
		copied = at + len(field)
		return nil
	})
	if err != nil || copied == 0 {
		return b, err
	}
	return append(out, b[copied:]...), nil
}

// eachField calls do with every field of a message: where it begins, its bytes,
// and where its value is in these.
func eachField(b []byte, do func(n protowire.Number, wire protowire.Type, at int, field []byte, content int) error) error {
	for at := 0; at < len(b); {
		n, wire, tag := protowire.ConsumeTag(b[at:])
		if tag < 0 {
			return protowire.ParseError(tag)
		}
		value := protowire.ConsumeFieldValue(n, wire, b[at+tag:])
		if value < 0 {
			return protowire.ParseError(value)
		}
		if err := do(n, wire, at, b[at:at+tag+value], tag); err != nil {
			return err
		}
		at += tag + value
	}
	return nil
}

// external is where a tensor's values are.
type external struct {
	location       string
	offset, length uint64
	whole          bool // no length: to the end of the file
}

// tensor takes the external data of a tensor in, where it has any.
func (i *importer) tensor(b []byte) ([]byte, error) {
	name, isExternal := "", false
	at := external{whole: true}
	var ranges [][]byte // of b, to be kept
	err := eachField(b, func(n protowire.Number, wire protowire.Type, _ int, field []byte, content int) error {
		switch {
		case n == tensorDataLocation && wire == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(field[content:])
			isExternal = v == dataExternal
			return nil
		case n == tensorExternal && wire == protowire.BytesType:
			entry, _ := protowire.ConsumeBytes(field[content:])
			return at.read(entry)
		case n == tensorName && wire == protowire.BytesType:
			v, _ := protowire.ConsumeBytes(field[content:])
			name = string(v)
		}
		if len(ranges) < maxTensorFields {
			ranges = append(ranges, field)
		}
		return nil
	})
	if err != nil || !isExternal {
		return b, err
	}
	if len(ranges) == maxTensorFields {
		return nil, fmt.Errorf("tensor %.80q has %d fields", name, len(ranges))
	}
	if i.size > maxWithExternal {
		return nil, fmt.Errorf("it has external data and %d bytes of its own: expected at most %d", i.size, maxWithExternal)
	}
	kept := bytes.Join(ranges, nil)
	data, err := i.external(at)
	if err != nil {
		return nil, fmt.Errorf("external data of tensor %.80q: %w", name, err)
	}
	return appendBytes(kept, tensorRawData, data), nil
}

// read takes in one key and value of a tensor's external data.
func (e *external) read(entry []byte) error {
	key, value, err := stringEntry(entry)
	if err != nil {
		return err
	}
	switch key {
	case "location":
		e.location = value
	case "offset":
		e.offset, err = strconv.ParseUint(value, 10, 63)
	case "length":
		e.whole = false
		e.length, err = strconv.ParseUint(value, 10, 63)
	}
	if err != nil {
		return fmt.Errorf("%s %.40q of external data: expected a whole number", key, value)
	}
	return nil
}

// external reads the values of a tensor from a file of the folder.
func (i *importer) external(at external) ([]byte, error) {
	if at.location == "" || !filepath.IsLocal(filepath.FromSlash(at.location)) {
		return nil, fmt.Errorf("it is in %.200q: expected a file in the folder of the model", at.location)
	}
	data, ok := i.files[at.location]
	if !ok {
		var err error
		if data, err = safefile.ReadIn(i.folder, filepath.FromSlash(at.location), maxExternal-i.read); err != nil {
			return nil, err
		}
		i.read += int64(len(data))
		i.files[at.location] = data
	}
	size := uint64(len(data))
	if at.whole && at.offset <= size {
		at.length = size - at.offset
	}
	if at.offset > size || at.length > size-at.offset {
		return nil, fmt.Errorf("%s has %d bytes: expected %d from byte %d on", filepath.Join(i.folder, at.location), size, at.length, at.offset)
	}
	if i.taken += int64(at.length); i.taken > maxExternal { // several may share bytes
		return nil, fmt.Errorf("the tensors have more than %d MiB", maxExternal>>20)
	}
	return data[at.offset : at.offset+at.length], nil
}

// divisors are the attributes of the standard operators that are divided by;
// divisorLists those that are lists.
var (
	divisors     = []string{"group", "num_groups", "blocksize", "num_outputs", "size"}
	divisorLists = []string{"strides", "dilations", "kernel_shape"}
)

// checkNode refuses attributes of a node that ONNX Runtime divides by without
// looking.
func checkNode(b []byte) error {
	var op, name, domain string
	type attribute struct {
		name      string
		values    []int64
		elsewhere bool // it is an attribute of the function the node is in
	}
	var attributes []attribute
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case nodeOpType:
			op = string(v)
		case nodeName:
			name = string(v)
		case nodeDomain:
			domain = string(v)
		case nodeAttribute:
			var a attribute
			err := fields(v, func(n protowire.Number, v []byte, number uint64) error {
				switch {
				case n == attrName:
					a.name = string(v)
				case n == attrReference:
					a.elsewhere = true
				case n == attrInt || n == attrInts && v == nil:
					a.values = append(a.values, int64(number))
				case n == attrInts: // packed
					for len(v) > 0 {
						x, size := protowire.ConsumeVarint(v)
						if size < 0 {
							return protowire.ParseError(size)
						}
						a.values, v = append(a.values, int64(x)), v[size:]
					}
				}
				return nil
			})
			attributes = append(attributes, a)
			return err
		}
		return nil
	})
	if err != nil || domain != "" && domain != "ai.onnx" {
		return err
	}
	for _, a := range attributes {
		single := slices.Contains(divisors, a.name)
		if !single && !slices.Contains(divisorLists, a.name) {
			continue
		}
		if single && len(a.values) == 0 && !a.elsewhere {
			a.values = []int64{0} // what a number is that is left out
		}
		for _, v := range a.values {
			if v < 1 || v > math.MaxInt32 {
				return fmt.Errorf("node %.80q (%.40s): %s is %d: expected 1 to %d", name, op, a.name, v, math.MaxInt32)
			}
		}
	}
	return nil
}
