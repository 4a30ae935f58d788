package cli

import (
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/version"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// contents is all files below folders.
func contents(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			files[path] = string(readFile(t, path))
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return files
}

// copied is a copy of a data set under another name.
func copied(t *testing.T, data, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// changedByte is a copy of a data set in which one byte of a file is another.
func changedByte(t *testing.T, data, file string, at int) string {
	t.Helper()
	dir := copied(t, data, filepath.Base(data))
	bytes := readFile(t, filepath.Join(dir, file))
	bytes[at] ^= 1
	if err := os.WriteFile(filepath.Join(dir, file), bytes, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// teacherOf writes the heaviest network of a run's supernet, and is its file.
func teacherOf(t *testing.T, run string) string {
	t.Helper()
	c, err := supernet.Load(training.Run{Folder: run}.Weights(training.OneShot))
	if err != nil {
		t.Fatal(err)
	}
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	w, err := supernet.Child(space, c.Weights, space.HeaviestPath())
	file := filepath.Join(t.TempDir(), "teacher.safetensors")
	if err == nil {
		err = supernet.Save(file, supernet.Checkpoint{Weights: w})
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// notesOf are the notes in the JSON of a command.
func notesOf(t *testing.T, r result) string {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	text := r.out
	if len(lines) > 1 && strings.HasPrefix(lines[0], `{"`) { // metrics before the result
		text = lines[len(lines)-1]
	}
	var v struct{ Notes []string }
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	notes := strings.Join(v.Notes, "\n")
	for _, note := range v.Notes {
		if !strings.Contains(r.err, "note: "+note+"\n") {
			t.Errorf("standard error does not say %q", note)
		}
	}
	return notes
}

// Every step of a run refuses data that it was not begun with, in one line, and
// nothing changes; the same data under another name is taken.
func TestStepsRefuseOtherData(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("trains")
	}
	data := idxFolder(t, 40)
	run, _, space := newSupernet(t, data)
	arch := space.Architecture(fastest(t)).String()
	heaviest, tuned := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "tuned")
	samples, estimator := filepath.Join(run, "samples.jsonl"), filepath.Join(run, "contributions.jsonl")
	steps := map[string][]string{
		"train":      {"train", "--stage", "heaviest", "--out", heaviest, "--image-size", "32", "--batch-size", "8", "--epochs", "1", "--validation", "8"},
		"sample":     {"sample", "--run", run, "--num", "2"},
		"contribute": {"contribute", "--run", run, "--num-samples", "1", "--images-per-network", "4"},
		"validate":   {"validate", "--run", run, "--arch", arch},
		"finetune": {"finetune", "--run", run, "--arch", arch, "--out", tuned, "--batch-size", "8", "--epochs", "1", "--validation", "8",
			"--teacher", teacherOf(t, run)},
	}
	// The second stage of a run has image size, data and all else from the first.
	steps["oneshot"] = []string{"train", "--stage", "oneshot", "--out", heaviest, "--batch-size", "8", "--epochs", "1", "--validation", "8", "--reorder-batches", "1"}
	order := []string{"train", "sample", "contribute", "validate", "finetune"}
	if r := runCLI(t, append(steps["train"], "--data", data)...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	// The supernet is of a run from before data belonged to it: the first step says so.
	first := runCLI(t, append(steps["sample"], "--data", data)...)
	if first.code != 0 || !strings.Contains(first.err, "did not say which data it was begun with") {
		t.Fatalf("%+v", first)
	}
	for _, folder := range []string{run, heaviest} {
		if r, err := training.ReadRun(folder); err != nil || r.Data == nil || r.Data.Root != data {
			t.Fatalf("%s: %+v, %v", folder, r.Data, err)
		}
	}
	others := map[string]string{
		changedByte(t, data, "train-images-idx3-ubyte", 100): "other names or contents",
		changedByte(t, data, "t10k-images-idx3-ubyte", 100):  "other names or contents",
		changedByte(t, data, "train-labels-idx1-ubyte", 8):   "other names or contents",
		idxFolder(t, 41): "40 training images there, 41 now",
	}
	before := contents(t, run, heaviest)
	for _, step := range order {
		for other, says := range others {
			r := runCLI(t, append(steps[step], "--data", other)...)
			if r.code != exitUsage || !strings.Contains(r.err, "other data than") || !strings.Contains(r.err, says) || strings.Count(r.err, "\n") != 1 || r.out != "" {
				t.Errorf("%s: %+v: expected one line with %q", step, r, says)
			}
			if after := contents(t, run, heaviest, tuned); !maps.Equal(before, after) {
				t.Fatalf("%s was refused, and files have changed", step)
			}
		}
	}
	moved := copied(t, data, "another name")
	for _, step := range order {
		if r := runCLI(t, append(steps[step], "--data", moved)...); r.code != 0 {
			t.Errorf("%s with data that was moved: %+v", step, r)
		}
	}
	if r, err := training.ReadRun(run); err != nil || r.Data.Root != moved {
		t.Errorf("%+v, %v", r.Data, err)
	}
	// Now it is found without being named, and the rest goes on from its records.
	kept := contents(t, run)
	for _, step := range []string{"sample", "contribute", "validate", "train"} {
		if r := runCLI(t, steps[step]...); r.code != 0 {
			t.Errorf("%s without --data: %+v", step, r)
		}
	}
	if after := contents(t, run); after[samples] != kept[samples] || after[estimator] != kept[estimator] {
		t.Error("records were not gone on with")
	}
	if r := runCLI(t, steps["oneshot"]...); r.code != 0 {
		t.Errorf("the second stage: %+v", r)
	}
	if r, err := training.ReadRun(heaviest); err != nil || r.Stages[training.OneShot].ImageSize != 32 || r.Stages[training.OneShot].TotalEpochs() != 1 {
		t.Errorf("%+v, %v", r.Stages, err)
	}
	if err := os.RemoveAll(moved); err != nil {
		t.Fatal(err)
	}
	if r := runCLI(t, steps["sample"]...); r.code != exitUsage || !strings.Contains(r.err, "--data says where it is") {
		t.Errorf("the data is gone: %+v", r)
	}
}

// Samples of a checkpoint have no run: their own file refuses other images.
func TestRecordsRefuseOtherData(t *testing.T) {
	onnxtest.Require(t)
	data := idxFolder(t, 40)
	_, checkpoint, _ := newSupernet(t, data)
	out := filepath.Join(t.TempDir(), "samples.jsonl")
	sample := []string{"sample", "--checkpoint", checkpoint, "--image-size", "32", "--out", out, "--num", "2"}
	if r := runCLI(t, append(sample, "--data", data)...); r.code != 0 || !strings.Contains(r.err, "does not say all of how it was trained") {
		t.Fatalf("%+v", r)
	}
	before := contents(t, filepath.Dir(out))
	r := runCLI(t, append(sample, "--num", "4", "--data", changedByte(t, data, "train-images-idx3-ubyte", 200))...)
	if r.code != exitUsage || !strings.Contains(r.err, "data fingerprint is ") || !maps.Equal(before, contents(t, filepath.Dir(out))) {
		t.Errorf("%+v", r)
	}
	if r := runCLI(t, append(sample, "--num", "3", "--data", copied(t, data, "renamed"))...); r.code != 0 {
		t.Errorf("renamed: %+v", r)
	}
}

// What a checkpoint of this program knows is taken from it: size, network, classes.
func TestCheckpointsAreTakenAtTheirWord(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("trains")
	}
	data, run := idxFolder(t, 24), filepath.Join(t.TempDir(), "run")
	if r := runCLI(t, "train", "--stage", "heaviest", "--data", data, "--out", run, "--image-size", "64", "--batch-size", "8", "--epochs", "1", "--train-percent", "50"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	checkpoint := filepath.Join(run, "heaviest.safetensors")
	c, err := supernet.Load(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	arch, err := model.ParseArchitecture(c.Meta["arch"])
	if err != nil {
		t.Fatal(err)
	}
	cost, err := arch.Cost(64, 3)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.onnx")
	export := []string{"export", "--checkpoint", checkpoint, "--onnx", file, "--json"}
	r := runCLI(t, export...)
	if e := decode[exportReport](t, r.out); e.ImageSize != 64 || e.MACs != cost.MACs || e.Classes != 3 || e.Architecture != arch.String() || notesOf(t, r) != "" {
		t.Errorf("export: %+v, expected %d MACs", e, cost.MACs)
	}
	onnxFile := string(readFile(t, file))
	meta, err := onnx.ModelMetadata([]byte(onnxFile))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"class_names": `["0","1","2"]`, "image_size": "64", "preprocessing": "1", "crop_pct": "1", "crop_mode": "center", "interpolation": "bicubic", "color": "RGB",
		"weights": "heaviest.safetensors", "run": filepath.Base(run), "top1_images": "12", "architecture": arch.String(), "program": "binas-tui " + version.Text(),
		"top1": "", "top1_data": "", "mean": "", "std": "", "data": "", "data_fingerprint": "", "data_identity": "",
	} {
		if got := meta[key]; got == "" || want != "" && got != want {
			t.Errorf("the exported file says %s %q, expected %q", key, got, want)
		}
	}
	if strings.Contains(onnxFile, data) {
		t.Error("the exported file says where the data lay")
	}
	exported := file
	export[4] = filepath.Join(t.TempDir(), "small.onnx")
	if r := runCLI(t, append(export, "--image-size", "32")...); !strings.Contains(notesOf(t, r), "was trained at 64 pixels: it is exported at 32") {
		t.Errorf("%+v", r)
	}
	other, err := model.NewSpace(model.MobileNASNet, 64)
	if err != nil {
		t.Fatal(err)
	}
	another := other.Architecture(fastest(t)).String()
	for _, args := range [][]string{{"export", another, "--checkpoint", checkpoint, "--onnx", file}, {"validate", "--arch", another, "--checkpoint", checkpoint, "--data", data}} {
		if r := runCLI(t, args...); r.code != exitUsage || !strings.Contains(r.err, "weights of another network") || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: %+v", args[0], r)
		}
	}

	validate := []string{"validate", "--checkpoint", checkpoint, "--json"}
	r = runCLI(t, append(validate, "--data", data)...)
	if notes := notesOf(t, r); notes != "" {
		t.Errorf("noted %q", notes)
	}
	own := decode[validateReport](t, r.out)
	if own.Architecture != arch.String() || own.Images != 24 || len(own.Fingerprint) != 32 {
		t.Errorf("%+v", own)
	}
	asked := decode[validateReport](t, mustRun(t, append(validate, "--data", data, "--image-size", "64", "--arch", arch.String())...))
	if asked.Loss != own.Loss || asked.Top1 != own.Top1 {
		t.Errorf("at 64 pixels %+v, by itself %+v", asked, own)
	}
	r = runCLI(t, append(validate, "--data", data, "--image-size", "32")...)
	if small := decode[validateReport](t, r.out); small.Loss == own.Loss || !strings.Contains(notesOf(t, r), "was trained at 64 pixels: it is evaluated at 32") {
		t.Errorf("%+v", r)
	}
	r = runCLI(t, append(validate, "--data", data, "--train-percent", "80")...)
	if !strings.Contains(notesOf(t, r), "was trained on 50% of the training images") {
		t.Errorf("%+v", r)
	}
	// Other images of the same classes are said, other classes refused.
	r = runCLI(t, append(validate, "--data", changedByte(t, data, "t10k-images-idx3-ubyte", 50))...)
	if !strings.Contains(notesOf(t, r), "was trained on other data") {
		t.Errorf("%+v", r)
	}
	renamed := copied(t, data, "renamed")
	if err := os.WriteFile(filepath.Join(renamed, "dataset.json"), []byte(`{"class_names": ["0", "one", "2"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, weights := range []string{checkpoint, exported} {
		r = runCLI(t, "validate", "--checkpoint", weights, "--data", renamed)
		if r.code != exitUsage || !strings.Contains(r.err, `class 1 is "1" there, "one" now`) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: %+v", weights, r)
		}
	}
	// So is a teacher of other classes.
	r = runCLI(t, "train", "--stage", "oneshot", "--data", renamed, "--out", filepath.Join(t.TempDir(), "run"), "--image-size", "32", "--batch-size", "8", "--teacher", checkpoint)
	if r.code != exitUsage || !strings.Contains(r.err, `class 1 is "1" there, "one" now`) || strings.Count(r.err, "\n") != 1 {
		t.Errorf("%+v", r)
	}
	// Another normalisation of the same images is not that of the training.
	if err := os.WriteFile(filepath.Join(renamed, "dataset.json"), []byte(`{"mean": [0.9, 0.9, 0.9], "std": [2, 2, 2]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	r = runCLI(t, append(validate, "--data", renamed)...)
	if n := decode[validateReport](t, r.out); n.Loss != own.Loss || !strings.Contains(notesOf(t, r), "normalised otherwise") {
		t.Errorf("%+v", r)
	}
}

// Fine-tuning goes on at the image size and with the preset of the run, and --epochs
// are all there are.
func TestFinetuneFollowsTheRun(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("trains")
	}
	data := idxFolder(t, 24)
	run, checkpoint, space := newSupernet(t, data)
	teacher := teacherOf(t, run)
	s := training.Paper(training.OneShot)
	s.Data, s.ImageSize, s.Classes, s.Seed, s.Augment, s.SplitSeed = data, 64, 3, 7, "none", 5
	settings, err := json.Marshal(map[string]any{"format": "binas-tui-run", "version": 1, "stages": map[training.Stage]training.Settings{training.OneShot: s}})
	if err == nil {
		err = os.WriteFile(filepath.Join(run, "settings.json"), settings, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "tuned")
	finetune := []string{"finetune", "--arch", space.Architecture(fastest(t)).String(), "--teacher", teacher, "--batch-size", "8", "--json"}
	r := runCLI(t, append(finetune, "--run", run, "--out", out, "--epochs", "1")...)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if r.code != 0 || decode[trainedReport](t, lines[len(lines)-1]).Epochs != 1 {
		t.Fatalf("%+v", r)
	}
	tuned, err := training.ReadRun(out)
	if err != nil {
		t.Fatal(err)
	}
	got := tuned.Stages[training.FineTune]
	paper := training.Paper(training.FineTune)
	if got.ImageSize != 64 || got.Preset != "paper" || got.LR != paper.LR || got.Seed != 7 || got.Augment != "none" || got.SplitSeed != 5 || got.TotalEpochs() != 1 || got.WarmupEpochs != 0 {
		t.Errorf("%+v", got)
	}
	r = runCLI(t, append(finetune, "--run", run, "--out", filepath.Join(t.TempDir(), "small"), "--epochs", "1", "--image-size", "32")...)
	if !strings.Contains(notesOf(t, r), "was trained at 64 pixels: this training is at 32") {
		t.Errorf("%+v", r)
	}
	// A checkpoint of another program knows nothing: what is assumed is said.
	r = runCLI(t, append(finetune, "--checkpoint", checkpoint, "--data", data, "--image-size", "32", "--out", filepath.Join(t.TempDir(), "foreign"), "--epochs", "1")...)
	if !strings.Contains(notesOf(t, r), "does not say how it was trained: "+model.MobileNASNet+", images of 32 pixels and preset auto are assumed") {
		t.Errorf("%+v", r)
	}
}

// A first step that is refused leaves no folder behind, whose settings would bind.
func TestRefusedFirstStepsClaimNothing(t *testing.T) {
	onnxtest.Require(t)
	data := idxFolder(t, 24)
	run, _, space := newSupernet(t, data)
	arch := space.Architecture(fastest(t)).String()
	out := filepath.Join(t.TempDir(), "out")
	for _, args := range [][]string{
		{"train", "--stage", "heaviest", "--data", data, "--image-size", "32", "--batch-size", "64"},
		{"train", "--stage", "heaviest", "--data", data, "--image-size", "32", "--batch-size", "8", "--augment", "some"},
		{"train", "--stage", "oneshot", "--data", data, "--image-size", "32", "--batch-size", "8"},
		{"train", "--stage", "oneshot", "--data", data, "--image-size", "32", "--batch-size", "8", "--teacher", "../supernet/testdata/supernet_raw.pth"},
		{"finetune", "--arch", arch, "--run", run, "--data", data, "--batch-size", "8", "--teacher", "../supernet/testdata/supernet_raw.pth"},
		{"pipeline", "--data", data, "--batch-size", "64"},
		{"pipeline", "--data", data, "--batch-size", "8", "--image-size", "64", "--lut", "ort-cpu-32-1t"}, // the table is for 32 pixels
	} {
		r := runCLI(t, append(args, "--out", out)...)
		if r.code != exitUsage || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%q: %+v", args, r)
		}
		if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: left %v", args, slices.Collect(maps.Keys(contents(t, out))))
			os.RemoveAll(out)
		}
	}
}

// Settings that are damaged are wrong input, for every command that reads them.
func TestDamagedSettingsAreWrongInput(t *testing.T) {
	data := idxFolder(t, 24)
	run, _, space := newSupernet(t, data)
	arch := space.Architecture(fastest(t)).String()
	settings := filepath.Join(run, "settings.json")
	good := string(readFile(t, settings))
	pipe := t.TempDir()
	for name, text := range map[string]string{
		"cut": good[:len(good)/2], "a field more": strings.Replace(good, `"lr":`, `"rate":1,"lr":`, 1), "a field less": strings.Replace(good, `"momentum":0.9,`, "", 1), "no JSON": "settings",
	} {
		for _, file := range []string{settings, filepath.Join(pipe, "pipeline.json")} {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range [][]string{
			{"sample", "--run", run}, {"contribute", "--run", run}, {"validate", "--run", run, "--arch", arch},
			{"train", "--stage", "oneshot", "--out", run, "--data", data}, {"finetune", "--arch", arch, "--run", run, "--out", filepath.Join(pipe, "x"), "--data", data},
			{"pipeline", "--out", pipe}, {"pipeline", "--out", pipe, "--data", data},
		} {
			r := runCLI(t, args...)
			if r.code != exitUsage || strings.Count(r.err, "\n") != 1 || r.out != "" || !strings.Contains(r.err, ".json") {
				t.Errorf("%s: %q: %+v", name, args, r)
			}
		}
	}
}

// A run from before there was a choice has its classes by bytes, and says so where
// that matters; a new one is natural. The checkpoint of a run keeps its order.
func TestClassOrderOfARun(t *testing.T) {
	onnxtest.Require(t)
	data := t.TempDir()
	for i, class := range []string{"1", "2", "10"} {
		for _, part := range []string{"train", "val"} {
			for n := range 4 {
				writeImage(t, filepath.Join(data, part, class, string(rune('a'+n))+".png"), color.Gray{uint8(20*i + 5*n)})
			}
		}
	}
	run, checkpoint, space := newSupernet(t, data)
	arch := space.Architecture(fastest(t)).String()
	r := runCLI(t, "validate", "--run", run, "--arch", arch, "--json")
	if notes := notesOf(t, r); !strings.Contains(notes, "are numbered in order of bytes, as torchvision does: 1, 10, 2") {
		t.Errorf("%s", notes)
	}
	if known, err := training.ReadRun(run); err != nil || known.Data == nil || known.ClassOrder() != dataset.BytesOrder {
		t.Errorf("%+v, %v", known.Data, err)
	}
	if r := runCLI(t, "validate", "--run", run, "--arch", arch, "--class-order", "natural"); r.code != exitUsage || !strings.Contains(r.err, "the classes are in another order") {
		t.Errorf("%+v", r)
	}
	r = runCLI(t, "validate", "--checkpoint", checkpoint, "--arch", arch, "--data", data, "--image-size", "32", "--json")
	if notes := notesOf(t, r); !strings.Contains(notes, "are numbered in natural order, as BINAS and timm do: 1, 2, 10") {
		t.Errorf("%s", notes)
	}
}

func writeImage(t *testing.T, file string, c color.Gray) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range m.Pix {
		m.Pix[i] = c.Y + uint8(i)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err == nil {
		err = errors.Join(png.Encode(f, m), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
