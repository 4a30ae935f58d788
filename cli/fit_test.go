package cli

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// accuracyTable writes some of the samples that the original program wrote.
func accuracyTable(t *testing.T, name string, from, to int) string {
	t.Helper()
	data, err := os.ReadFile("../fit/testdata/" + name + "_accuracy_lut.pkl.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	space := must(model.NewSpace(model.MobileNASNet, 224))
	samples, _, err := model.DecodeSamples(space, data)
	if err != nil {
		t.Fatal(err)
	}
	return writeTemp(t, name+".pkl", must(model.EncodeSamples(space, samples[from:to])))
}

func TestFitWritesAPredictor(t *testing.T) {
	samples, test := accuracyTable(t, "fit", 0, 150), accuracyTable(t, "test", 0, 100)
	folder := t.TempDir()
	out, svg, png := filepath.Join(folder, "p.safetensors"), filepath.Join(folder, "a.svg"), filepath.Join(folder, "b.png")
	for _, kind := range []string{"bilinear", "quadratic"} {
		r := runCLI(t, "fit", "--predictor-type", kind, "--closed-form-solution", "--fit-accuracy-lut", samples, "--test-accuracy-lut", test,
			"--predictor-ckpt", out, "--json", "--figure", svg, "--learning-curve", "--learning-curve-figure", png)
		if r.code != 0 {
			t.Fatalf("exit code %d: %s", r.code, r.err)
		}
		report := decode[fitReport](t, r.out)
		if report.Kendall < 0.5 || report.KendallCI[0] >= report.Kendall || report.KendallCI[1] <= report.Kendall || report.MSE <= 0 ||
			report.Samples != 150 || report.Lambda == nil || len(report.Scatter) != 100 || report.Overlap != 0 || report.TestedOn != "test" {
			t.Errorf("%s: %+v", kind, report)
		}
		if n := len(report.LearningCurve); n < 3 || report.LearningCurve[n-1].Samples != 150 || report.LearningCurve[n-1].Kendall != report.Kendall {
			t.Errorf("%s: learning curve %+v", kind, report.LearningCurve)
		}
		p, info, err := model.DecodePredictor(must(os.ReadFile(out)))
		if err != nil || p.Kind() != kind || info.Samples != 150 || info.Metrics["kendall"] != float64(report.Kendall) || info.Inactive != "mean" {
			t.Errorf("%s: %v, %+v", kind, err, info.Metrics)
		}
	}
	if data := must(os.ReadFile(svg)); !bytes.Contains(data, []byte("<svg")) {
		t.Errorf("%s is no SVG", svg)
	}
	if data := must(os.ReadFile(png)); !bytes.HasPrefix(data, []byte("\x89PNG")) {
		t.Errorf("%s is no PNG", png)
	}
	text := runCLI(t, "fit", "--closed-form-solution", "--inactive-blocks", "free", "--fit-accuracy-lut", samples, "--predictor-ckpt", out)
	for _, want := range []string{"150 networks", "each left out of the fit once", "150 samples for 3856 weights", "--inactive-blocks free", "written to " + out} {
		if !strings.Contains(text.out, want) {
			t.Errorf("no %q in %s", want, text.out)
		}
	}
	found := mustRun(t, "search", "--limit", "5ms", "--predictor", out, "--inactive-blocks", "free")
	if !strings.Contains(found, "fitted on 150 sampled networks") {
		t.Errorf("the search does not say what the accuracy comes from: %s", found)
	}
}

// Closed form is what a predictor is fitted by wherever nothing else is asked for:
// the flag of BINAS changes nothing, and text, JSON and checkpoint say it.
func TestFitDefaultsToTheClosedForm(t *testing.T) {
	samples, folder := accuracyTable(t, "fit", 0, 60), t.TempDir()
	for _, kind := range []string{"bilinear", "quadratic"} {
		var written [2][]byte
		for i, flag := range [][]string{nil, {"--closed-form-solution"}} {
			out := filepath.Join(folder, fmt.Sprint(kind, i))
			args := append([]string{"fit", "--predictor-type", kind, "--fit-accuracy-lut", samples, "--predictor-ckpt", out}, flag...)
			if text := runCLI(t, args...); !strings.Contains(text.out, "closed form: ridge") {
				t.Errorf("%v: %+v", args, text)
			}
			if r := decode[fitReport](t, runCLI(t, append(args, "--json")...).out); r.FittedBy != fit.ClosedForm || r.Lambda == nil || r.TestedOn != "leave-one-out" {
				t.Errorf("%v: %+v", args, r)
			}
			written[i] = must(os.ReadFile(out))
			if _, info, err := model.DecodePredictor(written[i]); err != nil || info.FittedBy != fit.ClosedForm {
				t.Errorf("%v: fitted by %q, %v", args, info.FittedBy, err)
			}
		}
		if !bytes.Equal(written[0], written[1]) {
			t.Errorf("%s: --closed-form-solution writes another predictor than the default", kind)
		}
	}
}

func TestFitByGradientDescent(t *testing.T) {
	samples, test := accuracyTable(t, "fit", 0, 60), accuracyTable(t, "test", 0, 50)
	out := filepath.Join(t.TempDir(), "p")
	for _, kind := range []string{"bilinear", "quadratic", "mlp"} {
		r := runCLI(t, "fit", "--predictor-type", kind, "--fit-accuracy-lut", samples, "--test-accuracy-lut", test,
			"--predictor-ckpt", out, "--json", "--epochs", "2", "--gradient-descent")
		if r.code != 0 {
			t.Fatalf("exit code %d: %s", r.code, r.err)
		}
		report := decode[fitReport](t, r.out)
		if report.Lambda != nil || report.Samples != 60 || len(report.Scatter) != 50 || report.Scatter[0].Deviation != nil || report.PredictorType != kind || report.FittedBy != fit.GradientDescent {
			t.Errorf("%s: %+v", kind, report)
		}
		if p, info, err := model.DecodePredictor(must(os.ReadFile(out))); err != nil || p.Kind() != kind || info.FittedBy != fit.GradientDescent {
			t.Errorf("%s: fitted by %q, %v", kind, info.FittedBy, err)
		}
	}
}

func TestFitWarnsOfOverlap(t *testing.T) {
	samples := accuracyTable(t, "fit", 0, 60)
	r := runCLI(t, "fit", "--closed-form-solution", "--lambda", "1", "--lambda-products", "100", "--fit-accuracy-lut", samples,
		"--test-accuracy-lut", samples, "--predictor-ckpt", filepath.Join(t.TempDir(), "p"), "--json")
	if report := decode[fitReport](t, r.out); r.code != 0 || report.Overlap != 60 || report.ChosenBy != "given" || !strings.Contains(r.err, "60 of 60") {
		t.Errorf("exit code %d, overlap %d, %q", r.code, report.Overlap, r.err)
	}
}

func TestFitRefuses(t *testing.T) {
	samples, empty := accuracyTable(t, "fit", 0, 20), writeTemp(t, "empty.pkl", nil)
	few := accuracyTable(t, "fit", 0, 5)
	out := filepath.Join(t.TempDir(), "p.safetensors")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--predictor-ckpt", out}, 2, "--fit-accuracy-lut"},
		{[]string{"--fit-accuracy-lut", samples}, 2, "--predictor-ckpt"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--predictor-type", "cubic"}, 2, "bilinear, quadratic or mlp"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--predictor-type", "mlp", "--closed-form-solution"}, 2, "an mlp has none"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--published"}, 2, "one of them"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--lambda", "1"}, 2, "both or none"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--figure="}, 2, ".svg or .png"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--learning-curve"}, 2, "--test-accuracy-lut"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--inactive-blocks", "off"}, 2, "mean or free"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--epochs", "3", "--closed-form-solution"}, 2, "add --gradient-descent"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--epochs", "3"}, 2, "--epochs is of gradient descent, and a bilinear predictor is fitted in closed form"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--gradient-descent", "--closed-form-solution"}, 2, "one of them"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--gradient-descent", "--lambda", "1", "--lambda-products", "1"}, 2, "--lambda is of the closed form"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--epochs", "3", "--paper-settings", "--gradient-descent"}, 2, "one of them"},
		{[]string{"--fit-accuracy-lut", samples, "--predictor-ckpt", out, "--epochs", "-3", "--gradient-descent"}, 2, "--epochs -3: expected at least 1"},
		{[]string{"--fit-accuracy-lut", empty, "--predictor-ckpt", out, "--closed-form-solution"}, 2, "not an accuracy table"},
		{[]string{"--fit-accuracy-lut", few, "--predictor-ckpt", out, "--closed-form-solution"}, 2, "5 networks: expected 10"},
		{[]string{"--fit-accuracy-lut", out, "--predictor-ckpt", out, "--closed-form-solution"}, 2, "name another file"},
		{[]string{"--fit-accuracy-lut", out + ".none", "--predictor-ckpt", out, "--closed-form-solution"}, 2, "no such file"},
	} {
		r := runCLI(t, append([]string{"fit"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("fit %q: exit code %d, output %q, error %q; want code %d and one line with %q", c.args, r.code, r.out, r.err, c.code, c.want)
		}
	}
}

// A damaged line of samples is left out, and said in text and in JSON.
func TestFitSaysWhatIsDamaged(t *testing.T) {
	space := must(model.NewSpace(model.MobileNASNet, 224))
	lines := must(jsonl.Encode(model.NewEvaluationInfo(model.SamplesFormat, space), nil))
	key := must(jsonl.Marshal(model.NewEvaluationInfo(model.SamplesFormat, space)))
	for i := range 40 {
		p := evaluation.RandomPath(space, 1, i)
		line := must(jsonl.Encode(space.SampleRecord(i, model.Sample{Path: p, Accuracy: 50 + float64(p.Option[0]+p.Depth[1])}), key))
		if i == 5 {
			line = append(line[:30], line[60:]...)
		}
		lines = append(lines, line...)
	}
	file := writeTemp(t, "samples.jsonl", lines)
	r := runCLI(t, "fit", "--closed-form-solution", "--fit-accuracy-lut", file, "--predictor-ckpt", filepath.Join(t.TempDir(), "p.safetensors"), "--json")
	report := decode[fitReport](t, r.out)
	if r.code != 0 || report.Samples != 39 || len(report.DamagedLines) != 1 || !strings.Contains(report.DamagedLines[0], "line 7 is damaged") {
		t.Errorf("exit code %d, %d samples, %q", r.code, report.Samples, report.DamagedLines)
	}
	if strings.Count(r.err, "line 7 is damaged") != 1 {
		t.Errorf("said %q", r.err)
	}
}
