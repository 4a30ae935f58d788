package steps

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/internal/version"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Exporting writes a network as an ONNX file.
type Exporting struct {
	Common
	Arch       string `json:"arch"` // "" is that of the checkpoint
	File       string `json:"onnx"`
	Checkpoint string `json:"checkpoint"` // "" are random weights
	ImageSize  int    `json:"image_size"`
	Classes    int    `json:"classes"`
	Batch      int    `json:"batch"`
	Seed       uint64 `json:"seed"`  // of random weights
	Check      string `json:"check"` // image to compare answers to; "" compares none

	Precision onnx.Precision `json:"precision"`
	Calibrating

	from     *origin   // of the weights
	measured *Accuracy // where a pipeline has it: in place of that of the weights
}

// Exported is a network that was exported: the JSON of export.
type Exported struct {
	Params       int64  `json:"params"`
	MACs         int64  `json:"macs"` // for one image
	File         string `json:"file"`
	Bytes        int64  `json:"bytes"`
	Weights      string `json:"weights"`
	Trained      bool   `json:"trained"` // the weights are of a checkpoint
	ImageSize    int    `json:"image_size"`
	Classes      int    `json:"classes"`
	Batch        int    `json:"batch"` // 0 is open
	Architecture string `json:"architecture"`

	Metadata map[string]string `json:"metadata"` // in the file
	Checked  *Checked          `json:"checked,omitempty"`

	Precision onnx.Precision `json:"precision"`
	Quantised *Quantised     `json:"quantised,omitempty"` // of int8
	Halved    *Judged        `json:"halved,omitempty"`    // of fp16, where there is data
}

// Lines say what was exported, and what its precision costs and gains.
func (r *Exported) Lines() []string {
	note := ""
	if !r.Trained {
		note = ": the answers mean nothing, the latency does"
	}
	out := []string{
		fmt.Sprintf("parameters %.3f M (%d)", float64(r.Params)/1e6, r.Params),
		fmt.Sprintf("MACs       %.1f M (%d) at %d pixels", float64(r.MACs)/1e6, r.MACs, r.ImageSize),
		"weights    " + sanitize.Line(r.Weights) + note,
	}
	if q := r.Quantised; q != nil {
		out = append(out, sanitize.Sprintf("int8       calibrated by %s", q.Calibrated()),
			"top-1      "+q.line(),
			sanitize.Sprintf("latency    %s ms, fp32 %s ms: %.2f times as fast (%s, %s, 1 thread, measured in turn)",
				phrase.MS(q.LatencyMS, 4), phrase.MS(q.FP32LatencyMS, 4), q.Speedup, q.Processor, q.Runtime))
	}
	if r.Precision == onnx.FP16 {
		text := "not known: --data says it"
		if h := r.Halved; h != nil {
			text = "top-1 " + h.line()
		}
		out = append(out, "fp16       "+text)
	}
	return append(out, fmt.Sprintf("written to %s (%.1f MB)", sanitize.Line(r.File), float64(r.Bytes)/1e6))
}

// Sizes of networks of which nothing is known.
const (
	defaultImageSize = 224
	defaultClasses   = 1000
)

// maxONNX is what protobuf can hold, in bytes.
const maxONNX = 2 << 30

// NewExporting is an export with the defaults of its parameters.
func NewExporting() *Exporting {
	return &Exporting{Common: Common{ClassOrder: dataset.NaturalOrder, Unreadable: 1}, Batch: 1, Seed: 1,
		Precision: onnx.FP32, Calibrating: Calibrating{byPercentile, 99.99, 256}}
}

// Step implements [Task].
func (*Exporting) Step() Step { return Export }

var exportingParams = param.Table{
	{Key: "onnx", Label: "ONNX file", Usage: "`FILE` to write (required)"},
	{Key: "checkpoint", Usage: "trained weights of the network or of its supernet, a torch or safetensors `FILE`", Zero: "random weights"},
	{Key: "image_size", Usage: "side of the input image in `PIXELS`", Unit: "px", Zero: "that of the checkpoint, else 224", Least: 16, Most: model.MaxImageSize},
	{Key: "classes", Usage: "classes, `N`", Zero: "the checkpoint's, else 1000", Least: 1, Most: 1 << 20},
	{Key: "batch", Usage: "images at once, `N`; 0 leaves it open until the network runs", Most: latency.MaxBatch},
	{Key: "seed", Usage: "`SEED` of random weights", Rare: true},
	checkParam,
	{Key: "precision", Usage: "what the network computes in, a `PRECISION`: fp32, fp16 for cards, or int8, quantised after training", Choices: []string{string(onnx.FP32), string(onnx.FP16), string(onnx.INT8)}},
	{Key: "data", Label: "data set", Usage: "int8: data set to calibrate and validate on; fp16: to validate on, a `FOLDER|NAME`", Zero: "none"},
	{Key: "calibration", Usage: "int8: how ranges of activations are found, by `KIND`: percentile or entropy", Choices: []string{byPercentile, byEntropy}, Rare: true},
	{Key: "percentile", Usage: "int8: `PERCENT` of an activation's values that are not cut off", Unit: "%", Least: 90, Most: 100, Rare: true},
	{Key: "calibration_images", Usage: "int8: training images to calibrate on, `N`", Least: 1, Most: 1 << 20, Rare: true},
	ClassOrderParam.Seldom(), badParam, LibraryParam,
}

var checkParam = param.Param{Key: "check", Usage: "`IMAGE` to answer to with the written file, prepared as docs/DEPLOYING.md says, and with the weights; answers must be the same", Zero: "none", Rare: true}

// Values implements [Task].
func (e *Exporting) Values() param.Values { return exportingParams.In(e, &e.Common) }

// Plan implements [Task].
func (e *Exporting) Plan() (Plan, error) {
	return Plan{Task: Clone(e), Refused: e.checkQuantised()}, nil
}

// Work implements [Task]: the result is an [Exported].
func (e *Exporting) Work(ctx context.Context, j *job.Job) (any, error) {
	e.begin(j)
	if e.File == "" {
		return nil, requestf("export needs --onnx, the file to write")
	}
	if e.Checkpoint != "" && e.Given["seed"] {
		return nil, requestf("--checkpoint and --seed: expected one of them")
	}
	if err := e.apart(e, "onnx", e.File, onnxFile, e.Checkpoint, e.Check); err != nil {
		return nil, err
	}
	if err := e.checkQuantised(); err != nil {
		return nil, err
	}
	r := Exported{Precision: e.Precision, File: e.File, ImageSize: e.ImageSize, Classes: e.Classes, Batch: e.Batch, Weights: fmt.Sprintf("random, seed %d", e.Seed)}
	var (
		weights  onnx.Weights = onnx.RandomWeights{Seed: e.Seed}
		metadata              = map[string]string{}
	)
	arch, err := e.network(e.Arch)
	if err != nil {
		return nil, err
	}
	if e.Checkpoint != "" {
		if weights, metadata, err = e.trained(&arch, &r); err != nil {
			return nil, err
		}
	}
	if arch == nil {
		return nil, requestf("export needs the architecture, a string or a file")
	}
	r.ImageSize, r.Classes = cmp.Or(r.ImageSize, defaultImageSize), cmp.Or(r.Classes, defaultClasses)
	r.Architecture = arch.String()
	cost, err := arch.Cost(r.ImageSize, r.Classes)
	if err != nil {
		return nil, requestError{err}
	}
	r.Params, r.MACs = cost.Params, cost.MACs
	if bytes := 4 * cost.Params; bytes >= maxONNX {
		return nil, requestf("%d classes: the weights are %d bytes: an ONNX file ends at 2 GiB", r.Classes, bytes)
	}
	if err := memory.Check(fmt.Sprintf("a network of %d classes", r.Classes), 12*float64(cost.Params)); err != nil { // the weights, and twice the file
		return nil, err
	}
	metadata["weights"], metadata["program"], metadata["image_size"] = r.Weights, "binas-tui "+version.Text(), strconv.Itoa(r.ImageSize)
	r.Metadata = metadata
	var ranges func(string) (onnx.Range, error)
	if e.Precision == onnx.INT8 {
		if ranges, err = e.quantise(ctx, j, arch, weights, &r, metadata); err != nil {
			return nil, checkpointError(r.Weights, err)
		}
	}
	if e.Precision == onnx.FP16 {
		if err := e.halve(ctx, j, arch, weights, &r, metadata); err != nil {
			return nil, checkpointError(r.Weights, err)
		}
	}
	data, err := exported(arch, weights, r, ranges)
	if t, ok := weights.(*trained); ok && err == nil {
		err = t.checkUsed()
	}
	if err != nil {
		return nil, checkpointError(r.Weights, err)
	}
	var pixels image.Image
	if e.Check != "" {
		if pixels, err = e.toCheck(ctx, r); err != nil {
			return nil, err
		}
	}
	r.Bytes = int64(len(data))
	if err := safefile.Replace(r.File, true, safefile.Bytes(data)); err != nil {
		return nil, err
	}
	if e.Check != "" {
		if r.Checked, err = e.check(ctx, arch, weights, r, pixels); err != nil {
			return nil, err
		}
	}
	return r, e.ready()
}

// trained reads the weights to export, and what is known of them.
func (e *Exporting) trained(arch *model.Architecture, r *Exported) (*trained, map[string]string, error) {
	if err := RefuseONNX(e.Checkpoint); err != nil {
		return nil, nil, err
	}
	o, err := checkpointOrigin(e.Checkpoint)
	if err != nil {
		return nil, nil, err
	}
	e.from = o
	if *arch, err = o.arch(*arch); err != nil {
		return nil, nil, err
	}
	if *arch == nil {
		return nil, nil, requestf("export needs the architecture, a string or a file: %s does not say it", e.Checkpoint)
	}
	t, err := e.loadTrained(e.Checkpoint, *arch)
	if err != nil {
		return nil, nil, err
	}
	r.Weights, r.Trained = t.from, true
	if r.Classes == 0 {
		r.Classes = t.classes()
	}
	switch {
	case o.known == nil && r.ImageSize == 0:
		e.note("%s does not say at which image size it was trained: %d pixels are assumed", e.Checkpoint, defaultImageSize)
	case o.known == nil:
	case r.ImageSize == 0:
		r.ImageSize = o.known.ImageSize
	case r.ImageSize != o.known.ImageSize:
		e.note("%s was trained at %d pixels: it is exported at %d", e.Checkpoint, o.known.ImageSize, r.ImageSize)
	}
	return t, e.metadata(o, r.ImageSize), nil
}

// metadata is what the file says of the data, how images are prepared and how well
// the network does, as far as the weights say it; docs/FORMATS.md has the keys.
func (e *Exporting) metadata(o *origin, imageSize int) map[string]string {
	m := o.data.Metadata()
	switch {
	case m == nil:
		m = map[string]string{}
		e.note("%s does not say what its classes are called and how images are prepared: the exported file does not either", e.Checkpoint)
	case o.crop == 0:
		e.note("%s does not say how images are cropped and resized: the exported file does not either", e.Checkpoint)
	default:
		maps.Copy(m, map[string]string{
			"preprocessing": preprocessing, "crop_pct": strconv.FormatFloat(o.crop, 'g', -1, 64), "crop_mode": "center", "interpolation": "bicubic", "color": "RGB",
		})
	}
	if o.known == nil {
		return m
	}
	if folder, err := filepath.Abs(cmp.Or(e.Run, filepath.Dir(e.Checkpoint))); err == nil {
		m["run"] = filepath.Base(folder)
	}
	accuracy := e.measured
	if s := o.score; accuracy == nil && s != nil && imageSize == o.known.ImageSize {
		accuracy = &Accuracy{Top1: s.Top1, Images: s.Images, Data: heldOut(*o.known)}
	}
	if a := accuracy; a != nil {
		m["top1"], m["top1_images"], m["top1_data"] = strconv.FormatFloat(a.Top1, 'f', 2, 64), strconv.Itoa(a.Images), a.Data
	}
	return m
}

// preprocessing is the version of docs/DEPLOYING.md by which images are prepared.
const preprocessing = "1"

// exported is a network as an ONNX file with metadata; quantised where there are ranges.
func exported(arch model.Architecture, w onnx.Weights, r Exported, ranges func(string) (onnx.Range, error)) ([]byte, error) {
	batch := r.Batch
	if batch == 0 {
		batch = onnx.Batch
	}
	graph, err := onnx.Network(arch, w, onnx.NetworkOptions{ImageSize: r.ImageSize, Classes: r.Classes, Batch: batch})
	switch {
	case err != nil:
	case ranges != nil:
		graph, err = graph.Quantised(ranges)
	case r.Precision == onnx.FP16:
		graph, err = graph.Half()
	}
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Metadata)) {
		graph.Metadata(name, r.Metadata[name])
	}
	return graph.Marshal(), nil
}
