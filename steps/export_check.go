package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"math"
	"strconv"

	"github.com/binas-tui/binas-tui/internal/logits"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// Checked is what an exported file answers to an image prepared as
// docs/DEPLOYING.md says, beside what this program answers with the weights.
type Checked struct {
	Image           string  `json:"image"`
	Class           string  `json:"class"`            // that the file answers
	InputDifference float64 `json:"input_difference"` // largest of the prepared image
	Difference      float64 `json:"difference"`       // largest of the logits
}

// sameAnswer is how far logits may be apart: more is another network or another image.
const sameAnswer = 1e-3

// toCheck decodes the image to check with, before anything is written.
func (e *Exporting) toCheck(ctx context.Context, r Exported) (image.Image, error) {
	if r.Metadata["preprocessing"] != preprocessing {
		return nil, requestf("%s: the weights do not say how images are prepared", e.called(checkParam))
	}
	pixels, err := dataset.Pixels(ctx, e.Check)
	if err != nil {
		return nil, requestf("%s %s: %w", e.called(checkParam), e.Check, err)
	}
	_, err = onnx.Open(e.Library)
	return pixels, err
}

// check has the written file and this program answer to an image.
func (e *Exporting) check(ctx context.Context, arch model.Architecture, w onnx.Weights, r Exported, pixels image.Image) (*Checked, error) {
	id, err := dataset.IdentityOf(r.Metadata)
	if err != nil {
		return nil, err
	}
	crop, err := strconv.ParseFloat(r.Metadata["crop_pct"], 64)
	if err != nil {
		return nil, err
	}
	x, want, err := ownAnswer(ctx, arch, w, r, dataset.One(e.Check, r.Classes, r.ImageSize, *id, crop))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Check, err)
	}
	file, err := safefile.Read(e.File, maxONNX)
	if err != nil {
		return nil, err
	}
	meta, err := onnx.ModelMetadata(file)
	if err != nil {
		return nil, err
	}
	documented, err := prepare(ctx, pixels, meta)
	if err != nil {
		return nil, err
	}
	have, err := answerOf(ctx, file, documented, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.File, err)
	}
	c := &Checked{Image: e.Check, Class: strconv.Itoa(logits.Best(have, 1)[0]), InputDifference: largest(documented, x), Difference: largest(have, want)}
	if id.Classes != nil {
		c.Class = id.Classes[logits.Best(have, 1)[0]]
	}
	if !(c.Difference <= sameAnswer) {
		return c, fmt.Errorf("%s answers otherwise than the weights: logits of %s differ by %.2g, the prepared image by %.2g: expected at most %g", e.File, e.Check, c.Difference, c.InputDifference, sameAnswer)
	}
	return c, nil
}

// ownAnswer is the image as evaluation sees it, and the logits of the weights.
func ownAnswer(ctx context.Context, arch model.Architecture, w onnx.Weights, r Exported, set *dataset.Set) (x, z []float32, err error) {
	loader, err := dataset.NewLoader(set, dataset.LoaderOptions{Batch: 1, Evaluate: true})
	if err != nil {
		return nil, nil, err
	}
	for b, err := range loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return nil, nil, err
		}
		x = b.X
	}
	images, err := evaluation.Load(ctx, set, 1)
	if err != nil {
		return nil, nil, err
	}
	n, err := evaluation.NewNetwork(arch, w, r.ImageSize, r.Classes, onnx.CPU)
	if err != nil {
		return nil, nil, err
	}
	defer n.Close()
	_, err = evaluation.Validate(ctx, n, images, 1, nil, func(p evaluation.Prediction) error {
		z = p.Logits
		return nil
	})
	return x, z, err
}

// answerOf is the logits of a file.
func answerOf(ctx context.Context, file []byte, x []float32, r Exported) ([]float32, error) {
	s, err := onnx.NewSession(file, onnx.SessionOptions{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	batch := max(r.Batch, 1) // of an open one any will do
	in, err := onnx.NewTensor(nil, batch, 3, r.ImageSize, r.ImageSize)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	copy(in.Data, x)
	out, err := onnx.NewTensor(nil, batch, r.Classes)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	err = s.RunTensors(ctx, []*onnx.Tensor{in}, []*onnx.Tensor{out})
	return out.Data[:r.Classes], err
}

// prepare prepares an image by docs/DEPLOYING.md and the metadata of a file alone.
func prepare(ctx context.Context, pixels image.Image, meta map[string]string) ([]float32, error) {
	var mean, std [3]float64
	size, err := strconv.Atoi(meta["image_size"])
	if err == nil {
		err = json.Unmarshal([]byte(meta["mean"]), &mean)
	}
	if err == nil {
		err = json.Unmarshal([]byte(meta["std"]), &std)
	}
	crop, cropErr := strconv.ParseFloat(meta["crop_pct"], 64)
	if err != nil || cropErr != nil {
		return nil, fmt.Errorf("the metadata of the exported file: %v, %v", err, cropErr)
	}
	width, height := pixels.Bounds().Dx(), pixels.Bounds().Dy()
	side := max(1, int(float64(min(width, height))*crop+0.5))
	left, top := (width-side)/2, (height-side)/2
	var (
		rows  = catmullRom(side, size)
		x     = make([]float32, 3*size*size)
		lines = make([][3]float64, side*size) // resized across
	)
	for j := range side {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i, row := range rows {
			for k, w := range row.weights {
				r, g, b := rgbAt(pixels, left+row.first+k, top+j)
				v := &lines[j*size+i]
				v[0], v[1], v[2] = v[0]+w*r, v[1]+w*g, v[2]+w*b
			}
		}
	}
	for y, row := range rows {
		for i := range size {
			var v [3]float64
			for k, w := range row.weights {
				for c, from := range lines[(row.first+k)*size+i] {
					v[c] += w * from
				}
			}
			for c := range 3 {
				value := int(65535*min(max(v[c], 0), 1)+0.5) >> 8
				x[(c*size+y)*size+i] = float32((float64(value)/255 - mean[c]) / std[c])
			}
		}
	}
	return x, nil
}

// rgbAt is a pixel of an opaque image, of 0 to 1.
func rgbAt(m image.Image, x, y int) (r, g, b float64) {
	red, green, blue, _ := m.At(x, y).RGBA()
	return float64(red>>8) / 255, float64(green>>8) / 255, float64(blue>>8) / 255
}

// resample is which pixels make one, from the first on.
type resample struct {
	first   int
	weights []float64
}

// catmullRom are the pixels that make each of size, of n.
func catmullRom(n, size int) []resample {
	scale := float64(n) / float64(size)
	wide, rows := max(scale, 1), make([]resample, size)
	for i := range rows {
		at := (float64(i)+0.5)*scale - 0.5
		row := &rows[i]
		row.first = max(0, int(math.Floor(at-2*wide)))
		sum := 0.0
		for j := row.first; j < min(n, int(math.Ceil(at+2*wide))); j++ {
			t, w := math.Abs(at-float64(j))/wide, 0.0
			if t < 1 {
				w = (1.5*t-2.5)*t*t + 1
			} else if t < 2 {
				w = ((2.5-0.5*t)*t-4)*t + 2
			}
			row.weights, sum = append(row.weights, w), sum+w
		}
		for k := range row.weights {
			row.weights[k] /= sum
		}
	}
	return rows
}

// largest is the largest difference of two lists.
func largest(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst := 0.0
	for i, v := range a {
		worst = max(worst, math.Abs(float64(v-b[i])))
	}
	return worst
}
