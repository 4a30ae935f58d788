package steps

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/latency"
)

// Found is what run folders hold for an explorer.
type Found struct {
	Tables     []explore.Source // of the runs, such as "table of digits"
	Predictors []explore.Source // such as "bilinear of digits"
	Fits       []Fitted         // how those of pipelines did
	Accuracies []Accuracy       // the newest last
}

// Find looks into run folders; what cannot be read is left out.
func Find(folders ...string) (f Found) {
	for _, run := range folders {
		if file := filepath.Join(run, TableFile); exists(file) {
			f.Tables = append(f.Tables, TableOf(file))
		}
		for _, kind := range Predictors() {
			if file := filepath.Join(run, kind+".safetensors"); exists(file) {
				f.Predictors = append(f.Predictors, PredictorOf(file))
			}
		}
		if fitted, err := ReadRanked(run); err == nil {
			f.Fits = append(f.Fits, FittedBy(fitted)...)
		}
		if networks, err := ReadNetworks(run); err == nil {
			f.Accuracies = append(f.Accuracies, AccuraciesOf(networks)...)
		}
		data, err := records.Read(filepath.Join(run, accuraciesFile))
		if err != nil {
			continue
		}
		lines := jsonl.Reader{Record: func(_ int, object []byte) error {
			a := Accuracy{Run: run}
			err := json.Unmarshal(object, &a)
			if err == nil && a.Images > 0 {
				f.Accuracies = append(f.Accuracies, a)
			}
			return err
		}}
		lines.Read(data)
	}
	return f
}

// TableOf names the latency table of a run folder.
func TableOf(file string) explore.Source {
	return explore.Source{Name: "table of " + filepath.Base(filepath.Dir(file)), Path: file}
}

// PredictorOf names a predictor of a run folder.
func PredictorOf(file string) explore.Source {
	name := filepath.Base(file)
	return explore.Source{Name: name[:len(name)-len(filepath.Ext(name))] + " of " + filepath.Base(filepath.Dir(file)), Path: file}
}

// Runs lists the run folders in the user's data folder, the one that was written
// to last first. Measurements keep their rounds there too: those are left out.
func Runs() []string {
	folder := filepath.Join(explore.DataDir(), "runs")
	entries, _ := os.ReadDir(folder) // none yet
	written := map[string]time.Time{}
	for _, e := range entries {
		run := filepath.Join(folder, e.Name())
		if info, err := e.Info(); err == nil && e.IsDir() && !latency.KeepsRounds(run) {
			written[run] = info.ModTime()
		}
	}
	return slices.SortedFunc(maps.Keys(written), func(a, b string) int { return written[b].Compare(written[a]) })
}
