package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Files of a pipeline folder. Trainings keep their own files in it too; see
// package training.
const (
	pipelineFile      = "pipeline.json"
	lockFile          = "pipeline.lock"
	timesFile         = "times.jsonl"
	estimateFile      = "estimate.json"
	samplesFile       = "samples.jsonl"
	testFile          = "test.jsonl"
	contributionsFile = "contributions.jsonl"
	rankingFile       = "ranking.json"
	searchFile        = "search.json"
	finetuneFolder    = "finetune"
	networksFile      = "networks.json"
	latenciesFile     = "latencies.json"
	exportFolder      = "networks"
	resultsFile       = "results.json"
	// Rounds of measurements, to go on from until their step is done.
	latencyFolder = "latency"
	measureFolder = "measure"
	// ReportFile is the report, in Markdown.
	ReportFile = "report.md"
	// TableFile is the latency table in use.
	TableFile = "lut.json"
)

func (r *run) path(elem ...string) string {
	return filepath.Join(append([]string{r.folder}, elem...)...)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// writeJSON writes a value to a file of the folder, by rename.
func (r *run) writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return safefile.Write(r.path(name), append(data, '\n'))
}

func (r *run) readJSON(name string, v any) error {
	data, err := explore.ReadFile(r.path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w: %w", r.path(name), explore.ErrUnreadable, err)
	}
	return nil
}

// stepTime is a line of times.jsonl: how long a step worked until it ended or
// was stopped.
type stepTime struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
	Done    bool    `json:"done"`
}

func (r *run) noteTime(t stepTime) error { return explore.AppendJSON(r.path(timesFile), t) }

// times adds up what each step took over all starts. Damaged lines count for
// nothing, and are said.
func (r *run) times() (map[string]float64, error) {
	data, err := records.Read(r.path(timesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sum := map[string]float64{}
	lines := jsonl.Reader{Record: func(_ int, object []byte) error {
		var t stepTime
		err := json.Unmarshal(object, &t)
		sum[t.Step] += t.Seconds
		return err
	}}
	result, err := lines.Read(data)
	r.lost(timesFile, result.Lost)
	return sum, err
}
