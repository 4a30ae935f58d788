package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// How ranges are calibrated: see [evaluation.Ranging].
const (
	byPercentile = "percentile"
	byEntropy    = "entropy"
)

// Calibrating is how the ranges of activations are found.
type Calibrating struct {
	Calibration       string  `json:"calibration"` // percentile or entropy
	Percentile        float64 `json:"percentile"`
	CalibrationImages int     `json:"calibration_images"`
}

// String says how, in words.
func (c Calibrating) String() string {
	if c.Calibration == byPercentile {
		return c.Calibration + " " + strconv.FormatFloat(c.Percentile, 'g', -1, 64)
	}
	return c.Calibration
}

// ranges are those of the values of a network on images.
func (c Calibrating) ranges(ctx context.Context, j *job.Job, arch model.Architecture, w onnx.Weights, images *evaluation.Images, classes int) (onnx.Calibrated, error) {
	g, err := onnx.Network(arch, w, onnx.NetworkOptions{ImageSize: images.Size, Classes: classes, Batch: evaluation.RangeImages(images.Size)})
	if err != nil {
		return nil, err
	}
	return evaluation.Ranges(ctx, g, images, evaluation.Ranging{Entropy: c.Calibration == byEntropy, Percentile: c.Percentile}, j)
}

// Quantised says how a network was quantised after training, what it cost in
// accuracy, and gained in latency on this machine, one thread.
type Quantised struct {
	Calibration       string `json:"calibration"`
	CalibrationImages int    `json:"calibration_images"` // 0: the ranges are those of a training that was quantised
	CalibrationData   string `json:"calibration_data"`
	Judged
	LatencyMS     float64 `json:"latency_ms"` // measured in turn with fp32
	FP32LatencyMS float64 `json:"fp32_latency_ms"`
	Speedup       float64 `json:"speedup"`
	Runtime       string  `json:"runtime"`
	Processor     string  `json:"processor"`
	Slow          string  `json:"slow,omitempty"` // why int8 is slow on this processor
}

// Judged is how right a network in another precision is beside fp32, on images that no
// decision was made with. Accuracies are top-1 in percent, computed on the processor.
type Judged struct {
	Images   int     `json:"images"`
	Data     string  `json:"data"`
	Top1     float64 `json:"top1"`
	FP32Top1 float64 `json:"fp32_top1"`
}

// lost is what the precision costs, in points.
func (v Judged) lost() float64 { return v.FP32Top1 - v.Top1 }

func (v Judged) line() string {
	return sanitize.Sprintf("%.2f %%, fp32 %.2f %%: %+.2f points, on %d images (%s)", v.Top1, v.FP32Top1, v.Top1-v.FP32Top1, v.Images, v.Data)
}

// judge validates a network in fp32 and as in makes it, on the validation part of the
// data, and puts the accuracy of that into the metadata of the file.
func (e *Exporting) judge(ctx context.Context, j *job.Job, arch model.Architecture, w onnx.Weights, r *Exported, val *dataset.Set, metadata map[string]string, in func(*onnx.Graph) (*onnx.Graph, error)) (out Judged, err error) {
	images, err := evaluation.Load(ctx, val, 0)
	if err != nil {
		return out, err
	}
	g, err := onnx.Network(arch, w, onnx.NetworkOptions{ImageSize: r.ImageSize, Classes: r.Classes, Batch: evaluation.EvaluationImages(r.ImageSize)})
	if err != nil {
		return out, err
	}
	other, err := in(g)
	if err != nil {
		return out, err
	}
	before := 0
	if e.Precision == onnx.INT8 { // it was calibrated
		before = 1
	}
	for i, g := range []*onnx.Graph{g, other} {
		j.Part(before+i, before+2)
		n, err := evaluation.GraphNetwork(g, onnx.CPU)
		if err != nil {
			return out, err
		}
		v, err := evaluation.Validate(ctx, n, images, e.Threads, j, nil)
		n.Close()
		if err != nil {
			return out, err
		}
		*[]*float64{&out.FP32Top1, &out.Top1}[i] = v.Top1
		out.Images, out.Data = v.Images, v.Data
	}
	metadata["top1"], metadata["top1_images"], metadata["top1_data"] = strconv.FormatFloat(out.Top1, 'f', 2, 64), strconv.Itoa(out.Images), out.Data
	return out, nil
}

// turnRounds is how often two precisions are timed in turn.
const turnRounds = 20

// largeLoss is what quantising may cost, in points, before it is remarked on.
const largeLoss = 1.0

// refuseINT8 refuses parameters that are for int8, where they were given.
func (e *Exporting) refuseINT8(keys ...string) error {
	for _, p := range exportingParams {
		if e.Given[p.Key] && slices.Contains(keys, p.Key) {
			return requestf("%s is for precision %s", e.called(p), onnx.INT8)
		}
	}
	return nil
}

// calledBy is what the parameter of a key is called.
func (e *Exporting) calledBy(key string) string {
	v, _ := e.Values().Named(key)
	return e.called(v.Param)
}

// checkQuantised refuses what cannot be quantised, before anything is read.
func (e *Exporting) checkQuantised() error {
	switch {
	case e.Precision == onnx.FP16:
		return e.checkHalved()
	case e.Precision != onnx.INT8:
		return e.refuseINT8("data", "calibration", "percentile", "calibration_images")
	case e.Checkpoint == "":
		return requestf("%s %s needs trained weights (%s): ranges of random ones mean nothing; measuring in %[2]s says how fast the network is", e.calledBy("precision"), onnx.INT8, e.calledBy("checkpoint"))
	case e.Data == "":
		return requestf("%s %s needs %s, whose images the activations are calibrated on", e.calledBy("precision"), onnx.INT8, e.calledBy("data"))
	case e.Check != "":
		return requestf("--check is for precision %s: in %s answers differ from those of the weights; the accuracy is said instead", onnx.FP32, onnx.INT8)
	case e.Calibration == byEntropy && e.Given["percentile"]:
		return requestf("--percentile is for --calibration %s", byPercentile)
	case !onnx.CanRun():
		return onnx.ErrNoCgo
	}
	return nil
}

// RefuseONNX refuses an ONNX file where weights or an architecture are expected,
// and says where it is quantised already. A file that cannot be read is no ONNX file.
func RefuseONNX(file string) error {
	if is, err := isONNX(file); err != nil || !is {
		return nil
	}
	data, err := safefile.Read(file, supernet.MaxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, _, err := onnx.ModelIO(data); err != nil {
		return nil
	}
	what := "an ONNX file"
	if meta, err := onnx.ModelMetadata(data); err == nil && meta["precision"] == string(onnx.INT8) {
		what += " that is quantised already"
	}
	return requestf("%s is %s: export starts from the architecture and the weights it was made of (--checkpoint)", file, what)
}

// quantise calibrates the activations of a network on training images, validates it
// on the validation part beside fp32, and times both. It returns the ranges.
func (e *Exporting) quantise(ctx context.Context, j *job.Job, arch model.Architecture, w onnx.Weights, r *Exported, metadata map[string]string) (func(string) (onnx.Range, error), error) {
	library, err := onnx.Open(e.Library)
	if err != nil {
		return nil, err
	}
	train, val, err := e.calibrationData(ctx, r)
	if err != nil {
		return nil, err
	}
	q := &Quantised{Runtime: "ONNX Runtime " + library.Version, Processor: latency.Processor(), Slow: onnx.SlowInt8()}
	found := e.from.ranges
	if q.Calibration, q.CalibrationData = "fine-tuning that was quantised", train.Name; found == nil || e.recalibrates() || r.ImageSize != e.from.known.ImageSize {
		images, err := evaluation.Load(ctx, train, e.CalibrationImages)
		if err != nil {
			return nil, err
		}
		j.Part(0, 3)
		if found, err = e.ranges(ctx, j, arch, w, images, r.Classes); err != nil {
			return nil, err
		}
		q.Calibration, q.CalibrationImages, q.CalibrationData = e.Calibrating.String(), images.Len(), images.Name
	}
	ranges := found.Of

	if q.Judged, err = e.judge(ctx, j, arch, w, r, val, metadata, func(g *onnx.Graph) (*onnx.Graph, error) { return g.Quantised(ranges) }); err != nil {
		return nil, err
	}
	metadata["precision"] = string(onnx.INT8)
	metadata["calibration"] = q.Calibrated()

	if err := e.timeInTurn(ctx, arch, r, q); err != nil {
		return nil, err
	}
	r.Quantised = q
	if q.Slow != "" {
		e.note("%s", q.Slow)
	}
	if lost := q.lost(); lost > largeLoss {
		e.note("int8 costs %.2f points, %.0f of %d images: %s", lost, lost*float64(q.Images)/100, q.Images, e.remedy())
	}
	return ranges, nil
}

// recalibrates reports whether it was asked how to calibrate.
func (e *Exporting) recalibrates() bool {
	return e.Given["calibration"] || e.Given["percentile"] || e.Given["calibration_images"]
}

// Calibrated says how the ranges were found.
func (q *Quantised) Calibrated() string {
	if q.CalibrationImages == 0 {
		return fmt.Sprintf("%s, on %s", q.Calibration, q.CalibrationData)
	}
	return fmt.Sprintf("%s of %d images of %s", q.Calibration, q.CalibrationImages, q.CalibrationData)
}

// remedy is what may win back what int8 costs.
func (e *Exporting) remedy() string {
	const other = "more --calibration-images or the other --calibration may help"
	switch {
	case e.from.ranges != nil:
		return "more epochs of finetune --quantize int8 may win them back"
	case e.Forms:
		return "a short fine-tuning with quantize int8 may win them back; " + other
	}
	arch := ""
	if e.from.known == nil || e.from.known.Arch == "" {
		arch = "--arch ARCH "
	}
	return fmt.Sprintf("a short fine-tuning that rounds as int8 does may win them back, binas-tui finetune --quantize int8 %s--checkpoint %s --data %s --out FOLDER, whose weights are then exported; %s",
		arch, phrase.ShellWord(e.Checkpoint), phrase.ShellWord(e.Data), other)
}

// timeInTurn times both precisions on this machine.
func (e *Exporting) timeInTurn(ctx context.Context, arch model.Architecture, r *Exported, q *Quantised) error {
	var networks []latency.OpenNetwork
	for _, p := range []onnx.Precision{onnx.FP32, onnx.INT8} {
		m := latency.NewMachine(latency.MachineOptions{Batch: max(1, r.Batch), Classes: r.Classes, Precision: p})
		n, err := m.Open(ctx, arch, r.ImageSize)
		if err != nil {
			return err
		}
		defer n.Close()
		networks = append(networks, n)
	}
	tookMS, err := latency.InTurn(ctx, networks, turnRounds)
	if err != nil {
		return err
	}
	q.FP32LatencyMS, q.LatencyMS, q.Speedup = tookMS[0], tookMS[1], tookMS[0]/tookMS[1]
	return nil
}

// calibrationData opens the images to calibrate and to validate on, prepared as
// those that the weights were trained on.
func (e *Exporting) calibrationData(ctx context.Context, r *Exported) (train, val *dataset.Set, err error) {
	o := e.from
	order := e.ClassOrder
	if !e.Given["class_order"] {
		order = cmp.Or(o.order, order)
	}
	train, val, err = e.openData(ctx, o, dataset.Options{Size: r.ImageSize, Classes: r.Classes, ClassOrder: order, MaxUnreadable: e.unreadable()})
	if err != nil {
		return nil, nil, err
	}
	if val == nil || val.Len() == 0 {
		return nil, nil, requestf("%s has no validation part to compare precisions on", e.Data)
	}
	id, err := dataset.Identify(ctx, train, val)
	if err == nil {
		err = e.suits(o, id)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, s := range []*dataset.Set{train, val} {
		s.PrepareAs(o.data, o.crop)
	}
	e.noteData(train, val)
	return train, val, nil
}
