package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/internal/records"
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

// ReadMetrics reads the metrics of a run folder, also while it is trained. A
// line that is being written is left out, damaged ones are lost; no file is no
// lines.
func ReadMetrics(folder string) (out []Metric, lost jsonl.Lost, err error) {
	data, err := records.Read(filepath.Join(folder, metricsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, lost, nil
	}
	if err != nil {
		return nil, lost, fmt.Errorf("metrics: %w", err)
	}
	r := jsonl.Reader{Record: func(_ int, object []byte) error {
		var m Metric
		err := json.Unmarshal(object, &m)
		if err == nil {
			out = append(out, m)
		}
		return err
	}}
	result, err := r.Read(data)
	return out, result.Lost, err
}

// metricsLog appends to metrics.jsonl and to the tables.
type metricsLog struct {
	file   *records.File
	tables tables
}

// openMetrics opens the file and cuts off what is later than a checkpoint: the
// lines of the stage past its step, validations that it does not know of, and a
// line that a killed process did not finish. So the file reads as if the run had
// never been interrupted. It returns the lines of the stage that stay. Damaged
// lines are lost, which is said.
func openMetrics(dir string, stage Stage, at position, say func(string)) (*metricsLog, []Metric, error) {
	path := filepath.Join(dir, metricsFile)
	var kept []Metric
	f, err := records.Open(path, records.Options{Unlocked: true, Each: func(object []byte) error {
		var m Metric
		if err := json.Unmarshal(object, &m); err != nil {
			return err
		}
		if m.Stage == stage {
			if m.Step > at.Step || len(m.Validation) > 0 && m.Epoch > at.Validated {
				return records.ErrDrop
			}
			kept = append(kept, m)
		}
		return nil
	}})
	if err != nil {
		return nil, nil, fmt.Errorf("metrics: %w", err)
	}
	if f.Lost.Count > 0 {
		say(fmt.Sprintf("%s: %s; the file as it was is kept as %s", path, f.Lost, filepath.Base(f.DamagedCopy())))
	}
	ts, err := openTables(Run{Folder: dir}, stage, kept)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return &metricsLog{f, ts}, kept, nil
}

func (l *metricsLog) add(m Metric) error {
	if err := l.file.Append(m); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return l.tables.add(m)
}

func (l *metricsLog) close() {
	l.file.Close()
	l.tables.close()
}
