package model

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nlpodyssey/safetensors"
)

// The format and version in the metadata of predictor files.
const (
	predictorFormat  = "binas-tui-predictor"
	predictorVersion = "1"
)

// maxHeader bounds the JSON header of a predictor file, in bytes. Parsing takes
// some 50 bytes of memory for each.
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
	views := make(map[string]safetensors.TensorView, len(tensors))
	for _, t := range tensors {
		shape := make([]uint64, len(t.Shape))
		for i, n := range t.Shape {
			shape[i] = uint64(n)
		}
		dtype, raw := rawValues(t.Values)
		if views[t.Name], err = safetensors.NewTensorView(dtype, shape, raw); err != nil {
			return nil, fmt.Errorf("encode predictor: tensor %s: %w", t.Name, err)
		}
	}
	data, err := safetensors.Serialize(views, metadata)
	if err != nil {
		return nil, fmt.Errorf("encode predictor: %w", err)
	}
	if n := binary.LittleEndian.Uint64(data); n > maxHeader {
		return nil, fmt.Errorf("encode predictor: header of %d bytes: expected at most %d (shorten the note or the metrics)", n, maxHeader)
	}
	return data, nil
}

// rawValues writes values as float32 if every one is a float32.
func rawValues(values []float64) (safetensors.DType, []byte) {
	single := true
	for _, v := range values {
		single = single && float64(float32(v)) == v
	}
	var raw []byte
	for _, v := range values {
		if single {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
		} else {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		}
	}
	if single {
		return safetensors.F32, raw
	}
	return safetensors.F64, raw
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
	if len(data) < 10 || data[8] != '{' {
		return nil, info, fmt.Errorf("found neither a torch file (.pth) nor safetensors")
	}
	if n := binary.LittleEndian.Uint64(data); n > maxHeader || n > uint64(len(data)-8) {
		return nil, info, fmt.Errorf("safetensors header of %d bytes in a file of %d: expected at most %d", n, len(data), min(maxHeader, len(data)-8))
	}
	n, header, err := safetensors.ReadMetadata(data)
	if err != nil {
		return nil, info, fmt.Errorf("safetensors: %.200s", err)
	}
	if info, err = infoOf(header.Metadata()); err != nil {
		return nil, info, err
	}
	body := data[8+n:]
	var out []Tensor
	for name, t := range header.Tensors() {
		// The library's own check can be led past the end by sizes that wrap.
		from, to := t.DataOffsets[0], t.DataOffsets[1]
		if from > to || to > uint64(len(body)) {
			return nil, info, fmt.Errorf("tensor %.80q: bytes %d to %d of %d", name, from, to, len(body))
		}
		tensor, err := tensorOf(name, t, body[from:to])
		if err != nil {
			return nil, info, err
		}
		out = append(out, tensor)
	}
	return out, info, nil
}

func tensorOf(name string, t *safetensors.TensorInfo, raw []byte) (Tensor, error) {
	out := Tensor{Name: name, Shape: make([]int, len(t.Shape))}
	count := uint64(1)
	for i, n := range t.Shape {
		if n < 1 || n > uint64(len(raw)) {
			return out, fmt.Errorf("tensor %.80q: shape %v in %d bytes", name, t.Shape, len(raw))
		}
		out.Shape[i] = int(n)
		count *= n
	}
	switch {
	case t.DType == safetensors.F32 && count == uint64(len(raw)/4):
		out.Values = make([]float64, count)
		for i := range out.Values {
			out.Values[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	case t.DType == safetensors.F64 && count == uint64(len(raw)/8):
		out.Values = make([]float64, count)
		for i := range out.Values {
			out.Values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	default:
		return out, fmt.Errorf("tensor %.80q: %v of shape %v in %d bytes: expected F32 or F64", name, t.DType, t.Shape, len(raw))
	}
	return out, nil
}
