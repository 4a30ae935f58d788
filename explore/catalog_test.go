package explore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// userData points the user's folders at an empty one.
func userData(t *testing.T) string {
	t.Helper()
	return hometest.Own(t, "XDG_DATA_HOME")
}

func TestEveryProfileLoads(t *testing.T) {
	for _, p := range Profiles() {
		s, err := Load(p.Name, "", "")
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
		} else if s.Space.ImageSize != p.ImageSize || s.Space.Name != p.Space {
			t.Errorf("%s: space %s at %d px", p.Name, s.Space.Name, s.Space.ImageSize)
		}
	}
	if _, err := FindProfile("cifar"); err == nil || !strings.Contains(err.Error(), "imagenet") {
		t.Errorf("an unknown profile: %v", err)
	}
}

func TestTablesOfTheUserAreKnownByName(t *testing.T) {
	userData(t)
	lut, err := LoadLUT(Profiles()[0].LUT)
	if err != nil {
		t.Fatal(err)
	}
	path, err := LUTPath("my-phone")
	if err != nil {
		t.Fatal(err)
	}
	if err := SaveLUT(path, lut); err != nil {
		t.Fatal(err)
	}
	again, err := LoadLUT("my-phone")
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Blocks) != len(lut.Blocks) || again.Fixed != lut.Fixed {
		t.Errorf("saved and loaded: %d blocks, %+v", len(again.Blocks), again.Fixed)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	for _, bad := range []string{"", "../evil", "a/b", ".hidden", strings.Repeat("x", 200)} {
		if _, err := LUTPath(bad); err == nil {
			t.Errorf("the name %q is taken", bad)
		}
	}
}

func TestUnreadableFilesAreNamed(t *testing.T) {
	dir := userData(t)
	big, text := filepath.Join(dir, "big.pkl"), filepath.Join(dir, "text.pkl")
	if err := os.WriteFile(text, []byte("no table"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(MaxFileSize + 1); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, c := range []struct{ file, want string }{
		{dir, "not a regular file"}, {big, "larger than 64 MiB"}, {text, text}, {"no-such-table", "ort-cpu-224-1t"},
	} {
		_, err := LoadLUT(c.file)
		if !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("table %s: %v; want one line with %q", c.file, err, c.want)
		}
		if _, _, err := LoadPredictor(c.file); !errors.Is(err, ErrUnreadable) {
			t.Errorf("predictor %s: %v", c.file, err)
		}
	}
}

func TestTablesThatDoNotFitAreRefused(t *testing.T) {
	s, err := Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	other := s
	if other.Space, err = model.NewSpace(model.MobileNASNet, 32); err != nil {
		t.Fatal(err)
	}
	if err := other.Check(); !errors.Is(err, latency.ErrLUTMismatch) || !strings.Contains(err.Error(), "224") {
		t.Errorf("a table of another image size: %v", err)
	}
	small := s
	small.Predictor = &model.Quadratic{Inputs: 10, Linear: make([]float64, 10), W: make([]float64, 100)}
	if err := small.Check(); !errors.Is(err, model.ErrPredictorMismatch) {
		t.Errorf("a predictor of another size: %v", err)
	}
}

func TestTableNames(t *testing.T) {
	for want, m := range map[string]Measuring{
		"cpu-224-1t":       {Target: "cpu", ImageSize: 224},
		"cuda-32-4t-large": {Target: "cuda", ImageSize: 32, Threads: 4, Space: model.MobileNASNetLarge},
	} {
		if got := m.TableName(); got != want {
			t.Errorf("%+v: %s, want %s", m, got, want)
		}
	}
}

func TestAccuracySourceNamesTheSpaceOfTheFit(t *testing.T) {
	s, err := Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Space, err = model.NewSpace(model.MobileNASNetLarge, 224); err != nil {
		t.Fatal(err)
	}
	if got := s.AccuracySource(); !strings.Contains(got, "in mobilenasnet, not mobilenasnet_large") {
		t.Errorf("source %q", got)
	}
}

func TestAccuracySourcesNameWhatIsKnown(t *testing.T) {
	s, err := Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.AccuracySource(); !strings.Contains(got, "12 published networks") || !strings.Contains(got, "leave-one-out error 0.1") {
		t.Errorf("built-in predictor: %q", got)
	}
	if s.Space, err = model.NewSpace(model.MobileNASNet, 32); err != nil {
		t.Fatal(err)
	}
	if got := s.AccuracySource(); !strings.Contains(got, "at 224 px, not 32") {
		t.Errorf("at another image size: %q", got)
	}
	s.PredictorInfo = model.CheckpointInfo{}
	if got := s.AccuracySource(); !strings.Contains(got, "does not name") {
		t.Errorf("a file without a source: %q", got)
	}
}
