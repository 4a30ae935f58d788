package training

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// snapshot is all files of a folder with their contents.
func snapshot(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

func fakeData() *dataset.Identity {
	return &dataset.Identity{
		Name: "tiny", Root: "/data/tiny", Classes: []string{"a", "b", "c"}, ClassOrder: dataset.NaturalOrder, Train: 160, Val: 16, Bytes: 1000,
		Std: [3]float64{1, 1, 1}, Fingerprint: "0123456789abcdef0123456789abcdef",
	}
}

// withData trains the classifier in a folder as if on the data.
func withData(t *testing.T, folder string, s Settings, data *dataset.Identity) (log []string, err error) {
	t.Helper()
	_, err = fakeTrain(context.Background(), folder, s, &linear{}, func(o *Options) {
		o.Data, o.Log = data, func(line string) { log = append(log, line) }
	})
	return log, err
}

// A run keeps the data it was begun with. Other data is refused, and nothing
// changes; data that was moved or renamed is the same, and the run remembers
// where it is now.
func TestDataBelongsToTheRun(t *testing.T) {
	folder, s := t.TempDir(), fakeSettings()
	s.Data = "tiny"
	if _, err := withData(t, folder, s, fakeData()); err != nil {
		t.Fatal(err)
	}
	run, err := ReadRun(folder)
	if err != nil || !reflect.DeepEqual(run.Data, fakeData()) {
		t.Fatalf("%+v, %v", run.Data, err)
	}
	before := snapshot(t, folder)
	for says, change := range map[string]func(*dataset.Identity){
		"3 classes there, 2 now":             func(d *dataset.Identity) { d.Classes = d.Classes[:2] },
		`class 1 is "b" there, "x" now`:      func(d *dataset.Identity) { d.Classes = []string{"a", "x", "c"} },
		"in another order":                   func(d *dataset.Identity) { d.Classes = []string{"c", "b", "a"} },
		"160 training images there, 161 now": func(d *dataset.Identity) { d.Train++ },
		"16 validation images there, 15 now": func(d *dataset.Identity) { d.Val-- },
		"1000 bytes there, 1001 now":         func(d *dataset.Identity) { d.Bytes++ },
		"normalised otherwise":               func(d *dataset.Identity) { d.Mean[0] = 0.5 },
		"other names or contents":            func(*dataset.Identity) {},
	} {
		other := fakeData()
		other.Fingerprint = "f" + other.Fingerprint[1:]
		change(other)
		if _, err := withData(t, folder, s, other); !errors.Is(err, dataset.ErrOtherData) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: expected %q", err, says)
		}
		if err := run.Accept(*other, func(line string) { t.Errorf("said %q", line) }); !errors.Is(err, dataset.ErrOtherData) {
			t.Errorf("accepted: %v", err)
		}
		if !maps.Equal(snapshot(t, folder), before) {
			t.Fatalf("refused (%s), and files have changed", says)
		}
	}
	moved, renamed := fakeData(), s
	moved.Root, moved.Name, renamed.Data = "/elsewhere/small", "small", "small"
	log, err := withData(t, folder, renamed, moved)
	if err != nil || !slices.ContainsFunc(log, func(line string) bool { return strings.Contains(line, "in /elsewhere/small now") }) {
		t.Errorf("moved: %v, %q", err, log)
	}
	after := snapshot(t, folder)
	for file, was := range before {
		if filepath.Base(file) != settingsFile && after[file] != was {
			t.Errorf("%s has changed, as the data was moved", file)
		}
	}
	if run, err = ReadRun(folder); err != nil || run.Data.Root != moved.Root || run.Data.Name != "tiny" || run.Stages[Heaviest].Data != "tiny" {
		t.Errorf("%+v, %v", run.Data, err)
	}
	// Another step finds it moved back.
	var said []string
	if err := run.Accept(*fakeData(), func(line string) { said = append(said, line) }); err != nil || len(said) != 1 || !strings.Contains(said[0], "is in /data/tiny now") {
		t.Errorf("%v, %q", err, said)
	}
	if run, err = ReadRun(folder); err != nil || run.Data.Root != "/data/tiny" {
		t.Errorf("%+v, %v", run.Data, err)
	}
}

// A run that was begun before data belonged to it is opened; it says so, and
// knows its data from then on.
func TestOldRunsTakeTheirData(t *testing.T) {
	for _, by := range []string{"a training", "another step"} {
		folder, s := t.TempDir(), fakeSettings()
		s.Images, s.HeldOut = 128, 32
		if _, err := withData(t, folder, s, nil); err != nil {
			t.Fatal(err)
		}
		run, err := ReadRun(folder)
		if err != nil || run.Data != nil || run.ClassOrder() != dataset.BytesOrder {
			t.Fatalf("%+v, %v", run, err)
		}
		other := fakeData()
		other.Train++
		if err := run.Accept(*other, nil); !errors.Is(err, dataset.ErrOtherData) || !strings.Contains(err.Error(), "160 training images there, 161 now") {
			t.Errorf("%s: another number of images: %v", by, err)
		}
		var said []string
		if by == "a training" {
			said, err = withData(t, folder, s, fakeData())
		} else {
			err = run.Accept(*fakeData(), func(line string) { said = append(said, line) })
		}
		if err != nil || !strings.Contains(strings.Join(said, "\n"), "did not say which data it was begun with") {
			t.Errorf("%s: %v, %q", by, err, said)
		}
		if run, err = ReadRun(folder); err != nil || run.Data == nil || run.Data.Fingerprint != fakeData().Fingerprint {
			t.Errorf("%s: %+v, %v", by, run, err)
		}
	}
}

// What a version before this one wrote is read.
func TestSettingsOfAnOlderVersion(t *testing.T) {
	folder := t.TempDir()
	data, err := os.ReadFile("testdata/settings.json") // a field that has come since is missing
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, settingsFile), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	run, err := ReadRun(folder)
	if err != nil || len(run.Stages) != 2 || run.Stages[Heaviest].Epochs != 25 || run.Stages[OneShot].Pack {
		t.Errorf("%+v, %v", run, err)
	}
}

// While a run is trained, another step goes on without noting where the data is.
func TestDataOfALockedRun(t *testing.T) {
	folder := t.TempDir()
	if _, err := withData(t, folder, fakeSettings(), fakeData()); err != nil {
		t.Fatal(err)
	}
	f, err := openFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	moved := *fakeData()
	moved.Root = "/elsewhere"
	var said []string
	if err := f.Accept(moved, func(line string) { said = append(said, line) }); err != nil || len(said) != 1 || !strings.Contains(said[0], "not noted there") {
		t.Errorf("%v, %q", err, said)
	}
}

// A step that is refused leaves nothing behind, whatever refuses it.
func TestRefusedStepsWriteNothing(t *testing.T) {
	refused := errors.New("it has other classes")
	build := func(context.Context, Settings, Options, onnx.StateDict) (trainee, error) { return nil, refused }
	empty := t.TempDir()
	for _, folder := range []string{filepath.Join(empty, "run"), filepath.Join(empty, "more", "run"), empty} {
		_, err := train(t.Context(), fakeSettings(), Options{Folder: folder, Data: fakeData()}, &clusters{steps: 1, batch: 2}, build)
		if !errors.Is(err, refused) {
			t.Fatalf("%v", err)
		}
		if left := snapshot(t, folder); len(left) != 0 {
			t.Errorf("left %v", slices.Collect(maps.Keys(left)))
		}
		if _, err := os.Stat(folder); folder != empty && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("left the folder %s: %v", folder, err)
		}
	}
	// A second stage that is refused leaves the run as it was.
	s := fakeSettings()
	s.Data = fakeData().Name
	if _, err := withData(t, empty, s, fakeData()); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, empty)
	s.Stage = FineTune
	if _, err := train(t.Context(), s, Options{Folder: empty, Data: fakeData()}, &clusters{steps: 1, batch: 2}, build); !errors.Is(err, refused) {
		t.Fatalf("%v", err)
	}
	if !maps.Equal(snapshot(t, empty), before) {
		t.Error("a refused stage has changed the run")
	}
}

// Settings that are damaged, cut short, of missing or of unknown fields.
func TestDamagedSettings(t *testing.T) {
	folder := t.TempDir()
	if _, err := withData(t, folder, fakeSettings(), fakeData()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, settingsFile)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{
		"cut":           good[:len(good)/2],
		"empty":         nil,
		"another type":  bytes.Replace(good, []byte(`"lr": 0.1`), []byte(`"lr": "0.1"`), 1),
		"unknown field": bytes.Replace(good, []byte(`"lr": 0.1`), []byte(`"lr": 0.1, "lrr": 1`), 1),
		"out of range":  bytes.Replace(good, []byte(`"lr": 0.1`), []byte(`"lr": -0.1`), 1),
	}
	var whole map[string]any
	if err := json.Unmarshal(good, &whole); err != nil {
		t.Fatal(err)
	}
	stage := whole["stages"].(map[string]any)["heaviest"].(map[string]any)
	for name, value := range stage {
		if slices.Contains([]string{"preset", "pack", "zero_last_bn", "gamma_knowledge", "ikd_dividor", "sampling", "paths", "reorder_batches", "arch"}, name) {
			continue // may be left out
		}
		delete(stage, name)
		if damaged["without "+name], err = json.Marshal(whole); err != nil {
			t.Fatal(err)
		}
		stage[name] = value
	}
	for name, data := range damaged {
		if bytes.Equal(data, good) {
			t.Fatalf("%s: not damaged", name)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, folder)
		if _, err := ReadRun(folder); !errors.Is(err, safefile.ErrUnreadable) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := withData(t, folder, fakeSettings(), fakeData()); !errors.Is(err, safefile.ErrUnreadable) {
			t.Errorf("%s: trained: %v", name, err)
		}
		if !maps.Equal(snapshot(t, folder), before) {
			t.Errorf("%s: files have changed", name)
		}
	}
}

// What a checkpoint says of itself is what it was trained with, but for where the
// data lay.
func TestCheckpointsKnow(t *testing.T) {
	folder, s := t.TempDir(), fakeSettings()
	if _, err := withData(t, folder, s, fakeData()); err != nil {
		t.Fatal(err)
	}
	c, err := supernet.Load(Run{Folder: folder}.Weights(Heaviest))
	if err != nil {
		t.Fatal(err)
	}
	k, ours, err := KnownOf(c.Meta)
	want := *fakeData()
	want.Root = ""
	if err != nil || !ours || !k.Whole || k.Epoch != 3 || !k.Averaged || !reflect.DeepEqual(*k.Data, want) || k.ClassOrder() != dataset.NaturalOrder {
		t.Fatalf("%+v, %v, %v", k, ours, err)
	}
	if k.Arch == "" || k.Arch != s.architecture() {
		t.Errorf("architecture %q", k.Arch)
	}
	k.Settings.Data, k.Arch = s.Data, ""
	if k.Settings != s {
		t.Errorf("settings %+v, expected %+v", k.Settings, s)
	}
	// One from before says less, one of another program nothing.
	old := maps.Clone(c.Meta)
	delete(old, "settings")
	delete(old, "data_identity")
	if k, ours, err := KnownOf(old); err != nil || !ours || k.Whole || k.Data != nil || k.ImageSize != 32 || k.Classes != 3 || k.Space != s.Space || k.ClassOrder() != dataset.BytesOrder {
		t.Errorf("%+v, %v, %v", k, ours, err)
	}
	for _, meta := range []map[string]string{nil, {"format": "pt"}, {"arch": "mobilenetv3_large_100"}} {
		if _, ours, err := KnownOf(meta); ours || err != nil {
			t.Errorf("%v: %v, %v", meta, ours, err)
		}
	}
	for name, value := range map[string]string{"settings": "{", "data_identity": "{}", "image_size": "big", "space": "resnet", "classes": "-1", "epoch": "", "crop_pct": "2", "validation": "["} {
		bad := maps.Clone(c.Meta)
		bad[name] = value
		if _, _, err := KnownOf(bad); !errors.Is(err, supernet.ErrCheckpoint) {
			t.Errorf("%s %q: %v", name, value, err)
		}
	}
}

// Epochs that are asked for are all there are; what else a preset says gives way.
func TestAdaptedPresets(t *testing.T) {
	given := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	for _, preset := range Presets {
		for _, stage := range []Stage{Heaviest, OneShot, FineTune} {
			whole := Preset(preset, stage, Shape{})
			if got := whole.Adapt(given()); got != whole || got.PresetName() != preset {
				t.Errorf("%s %s: nothing asked for: %+v", preset, stage, got)
			}
			for _, epochs := range []int{1, 2, 3, 10, whole.Epochs} {
				s := whole
				s.Epochs = epochs
				s = s.Adapt(given("epochs"))
				if s.TotalEpochs() != epochs || 2*s.WarmupEpochs > epochs {
					t.Errorf("%s %s: %d epochs are %d, %d of them warm-up", preset, stage, epochs, s.TotalEpochs(), s.WarmupEpochs)
				}
				s.CooldownEpochs, s.WarmupEpochs = 2, 3
				if s := s.Adapt(given("epochs", "cooldown_epochs", "warmup_epochs")); s.CooldownEpochs != 2 || s.WarmupEpochs != 3 {
					t.Errorf("%s %s: what was given has changed: %+v", preset, stage, s)
				}
			}
			s := whole
			s.LR = 1e-7
			if s = s.Adapt(given("lr")); s.WarmupLR > s.LR || s.MinLR > s.LR {
				t.Errorf("%s %s: rates of %v and %v around %v", preset, stage, s.WarmupLR, s.MinLR, s.LR)
			}
		}
	}
}
