package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// newSupernet writes the weights that a supernet for three classes begins with,
// as those of a run folder whose data is data.
func newSupernet(t *testing.T, data string) (run, checkpoint string, space *model.Space) {
	t.Helper()
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	run = t.TempDir()
	checkpoint = training.Run{Folder: run}.Weights(training.OneShot)
	if err := supernet.Save(checkpoint, supernet.Checkpoint{Weights: supernet.Init{Seed: 1}.Weights(supernet.Layout(space, 3))}); err != nil {
		t.Fatal(err)
	}
	s := training.Small(training.OneShot)
	s.Data, s.ImageSize, s.Classes, s.TrainPercent = data, 32, 3, 50
	settings := `{"format":"binas-tui-run","version":1,"stages":{"oneshot":` + string(must(json.Marshal(s))) + `}}`
	if err := os.WriteFile(filepath.Join(run, "settings.json"), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	return run, checkpoint, space
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The method's steps from a supernet on: samples, as lines and as a pickle, from
// a checkpoint and from a run; one network.
func TestSampleAndValidate(t *testing.T) {
	onnxtest.Require(t)
	data := idxFolder(t, 40)
	run, checkpoint, space := newSupernet(t, data)
	source := []string{"--checkpoint", checkpoint, "--data", data, "--image-size", "32", "--train-percent", "50"}
	lines := filepath.Join(t.TempDir(), "samples.jsonl")
	sample := func(args ...string) sampleReport {
		t.Helper()
		r := runCLI(t, append([]string{"sample", "--json"}, args...)...)
		if r.code != 0 {
			t.Fatalf("%q: %s", args, r.err)
		}
		return decode[sampleReport](t, r.out)
	}
	first := sample(append(source, "--num", "3", "--out", lines, "--lut", "ort-cpu-32-1t")...)
	if first.Samples != 3 || first.Images != 19 || first.BN != evaluation.Running || !strings.Contains(first.Data, "50% held out") {
		t.Errorf("%+v", first)
	}
	samples, _, err := model.DecodeSamples(space, readFile(t, lines))
	if err != nil || len(samples) != 3 || samples[0].ExpectedLatencyMS <= 0 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	// Sampling that was cut off goes on; a run folder says what flags said before.
	if err := os.Truncate(lines, int64(len(readFile(t, lines))-100)); err != nil {
		t.Fatal(err)
	}
	pickled := filepath.Join(filepath.Dir(lines), "samples.pkl")
	again := sample("--run", run, "--num", "3", "--out", pickled, "--lut", "ort-cpu-32-1t")
	if again.Mean != first.Mean || again.BestArch != first.BestArch {
		t.Errorf("again %+v: at first %+v", again, first)
	}
	if again, _, err := model.DecodeSamples(space, readFile(t, pickled)); err != nil || len(again) != 3 || again[2].Accuracy != samples[2].Accuracy {
		t.Errorf("pickle: %v", err)
	}
	other := runCLI(t, append([]string{"sample", "--num", "3", "--out", lines, "--seed", "5"}, source...)...)
	if other.code != exitUsage || !strings.Contains(other.err, "seed is 1 there and 5 now") {
		t.Errorf("another seed: %d, %s", other.code, other.err)
	}

	arch := space.Architecture(samples[0].Path).String()
	r := runCLI(t, append([]string{"validate", "--json", "--arch", arch}, source...)...)
	if r.code != 0 {
		t.Fatal(r.err)
	}
	v := decode[validateReport](t, r.out)
	if float64(v.Top1) != samples[0].Accuracy || math.Abs(float64(v.Loss)-samples[0].Loss) > 1e-9 || v.Top5 != 100 || v.Images != 19 || v.ImagesPerSecond <= 0 || v.Architecture != arch {
		t.Errorf("%+v: the sample is %+v", v, samples[0])
	}
	// The same network as a file of its own, on the validation part.
	file := filepath.Join(t.TempDir(), "child.onnx")
	if r := runCLI(t, "export", arch, "--checkpoint", checkpoint, "--image-size", "32", "--onnx", file, "--batch", "0"); r.code != 0 {
		t.Fatal(r.err)
	}
	inRun := runCLI(t, "validate", "--json", "--arch", arch, "--run", run)
	asFile := runCLI(t, "validate", "--json", "--checkpoint", file, "--data", data)
	if inRun.code != 0 || asFile.code != 0 {
		t.Fatal(inRun.err, asFile.err)
	}
	a, b := decode[validateReport](t, inRun.out), decode[validateReport](t, asFile.out)
	if a.Top1 != b.Top1 || math.Abs(float64(a.Loss-b.Loss)) > 1e-5 || !strings.Contains(a.Data, "val") {
		t.Errorf("in the run %+v, as a file %+v", a, b)
	}
	// Its predictions are the same on any number of threads, and say what it was said to reach.
	var before []byte
	for _, threads := range []string{"1", "3"} {
		to := filepath.Join(t.TempDir(), "predictions.jsonl")
		c := decode[validateReport](t, runCLI(t, "validate", "--json", "--checkpoint", file, "--data", data, "--predictions", to, "--threads", threads).out)
		text := readFile(t, to)
		if before != nil && !bytes.Equal(text, before) {
			t.Error("other predictions with other threads")
		}
		before = text
		head, rest, _ := bytes.Cut(text, []byte("\n"))
		info := decode[steps.PredictionsInfo](t, string(head))
		if info.Format != "binas-tui-predictions" || info.Checkpoint != "child.onnx" || info.Data != c.Data || info.Fingerprint != c.Fingerprint || info.ImageSize != 32 || len(info.ClassNames) != 3 || c.Predictions != to {
			t.Errorf("%+v of %+v", info, c)
		}
		right, lines := 0, bytes.Split(bytes.TrimSuffix(rest, []byte("\n")), []byte("\n"))
		for _, line := range lines {
			if p := decode[evaluation.Prediction](t, string(line)); p.Top5[0] == p.Label {
				right++
			}
		}
		if top1 := 100 * float64(right) / float64(len(lines)); len(lines) != c.Images || math.Abs(top1-float64(b.Top1)) > 1e-9 {
			t.Errorf("%d predictions, %.2f %% right, validated %+v", len(lines), top1, b)
		}
	}
	missing := filepath.Join(t.TempDir(), "none", "p.jsonl")
	if r := runCLI(t, "validate", "--checkpoint", file, "--data", data, "--predictions", missing); r.code != exitUsage || !strings.Contains(r.err, "no such file") || r.out != "" {
		t.Errorf("no folder: %+v", r)
	}
}

// The estimator built from the original's contributions is the original's.
func TestContributeFromLUT(t *testing.T) {
	packed, err := gzip.NewReader(bytes.NewReader(readFile(t, "../model/testdata/accuracy_contributions_lut.pkl.gz")))
	if err != nil {
		t.Fatal(err)
	}
	lut, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	in := writeTemp(t, "contributions.pkl", lut)
	out, pkl := filepath.Join(t.TempDir(), "estimator.safetensors"), filepath.Join(t.TempDir(), "again.pkl")
	mustRun(t, "contribute", "--from-lut", in, "--out", out, "--pkl", pkl)
	have, info, err := explore.LoadPredictor(out)
	if err != nil || info.Space != model.MobileNASNet {
		t.Fatalf("%+v, %v", info, err)
	}
	space, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := model.DecodeContributions(space, lut)
	if err != nil {
		t.Fatal(err)
	}
	want := c.Estimator(space)
	for i, tensor := range model.Tensors(have) {
		for j, v := range tensor.Values {
			if w := model.Tensors(want)[i].Values[j]; v != w {
				t.Fatalf("%s[%d] is %v: expected %v", tensor.Name, j, v, w)
			}
		}
	}
	if again, _, err := model.DecodeContributions(space, readFile(t, pkl)); err != nil || again.Base != c.Base {
		t.Errorf("written as a pickle: %v", err)
	}
}

func TestEvaluatingBadInput(t *testing.T) {
	data := idxFolder(t, 40)
	folder := t.TempDir()
	run, checkpoint, _ := newSupernet(t, data)
	small := writeTemp(t, "samples.jsonl", []byte(`{"format":"binas-tui-samples"}`+"\n"))
	const arch = "[['ds_r1_k3_s1_e1_c16_nre'], ['cn_r1_k1_s1_c960']]"
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"sample"}, exitUsage, "--out"},
		{[]string{"sample", "--out", "x"}, exitUsage, "--run, the folder of a training run, or --checkpoint"},
		{[]string{"sample", "--out", "x", "--run", run, "--checkpoint", checkpoint}, exitUsage, "--run, the folder"},
		{[]string{"sample", "--run", folder}, exitUsage, "not a run folder"},
		{[]string{"sample", "--run", run, "--num", "0"}, exitUsage, "--num 0: expected 1"},
		{[]string{"sample", "--run", run, "--bn", "none"}, exitUsage, "running or recalibrated"},
		{[]string{"sample", "--out", "x", "--checkpoint", checkpoint}, exitUsage, "--data"},
		{[]string{"contribute"}, exitUsage, "--out"},
		{[]string{"contribute", "--from-lut", small, "--run", run}, exitUsage, "one of them"},
		{[]string{"contribute", "--from-lut", small, "--out", "x"}, exitUsage, "version 0 of binas-tui-samples"},
		{[]string{"contribute", "--from-lut", folder, "--out", "x"}, exitUsage, "not a regular file"},
		{[]string{"contribute", "--run", run, "--num-samples", "-1"}, exitUsage, "--num-samples -1"},
		{[]string{"validate"}, exitUsage, "--checkpoint"},
		{[]string{"validate", "--run", run}, exitUsage, "--arch"},
		{[]string{"validate", "--arch", "[", "--checkpoint", checkpoint, "--data", data}, exitUsage, "ARCH"},
	} {
		r := runCLI(t, c.args...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%q: exit code %d, output %q, error %q; want code %d and one line with %q", c.args, r.code, r.out, r.err, c.code, c.want)
		}
	}
	onnxtest.Require(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sample", "--out", "x", "--checkpoint", filepath.Join(folder, "none"), "--data", data}, "no such file"},
		{[]string{"sample", "--out", "x", "--checkpoint", checkpoint, "--data", filepath.Join(folder, "none")}, "no such file"},
		{[]string{"sample", "--out", "x", "--checkpoint", small, "--data", data}, "not a usable checkpoint"},
		{[]string{"sample", "--out", "x", "--checkpoint", checkpoint, "--data", folder}, "not a data set"},
		{[]string{"sample", "--out", "x", "--checkpoint", "../supernet/testdata/supernet_raw.pth", "--data", data}, "it has 3, expected 10"},
		{[]string{"sample", "--out", "x", "--checkpoint", "../supernet/testdata/ckpt_tiny_raw.pth", "--data", data}, "expected 10"},
		{[]string{"validate", "--checkpoint", checkpoint, "--data", data, "--image-size", "32"}, "an architecture"},
		{[]string{"validate", "--arch", arch, "--checkpoint", checkpoint, "--data", data, "--image-size", "32"}, "not of the supernet"},
		// A device that is not there is one error, whoever asks for it.
		{[]string{"validate", "--arch", tinyNetwork, "--checkpoint", checkpoint, "--data", data, "--image-size", "32", "--device", "xnnpack"}, "target is not available: xnnpack"},
		{[]string{"sample", "--out", filepath.Join(folder, "s.jsonl"), "--checkpoint", checkpoint, "--data", data, "--image-size", "32", "--device", "xnnpack"}, "target is not available: xnnpack"},
		{[]string{"measure", tinyNetwork, "--device", "xnnpack"}, "target is not available: xnnpack"},
	} {
		r := runCLI(t, c.args...)
		if r.code != exitUsage || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%q: exit code %d, output %q, error %q; want one line with %q", c.args, r.code, r.out, r.err, c.want)
		}
	}
}
