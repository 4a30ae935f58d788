package onnx

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrNotModel is wrapped by errors about bytes that are not an ONNX model.
var ErrNotModel = errors.New("not a usable ONNX model")

// ModelIO reads the inputs and outputs of a model, and skips the rest. Inputs
// that are constants of the model as well are left out. Sizes that are open
// come back as [Batch].
func ModelIO(model []byte) (inputs, outputs []Value, err error) {
	constants := map[string]bool{}
	found := false
	err = messages(model, modelGraph, func(v []byte) error {
		found = true
		return fields(v, func(n protowire.Number, v []byte, _ uint64) error {
			switch n {
			case graphInitialiser:
				return messages(v, tensorName, func(name []byte) error {
					constants[string(name)] = true
					return nil
				})
			case graphInput, graphOutput:
				value, err := readValue(v)
				if err != nil {
					return err
				}
				if n == graphInput {
					inputs = append(inputs, value)
				} else {
					outputs = append(outputs, value)
				}
			}
			return nil
		})
	})
	if err == nil && !found {
		err = errors.New("no graph in it")
	}
	if err == nil && len(outputs) == 0 {
		err = errors.New("the graph has no outputs")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNotModel, err)
	}
	free := inputs[:0]
	for _, v := range inputs {
		if !constants[v.Name] {
			free = append(free, v)
		}
	}
	return free, outputs, nil
}

// stringEntry reads a StringStringEntryProto: one key and its value.
func stringEntry(entry []byte) (key, value string, err error) {
	err = fields(entry, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case metadataKey:
			key = string(v)
		case metadataValue:
			value = string(v)
		}
		return nil
	})
	return key, value, err
}

// ModelMetadata reads the keys and values that are stored in a model.
func ModelMetadata(model []byte) (map[string]string, error) {
	meta := map[string]string{}
	err := messages(model, modelMetadata, func(v []byte) error {
		key, value, err := stringEntry(v)
		meta[key] = value
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotModel, err)
	}
	return meta, nil
}

// readValue reads a ValueInfoProto with a tensor type.
func readValue(b []byte) (Value, error) {
	var v Value
	err := fields(b, func(n protowire.Number, b []byte, _ uint64) error {
		switch n {
		case valueName:
			v.Name = string(b)
		case valueType:
			return messages(b, typeTensor, func(b []byte) error { return fields(b, v.readTensorType) })
		}
		return nil
	})
	return v, err
}

func (v *Value) readTensorType(n protowire.Number, b []byte, number uint64) error {
	switch n {
	case tensorTypeElem:
		v.Type = Type(number)
	case tensorTypeShape:
		return messages(b, shapeDim, func(b []byte) error {
			size := Batch
			err := fields(b, func(n protowire.Number, _ []byte, number uint64) error {
				if n == dimValue && number > 0 && number < 1<<31 {
					size = int(number)
				}
				return nil
			})
			v.Shape = append(v.Shape, size)
			return err
		})
	}
	return nil
}

// messages calls each with the bytes of every field of a message that has a number.
func messages(b []byte, number protowire.Number, each func(v []byte) error) error {
	return fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		if n != number {
			return nil
		}
		return each(v)
	})
}

// fields calls each with every field of a message: the bytes of a
// length-delimited one, the number of any other.
func fields(b []byte, each func(n protowire.Number, v []byte, number uint64) error) error {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		var bytes []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			bytes, size = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, size = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, size = protowire.ConsumeFixed32(b)
			number = uint64(v)
		case protowire.Fixed64Type:
			number, size = protowire.ConsumeFixed64(b)
		default:
			size = protowire.ConsumeFieldValue(n, kind, b)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		if err := each(n, bytes, number); err != nil {
			return err
		}
	}
	return nil
}
