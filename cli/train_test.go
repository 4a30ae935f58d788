package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/training"
)

func TestTrainBadInput(t *testing.T) {
	dir := idxFolder(t, 24)
	run := filepath.Join(t.TempDir(), "run")
	train := func(more ...string) []string {
		return append([]string{"train", "--stage", "heaviest", "--data", dir, "--out", run, "--image-size", "32", "--batch-size", "8"}, more...)
	}
	for _, c := range []struct {
		args  []string
		words string
	}{
		{[]string{"train"}, `--stage "": expected heaviest or oneshot`},
		{[]string{"train", "--stage", "finetune"}, "expected heaviest or oneshot"},
		{[]string{"train", "--stage", "heaviest", "--out", run}, "no data set is given: --data"},
		{[]string{"train", "--stage", "heaviest", "--data", dir}, "train needs --out"},
		{[]string{"train", "--stage", "heaviest", "--data", filepath.Join(dir, "none"), "--out", run}, "none"},
		{[]string{"train", "--stage", "heaviest", "--data", dir, "--out", run}, "image size 4"},
		{train("--classes", "10"), "it has 3, expected 10"},
		{train("--lr", "0"), "lr 0: expected a number above 0"},
		{train("--sched", "linear"), `sched "linear": expected step or cosine`},
		{train("--drop", "1"), "drop 1: expected 0 to less than 1"},
		{train("--train-percent", "101"), "train-percent"},
		{train("--preset", "large"), `--preset "large": expected auto, small or paper`},
		{train("--space", "resnet"), `--space "resnet": expected`},
		{train("--threads", "0"), "--threads 0"},
		{train("--checkpoint-every", "1ms"), "--checkpoint-every"},
		{[]string{"finetune", "--data", dir, "--out", run}, "finetune needs --arch"},
		{[]string{"finetune", "--arch", "[]", "--data", dir, "--out", run}, "finetune needs --run"},
		{[]string{"finetune", "--arch", `{"status": "infeasible"}`, "--run", run, "--data", dir, "--out", run}, "neither a string"},
	} {
		r := runCLI(t, c.args...)
		if r.code != exitUsage || !strings.Contains(r.err, c.words) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%v: %+v, expected code %d and %q", c.args, r, exitUsage, c.words)
		}
	}
}

func TestTrain(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("trains")
	}
	dir, run := idxFolder(t, 48), filepath.Join(t.TempDir(), "run")
	command := []string{"train", "--stage", "heaviest", "--data", dir, "--out", run, "--image-size", "32", "--batch-size", "8",
		"--epochs", "1", "--log-interval", "2", "--validation", "8", "--json"}

	oneShot := runCLI(t, "train", "--stage", "oneshot", "--data", dir, "--out", run, "--image-size", "32", "--batch-size", "8")
	if oneShot.code != exitUsage || !strings.Contains(oneShot.err, "no heaviest network in "+run) {
		t.Errorf("one-shot first: %+v", oneShot)
	}
	few := runCLI(t, append(command, "--batch-size", "64")...)
	if few.code != exitUsage || !strings.Contains(few.err, "settings: batch-size: data set "+filepath.Base(dir)+" (train) has") || strings.Count(few.err, "\n") != 1 {
		t.Errorf("fewer images than a batch: %+v", few)
	}
	r := runCLI(t, command...)
	if r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	var (
		metric training.Metric
		report trainedReport
	)
	if err := json.Unmarshal([]byte(lines[0]), &metric); err != nil || metric.Step != 2 || !(metric.Loss > 0) || !(metric.LR > 0) {
		t.Errorf("first line %s: %v", lines[0], err)
	}
	// 80 percent of 48 images train, in batches of 8.
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil || report.Steps != 4 || report.Epochs != 1 || len(report.Validation) != 1 {
		t.Errorf("last line %s: %v", lines[len(lines)-1], err)
	}
	c, err := supernet.Load(report.Weights)
	if err != nil || c.Meta["stage"] != "heaviest" {
		t.Errorf("%v: %v", c.Meta, err)
	}
	if notes := strings.Join(report.Notes, "\n"); !strings.Contains(notes, "preset auto, for 48 images of 32 pixels: steps of 8 images, 1 epoch, learning rate 0.035") ||
		!strings.Contains(notes, "images are moved, not mirrored") {
		t.Errorf("said of the preset: %q", notes)
	}
	report.Notes = nil // of what was begun
	again := strings.Split(strings.TrimSpace(runCLI(t, command...).out), "\n")
	if want, err := json.Marshal(report); err != nil || len(again) != 1 || again[0] != string(want) {
		t.Errorf("a finished run, once more: %q, expected %s", again, want)
	}
	bare := runCLI(t, append(command[:9:9], "--json")...)
	if bare.code != exitDone || strings.TrimSpace(bare.out) != again[0] {
		t.Errorf("without the settings it was begun with: %+v", bare)
	}
	other := runCLI(t, append(command, "--lr", "0.2")...)
	if other.code != exitUsage || !strings.Contains(other.err, "lr of stage heaviest is 0.035 there and 0.2 now") {
		t.Errorf("other settings: %+v", other)
	}
}
