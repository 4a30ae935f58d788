package training

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Score is the accuracy of one network on held-out images.
type Score struct {
	Network string  `json:"network"` // heaviest, smallest, middle, or child
	Top1    float64 `json:"top1"`    // percent
	Top5    float64 `json:"top5"`    // percent
	Loss    float64 `json:"loss"`    // cross-entropy without smoothing
	Images  int     `json:"images"`
}

// Metric is a line of metrics.jsonl: means over the steps since the line before
// of the same stage, or, where Validation is there, scores after an epoch.
type Metric struct {
	Stage           Stage   `json:"stage"`
	Epoch           int     `json:"epoch"` // from 1
	Step            int     `json:"step"`  // steps of the stage that are done
	Loss            float64 `json:"loss,omitempty"`
	CE              float64 `json:"ce,omitempty"`       // cross-entropy, smoothed as trained
	KL              float64 `json:"kl,omitempty"`       // of teacher and student, unweighted
	Features        float64 `json:"features,omitempty"` // sum of the mean squared errors of the stages, unweighted
	Top1            float64 `json:"top1,omitempty"`     // percent, on the augmented images that were trained on
	LR              float64 `json:"lr,omitempty"`
	ImagesPerSecond float64 `json:"images_per_second,omitempty"` // forward and backward; an image counts for each path it takes
	Validation      []Score `json:"validation,omitempty"`
}

// What is read of the metrics is bounded: a line, and all of them, in bytes.
const (
	maxMetricLine = 1 << 16
	maxMetrics    = 256 << 20
)

// ReadMetrics reads the metrics of a run folder, also while it is trained. A
// line that is being written is left out; no file is no lines.
func ReadMetrics(folder string) ([]Metric, error) {
	path := filepath.Join(folder, metricsFile)
	f, err := safefile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	defer f.Close()
	var out []Metric
	err = eachMetric(f, func(m Metric, _ []byte) { out = append(out, m) })
	if err != nil {
		return nil, fmt.Errorf("metrics: %s: %w", path, err)
	}
	return out, nil
}

// eachMetric calls do for every whole line.
func eachMetric(r io.Reader, do func(m Metric, line []byte)) error {
	lines := bufio.NewReaderSize(r, maxMetricLine)
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("line %d: longer than %d bytes", number, maxMetricLine)
		case err != nil:
			return err
		}
		var m Metric
		if err := json.Unmarshal(line, &m); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		do(m, line)
	}
}

// metricsLog appends to metrics.jsonl.
type metricsLog struct {
	path string
	file *os.File
}

// openMetrics opens the file and cuts off what is later than a checkpoint: the
// lines of the stage past its step, validations that it does not know of, and a
// line that a killed process did not finish. So the file reads as if the run had never been interrupted. It
// returns the lines of the stage that stay.
func openMetrics(dir string, stage Stage, at position) (*metricsLog, []Metric, error) {
	l := &metricsLog{path: filepath.Join(dir, metricsFile)}
	kept, err := l.cut(stage, at)
	if err == nil {
		l.file, err = safefile.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("metrics: %w", err)
	}
	return l, kept, nil
}

func (l *metricsLog) cut(stage Stage, at position) ([]Metric, error) {
	data, err := safefile.Read(l.path, maxMetrics)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var (
		keep bytes.Buffer
		kept []Metric
	)
	err = eachMetric(bytes.NewReader(data), func(m Metric, line []byte) {
		if m.Stage == stage && (m.Step > at.Step || len(m.Validation) > 0 && m.Epoch > at.Validated) {
			return
		}
		keep.Write(line)
		if m.Stage == stage {
			kept = append(kept, m)
		}
	})
	if err == nil && keep.Len() != len(data) {
		err = safefile.Write(l.path, keep.Bytes())
	}
	return kept, err
}

func (l *metricsLog) add(m Metric) error {
	line, err := json.Marshal(m)
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

func (l *metricsLog) close() { l.file.Close() }
