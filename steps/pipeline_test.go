package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// quick is a pipeline with the smallest settings that run every step, all of them
// given.
func quick(run, data string) *PipelineRun {
	p := NewPipeline()
	for _, v := range p.own() {
		p.give(v.Key)
	}
	s := &p.Settings
	s.Data, s.HeaviestEpochs, s.OneShotEpochs, s.FineTuneEpochs = data, 1, 1, 1
	s.Sampling, s.Paths = "batch", 1
	s.Samples, s.TestSamples, s.Contributions, s.PinnedImages, s.Budgets, s.Random = 12, 10, 1, 4, 2, 1
	p.Run, s.MeasureRounds = run, 1
	return p
}

// runJob runs a pipeline as a job; stop is asked at every change of it whether
// to cancel. Where the machine is too busy to be measured on, it goes on a few
// times.
func runJob(t *testing.T, p *PipelineRun, stop func(job.Snapshot) bool) (got job.Snapshot) {
	t.Helper()
	timetest.Measured(t, func() bool {
		ctx, cancel := context.WithCancel(context.Background())
		runner := job.Runner{Publish: func(s job.Snapshot) {
			if stop != nil && s.State == job.Running && stop(s) {
				cancel()
			}
		}}
		j := runner.Start(ctx, "pipeline", p.Work)
		<-j.Ended()
		cancel()
		got = j.Snapshot()
		return !errors.Is(got.Err, latency.ErrInconclusive)
	})
	return got
}

// The whole method on a few images, stopped in several steps, goes on to its
// end; then there is nothing left to do.
func TestPipelineGoesOnWhereItWasStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("trains, samples and measures")
	}
	onnxtest.Require(t)
	data := t.TempDir()
	datatest.Patches(t, data, "train", 240)
	datatest.Patches(t, data, "t10k", 40)
	p := quick(filepath.Join(t.TempDir(), "run"), data)
	s := &p.Settings
	s.MeasureRounds = 5 // one is kept, and there are enough others to be seen and stopped in
	rounds := func() string {
		data, _ := os.ReadFile(filepath.Join(p.Run, measureFolder, "measure.jsonl"))
		return string(data)
	}
	for _, in := range []string{"oneshot: ", "samples: ", "contribute: ", "finetune: ", "measure: "} {
		got := runJob(t, p, func(j job.Snapshot) bool {
			return (strings.Contains(j.Status, in) || strings.Contains(last(j.Log), strings.TrimSuffix(in, " "))) && j.Done > 0 &&
				(in != "measure: " || strings.Count(rounds(), "\n") > 1) // the first line is no round
		})
		if got.State != job.Cancelled {
			t.Fatalf("stopped in %s: %v, %v", in, got.State, got.Err)
		}
	}
	kept, wentOn := rounds(), false
	var early Ranked
	watch := func(j job.Snapshot) bool {
		if f, ok := j.Result.(Ranked); ok && j.State == job.Running {
			early = f
		}
		if strings.Contains(j.Status, "measure: network") && !wentOn {
			wentOn = strings.HasPrefix(rounds(), kept)
		}
		return false
	}
	got := runJob(t, p, watch)
	if !wentOn || latency.KeepsRounds(filepath.Join(p.Run, measureFolder)) {
		t.Errorf("the measurement went on with its rounds: %v; kept still: %v", wentOn, latency.KeepsRounds(filepath.Join(p.Run, measureFolder)))
	}
	checkFitted(t, early, *s)
	if got.State != job.Done {
		t.Fatalf("%v: %v", got.State, got.Err)
	}
	finished, _ := got.Result.(Finished)
	report, err := os.ReadFile(finished.Report)
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, p.Run, data, string(report))
	trained, err := os.ReadFile(filepath.Join(p.Run, networksFile))
	if err != nil {
		t.Fatal(err)
	}
	early = Ranked{}
	if again := runJob(t, p, watch); again.State != job.Done {
		t.Fatalf("again: %v: %v", again.State, again.Err)
	}
	checkFitted(t, early, *s)
	if now, err := os.ReadFile(filepath.Join(p.Run, networksFile)); err != nil || string(now) != string(trained) {
		t.Errorf("a finished pipeline was trained again: %v", err)
	}
	s.Samples++
	if other := runJob(t, p, nil); !errors.Is(other.Err, ErrMismatch) || !strings.Contains(other.Err.Error(), "samples was 12 and is now 13") {
		t.Errorf("other settings: %v", other.Err)
	}
}

// checkFitted wants predictors that can be explored with before the pipeline
// ends, the chosen one among them.
func checkFitted(t *testing.T, f Ranked, s PipelineSettings) {
	t.Helper()
	if f.Chosen != s.Predictor || len(f.Rankings) < 4 || len(f.Measured) != s.TestSamples {
		t.Errorf("published while it runs: %+v", f)
	}
	for _, r := range f.Rankings {
		if _, _, err := explore.LoadPredictor(f.File(r.Predictor)); err != nil || len(r.Predicted) != len(f.Measured) {
			t.Errorf("%s: %v", r.Predictor, err)
		}
	}
	if _, err := explore.LoadLUT(f.LUT()); err != nil {
		t.Error(err)
	}
}

func last(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// checkReport holds what the folder says together: searched networks keep their
// budget and are exported, and all are in the report.
func checkReport(t *testing.T, folder, data, report string) {
	t.Helper()
	for _, want := range []string{"## Training", "## Predictors", "estimator", "bilinear", "quadratic", "mlp", "## Networks", "## Time", "networks.svg"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report has no %q", want)
		}
	}
	r := &run{folder: folder}
	var networks []Network
	if err := r.readJSON(resultsFile, &networks); err != nil {
		t.Fatal(err)
	}
	if len(networks) != 4 {
		t.Fatalf("%d networks, expected a searched and a random one at 2 budgets", len(networks))
	}
	for i, n := range networks {
		if n.LatencyMS > n.LimitMS || n.MeasuredMS <= 0 || n.FineTuned <= 0 || !strings.Contains(report, n.Name) {
			t.Errorf("%+v", n)
		}
		if n.Kind == Random {
			if best := networks[i-1].LatencyMS; n.LatencyMS > best || n.LatencyMS < best*(1-latencyTolerance) {
				t.Errorf("%s has %.5f ms, expected up to 1%% less than %.5f", n.Name, n.LatencyMS, best)
			}
			continue
		}
		model, err := os.ReadFile(r.path(exportFolder, n.Name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := onnx.ModelIO(model); err != nil {
			t.Errorf("%s: %v", n.Name, err)
		}
		meta, err := onnx.ModelMetadata(model)
		if got := meta["top1"] + " on " + meta["top1_images"] + " of " + meta["top1_data"]; err != nil || meta["preprocessing"] != "1" || meta["class_names"] == "" ||
			meta["run"] != filepath.Base(r.folder) || got != fmt.Sprintf("%.2f on %d of %s validation", n.FineTuned, n.Images, filepath.Base(data)) {
			t.Errorf("%s: %v, %v", n.Name, meta, err)
		}
	}
	for _, name := range predictors {
		if name == sampledEstimator { // 12 samples do not have every decision
			continue
		}
		if _, info, err := explore.LoadPredictor(r.path(predictorFile(name))); err != nil || !strings.HasSuffix(info.Source, " of a supernet trained on "+filepath.Base(data)+" at 32 px") {
			t.Errorf("%s: %q, %v", name, info.Source, err)
		}
	}
	if exists(r.path(accuraciesFile)) {
		t.Error("what networks reached is noted twice")
	}
}

func TestSettingsAreChecked(t *testing.T) {
	good := DigitsPipeline()
	good.Data = "digits"
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*PipelineSettings){
		"budgets":   func(s *PipelineSettings) { s.Budgets = 0 },
		"predictor": func(s *PipelineSettings) { s.Predictor = "forest" },
		"data":      func(s *PipelineSettings) { s.Data = "" },
		"samples":   func(s *PipelineSettings) { s.Samples = 3 },
		"batch":     func(s *PipelineSettings) { s.BatchSize = 1 },
		"sampling":  func(s *PipelineSettings) { s.Sampling = "every" },
		"paths":     func(s *PipelineSettings) { s.Sampling, s.Paths = "batch", 5 }, // no divisor of the preset's batch
	} {
		s := good
		spoil(&s)
		if err := s.Check(); !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A folder that was begun before there was a choice keeps its class order.
func TestClassOrderOfAFolder(t *testing.T) {
	for name, c := range map[string]struct {
		begun       bool
		order       dataset.ClassOrder // in the folder's settings
		given, want dataset.ClassOrder
		err         error
	}{
		"new":        {false, "", "", dataset.NaturalOrder, nil},
		"new, bytes": {false, "", dataset.BytesOrder, dataset.BytesOrder, nil},
		"old":        {true, "", dataset.NaturalOrder, dataset.BytesOrder, nil},
		"same":       {true, dataset.NaturalOrder, dataset.NaturalOrder, dataset.NaturalOrder, nil},
		"another":    {true, dataset.NaturalOrder, dataset.BytesOrder, "", ErrMismatch},
	} {
		dir, s := t.TempDir(), DigitsPipeline()
		s.Data, s.ClassOrder = "digits", c.order
		if c.begun {
			data, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if err := safefile.Write(filepath.Join(dir, pipelineFile), data); err != nil {
				t.Fatal(err)
			}
		}
		s.ClassOrder = c.given
		if err := s.claim(dir, dataset.Identity{Name: "digits", Root: "/digits", Std: [3]float64{1, 1, 1}, Fingerprint: "f"}, func(line string) { t.Log(line) }); !errors.Is(err, c.err) || err == nil && s.ClassOrder != c.want {
			t.Errorf("%s: %v, order %q", name, err, s.ClassOrder)
		}
		if read, err := ReadPipeline(dir); c.err == nil && (err != nil || read.ClassOrder != c.want) {
			t.Errorf("%s: read back %q, %v", name, read.ClassOrder, err)
		}
	}
	s := DigitsPipeline()
	s.Data, s.ClassOrder = "digits", "size"
	if err := s.Check(); !errors.Is(err, ErrSettings) {
		t.Errorf("order size: %v", err)
	}
}

// What is given goes into the settings of every stage it is about, what is not
// stays the preset's.
func TestSettingsOfStages(t *testing.T) {
	s := DigitsPipeline()
	s.BatchSize, s.OneShotEpochs, s.Paths, s.Mixup, s.Patience = 16, 3, 2, 0.2, 4
	for _, stage := range []training.Stage{training.Heaviest, training.OneShot, training.FineTune} {
		preset := training.Preset(s.Preset, stage, training.Shape{})
		if got := s.stage(stage, training.Shape{}); got.BatchSize != 16 || got.LR != preset.LR || (got.Epochs == 3) != (stage == training.OneShot) || (got.Paths == 2) != (stage == training.OneShot) {
			t.Errorf("%s: %+v", stage, got)
		}
		if got := s.stage(stage, training.Shape{}); got.Mixup != 0.2 || (got.Patience == 4) == (stage == training.FineTune) || got.Smoothing != preset.Smoothing {
			t.Errorf("%s: mixup %g, patience %d, smoothing %g", stage, got.Mixup, got.Patience, got.Smoothing)
		}
		if got := DigitsPipeline().stage(stage, training.Shape{}); got.BatchSize != preset.BatchSize {
			t.Errorf("%s: batches of %d without being asked", stage, got.BatchSize)
		}
	}
}

func TestComparisons(t *testing.T) {
	res := Results{Settings: PipelineSettings{Budgets: 1}, Networks: []Network{
		{Kind: Searched, Budget: 1, FineTuned: 80, Images: 100}, {Kind: Random, Budget: 1, FineTuned: 70, Images: 100}, {Kind: Random, Budget: 1, FineTuned: 76, Images: 100},
	}}
	if got, want := res.Comparisons()[0], (Comparison{Budget: 1, Searched: 80, Random: 2, Mean: 73, Best: 76, Error: math.Sqrt(16 + (21+18.24)/2)}); got != want {
		t.Errorf("%+v, expected %+v", got, want)
	}
}

func TestTimesAddUp(t *testing.T) {
	r := &run{folder: t.TempDir()}
	for range 2 {
		if err := r.noteTime(stepTime{"fit", 1.5, true}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(r.path(timesFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"step":"fi`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if got, err := r.times(); err != nil || got["fit"] != 3 {
		t.Errorf("%v, %v: expected 3 s and a torn line left out", got, err)
	}
}

// Steps that are short each are long together: fine-tunings, evaluations, a table that
// is measured.
func TestPipelineIsGuessedAsAWhole(t *testing.T) {
	trainings := make([]training.Settings, len(stages))
	for i, stage := range stages {
		s := training.Small(stage)
		s.Space, s.ImageSize, s.Classes, s.Images, s.HeldOut, s.Epochs = "mobilenasnet", 32, 3, 48, 12, 32
		if trainings[i] = s; !short(s) || s.Guess() <= 0 {
			t.Fatalf("%s: guessed to take %.1f s: expected less than %d", stage, s.Guess(), shortWork)
		}
	}
	space, err := model.NewSpace("mobilenasnet", 32)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{PipelineSettings: PipelineSettings{Budgets: 2, Random: 1, Samples: 20, TestSamples: 10, Contributions: 1, PinnedImages: 12, LUT: digitsTable}, space: space}
	few := r.expected(guessed(trainings)).Seconds
	if few >= shortWork || few <= trainings[0].Guess()+trainings[1].Guess() {
		t.Errorf("guessed to take %.1f s: expected less than %d", few, shortWork)
	}
	for name, change := range map[string]func(*run){
		"many budgets": func(r *run) { r.Budgets = 600 },
		"many samples": func(r *run) { r.Samples = 10_000 },
		"many pinned":  func(r *run) { r.Contributions = 100 },
		"a table":      func(r *run) { r.LUT = "" },
	} {
		more := *r
		change(&more)
		e := more.expected(guessed(trainings))
		if e.Seconds < few+tableSeconds || name != "a table" && e.Seconds < shortWork {
			t.Errorf("%s: %.1f s, without %.1f s", name, e.Seconds, few)
		}
	}
}

// A pipeline keeps its data: other images are refused and nothing changes, a moved
// folder is taken and remembered; what is refused claims no folder.
func TestDataBelongsToThePipeline(t *testing.T) {
	onnxtest.Require(t)
	data := filepath.Join(t.TempDir(), "patches")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	datatest.Patches(t, data, "train", 240)
	datatest.Patches(t, data, "t10k", 40)
	p := quick(filepath.Join(t.TempDir(), "run"), data)
	p.Until = "latency"
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(p.Run, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	large := Clone(p)
	large.Settings.BatchSize = 1 << 10
	if got := runJob(t, large, nil); !errors.Is(got.Err, training.ErrSettings) || exists(p.Run) {
		t.Fatalf("more images a step than there are: %v; left the folder: %v", got.Err, exists(p.Run))
	}
	if got := runJob(t, p, nil); got.State != job.Done {
		t.Fatal(got.Err)
	}
	before := read(pipelineFile)
	images := filepath.Join(data, "train-images-idx3-ubyte")
	pixels, err := os.ReadFile(images)
	if err != nil {
		t.Fatal(err)
	}
	pixels[500] ^= 1
	if err := os.WriteFile(images, pixels, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := runJob(t, p, nil); !errors.Is(got.Err, dataset.ErrOtherData) || read(pipelineFile) != before {
		t.Errorf("a changed byte: %v", got.Err)
	}
	pixels[500] ^= 1
	if err := os.WriteFile(images, pixels, 0o644); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(data, moved); err != nil {
		t.Fatal(err)
	}
	p.Settings.Data = moved
	got := runJob(t, p, nil)
	if got.State != job.Done || !strings.Contains(strings.Join(got.Log, "\n"), "is in "+moved+" now") {
		t.Errorf("moved: %v, %q", got.Err, got.Log)
	}
	if begun, err := readPipeline(p.Run); err != nil || begun.Data != moved || begun.Identity.Root != moved {
		t.Errorf("%+v, %v", begun, err)
	}
}

// Too many images to validate on that cannot be read are found before the first
// training, and claim no folder.
func TestUnreadableValidationEndsAPipelineAtOnce(t *testing.T) {
	onnxtest.Require(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	data := t.TempDir()
	for _, name := range []string{"train/a/1.png", "train/a/2.png", "train/a/3.png", "train/a/4.png", "train/b/1.png", "train/b/2.png", "train/b/3.png", "train/b/4.png", "val/a/1.png", "val/b/bad.png"} {
		file := filepath.Join(data, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 40, 40))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, picture.Bytes()[:picture.Len()-len(filepath.Base(name))/7*30], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := quick(filepath.Join(t.TempDir(), "run"), data)
	p.Settings.BatchSize, p.Settings.TrainPercent = 2, 50
	got := runJob(t, p, nil)
	if !errors.Is(got.Err, dataset.ErrUnreadable) || !strings.Contains(got.Err.Error(), "max-unreadable") || !strings.Contains(strings.Join(got.Log, "\n"), "bad.png") || exists(p.Run) {
		t.Errorf("%v, %q; left the folder: %v", got.Err, got.Log, exists(p.Run))
	}
}

// What a training takes is measured before it is begun, and leaves nothing; a step
// that takes no time to speak of has no estimate.
func TestEstimateOf(t *testing.T) {
	onnxtest.Require(t)
	data, run := t.TempDir(), filepath.Join(t.TempDir(), "run")
	datatest.Patches(t, data, "train", 60)
	datatest.Patches(t, data, "t10k", 10)
	t.Setenv("TMPDIR", t.TempDir())
	s := NewTraining(training.Heaviest)
	s.Run, s.Data = run, data
	estimate := func(task Task) (e Estimate, err error) {
		j := (&job.Runner{}).Start(t.Context(), "estimate", func(ctx context.Context, j *job.Job) (any, error) {
			e, err = EstimateOf(ctx, task, j)
			return nil, err
		})
		<-j.Ended()
		return e, err
	}
	e, err := estimate(s)
	if err != nil || e.Seconds <= 0 || e.Memory <= 0 || len(e.Steps) != 1 || !strings.HasPrefix(e.Short(), "about ") {
		t.Errorf("%+v, %v", e, err)
	}
	if left, _ := os.ReadDir(os.TempDir()); exists(run) || len(left) > 0 {
		t.Errorf("left %v in the folder for temporary files; the run: %v", left, exists(run))
	}
	if _, err := estimate(NewFitting()); !errors.Is(err, ErrRequest) {
		t.Errorf("of a fit: %v", err)
	}
}
