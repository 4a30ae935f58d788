package model

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safetensors"
)

// The format and version in the metadata of predictor files.
const (
	predictorFormat  = "binas-tui-predictor"
	predictorVersion = "1"
)

// maxHeader bounds the JSON header of a predictor file, in bytes.
const maxHeader = 32 << 10

// EncodePredictor writes a predictor as safetensors, its tensors under the
// names of BINAS checkpoints and the info in the header. Weights are written
// as float32 where that loses nothing, else as float64.
func EncodePredictor(p Predictor, info CheckpointInfo) ([]byte, error) {
	tensors, err := checkShapes(p)
	if err != nil {
		return nil, fmt.Errorf("encode predictor: %w", err)
	}
	for _, t := range info.Extra {
		if err := t.check(); err != nil || !strings.HasPrefix(t.Name, ExtraPrefix) {
			return nil, fmt.Errorf("encode predictor: extra tensor %q: expected a name that begins with %s and finite values", t.Name, ExtraPrefix)
		}
		tensors = append(tensors, t)
	}
	metadata, err := info.metadata(p.Kind())
	if err != nil {
		return nil, fmt.Errorf("encode predictor: %w", err)
	}
	file := make([]safetensors.Tensor, len(tensors))
	for i, t := range tensors {
		file[i] = fileTensor(t)
	}
	data, err := safetensors.Encode(metadata, file, maxHeader)
	if err != nil {
		return nil, fmt.Errorf("encode predictor: %w", err)
	}
	return data, nil
}

// fileTensor is a tensor as float32 if every value is one, else as float64.
func fileTensor(t Tensor) safetensors.Tensor {
	out := safetensors.Tensor{Name: t.Name, Type: safetensors.F32, Shape: t.Shape}
	var single []float32
	for _, v := range t.Values {
		single = append(single, float32(v))
		out.Data = binary.LittleEndian.AppendUint64(out.Data, math.Float64bits(v))
		if float64(float32(v)) != v {
			out.Type = safetensors.F64
		}
	}
	if out.Type == safetensors.F32 {
		out.Data = safetensors.Float32s(single)
	}
	return out
}

func (c CheckpointInfo) metadata(kind string) (map[string]string, error) {
	m := map[string]string{"format": predictorFormat, "version": predictorVersion, "type": kind}
	for key, value := range map[string]string{"space": c.Space, "source": c.Source, "note": c.Note, "fitted_by": c.FittedBy, "inactive_blocks": c.Inactive} {
		if value != "" {
			m[key] = value
		}
	}
	if c.Samples != 0 {
		m["samples"] = strconv.Itoa(c.Samples)
	}
	if c.LeaveOneOut != 0 {
		m["leave_one_out"] = strconv.FormatFloat(c.LeaveOneOut, 'g', -1, 64)
	}
	if len(c.Metrics) > 0 {
		b, err := json.Marshal(c.Metrics)
		if err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
		m["metrics"] = string(b)
	}
	return m, nil
}

func infoOf(m map[string]string) (CheckpointInfo, error) {
	c := CheckpointInfo{Kind: m["type"], Space: m["space"], Source: m["source"], Note: m["note"], FittedBy: m["fitted_by"], Inactive: m["inactive_blocks"]}
	if m["format"] != predictorFormat || m["version"] != predictorVersion {
		return c, fmt.Errorf("safetensors of format %.40q version %.20q: expected %s version %s",
			m["format"], m["version"], predictorFormat, predictorVersion)
	}
	if c.Inactive != "" && c.Inactive != InactiveMean.String() && c.Inactive != InactiveFree.String() {
		return c, fmt.Errorf("metadata inactive_blocks %.40q: expected mean or free", c.Inactive)
	}
	var err error
	if s, ok := m["samples"]; ok {
		if c.Samples, err = strconv.Atoi(s); err != nil || c.Samples < 0 {
			return c, fmt.Errorf("metadata samples %.40q: expected a number of networks", s)
		}
	}
	if s, ok := m["leave_one_out"]; ok {
		c.LeaveOneOut, err = strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(c.LeaveOneOut) || math.IsInf(c.LeaveOneOut, 0) {
			return c, fmt.Errorf("metadata leave_one_out %.40q: expected percentage points", s)
		}
	}
	if s, ok := m["metrics"]; ok {
		if err := json.Unmarshal([]byte(s), &c.Metrics); err != nil {
			return c, fmt.Errorf("metadata metrics: expected a JSON object of numbers: %w", err)
		}
	}
	return c, nil
}

// decodeSafetensors reads the tensors and the info of a predictor file.
func decodeSafetensors(data []byte) ([]Tensor, CheckpointInfo, error) {
	var info CheckpointInfo
	if !safetensors.Is(data) {
		return nil, info, fmt.Errorf("found neither a torch file (.pth) nor safetensors")
	}
	meta, file, err := safetensors.Decode(data, maxHeader)
	if err != nil {
		return nil, info, err
	}
	if info, err = infoOf(meta); err != nil {
		return nil, info, err
	}
	var out []Tensor
	for _, t := range file {
		if t.Type != safetensors.F32 && t.Type != safetensors.F64 {
			return nil, info, fmt.Errorf("tensor %.80q: %v: expected F32 or F64", t.Name, t.Type)
		}
		values, err := safetensors.Values[float64](t)
		if err != nil {
			return nil, info, err
		}
		out = append(out, Tensor{Name: t.Name, Shape: t.Shape, Values: values})
	}
	return out, info, nil
}
