package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// How a run ended, the exit code and what is said about it.
func TestConclude(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("fit: %w", err) }
	for _, c := range []struct {
		name   string
		err    error
		caught os.Signal
		code   int
		says   string
	}{
		{"done", nil, nil, 0, ""},
		{"done as the signal came", nil, syscall.SIGINT, 130, ""},
		{"ended, has said how to go on", wrapped(errEnded), syscall.SIGTERM, 143, ""},
		{"ended, starts over", wrapped(context.Canceled), syscall.SIGINT, 130, "binas-tui: ended; the same command starts over\n"},
		{"the terminal went away", wrapped(context.Canceled), syscall.SIGHUP, 129, "binas-tui: ended; the same command starts over\n"},
		{"something else failed meanwhile", io.ErrUnexpectedEOF, syscall.SIGINT, 130, ""},
		{"ended from within", errEnded, nil, 130, ""},
		{"failed", wrapped(io.ErrUnexpectedEOF), nil, 1, "binas-tui: fit: unexpected EOF\n"},
		{"wrong usage", usagef("--out is missing"), nil, 2, "binas-tui: --out is missing\n"},
		{"nothing fits", wrapped(explore.ErrNoNetwork), nil, 3, "binas-tui: fit: no network fits the limit\n"},
		{"too few images", fmt.Errorf("%w: batch-size", training.ErrSettings), nil, 2, "binas-tui: settings: batch-size\n"},
		{"images that cannot be read", wrapped(dataset.ErrUnreadable), nil, 2, "binas-tui: fit: too many unreadable images\n"},
		{"accuracies that are all the same", wrapped(fit.ErrSamples), nil, 2, "binas-tui: fit: samples cannot be fitted\n"},
		{"images of no use", wrapped(evaluation.ErrImages), nil, 2, "binas-tui: fit: unsuitable images\n"},
		{"a state that cannot be read", wrapped(training.ErrState), nil, 2, "binas-tui: fit: not a usable training state\n"},
		{"no run folder", wrapped(training.ErrNoRun), nil, 2, "binas-tui: fit: not a run folder\n"},
	} {
		var errs bytes.Buffer
		if code := conclude(c.err, c.caught, &errs); code != c.code || errs.String() != c.says {
			t.Errorf("%s: exit code %d and %q, want %d and %q", c.name, code, errs.String(), c.code, c.says)
		}
	}
}

// endedWriter ends a run when it is first written to.
type endedWriter struct {
	bytes.Buffer
	end context.CancelFunc
}

func (w *endedWriter) Write(b []byte) (int, error) {
	w.end()
	return w.Buffer.Write(b)
}

// runEnded runs the command line and interrupts it as soon as it has said
// something, in metrics or in its log.
func runEnded(t *testing.T, in string, args ...string) result {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	out, errs := &endedWriter{end: end}, &endedWriter{end: end}
	err := run(ctx, args, Streams{In: strings.NewReader(in), Out: out, Err: errs})
	code := conclude(err, syscall.SIGINT, errs)
	return result{out.String(), errs.String(), code}
}

// Commands that were interrupted before they began end with the signal's code
// and a line that says what the same command does, and leave no result.
func TestEndedAtOnce(t *testing.T) {
	onnxtest.Require(t)
	data := idxFolder(t, 40)
	folder, _, space := newSupernet(t, data)
	dir := t.TempDir()
	arch := space.Architecture(fastest(t)).String()
	for _, args := range [][]string{
		{"pareto"},
		{"measure", arch, "--rounds", "2"},
		{"fit", "--predictor-type", "mlp", "--fit-accuracy-lut", "digits-test", "--predictor-ckpt", filepath.Join(dir, "p")},
		{"lut", "measure", "--out", filepath.Join(dir, "t.json"), "--rounds", "2"},
		{"lut", "verify", "--lut", "ort-cpu-32-1t", "--networks", "2", "--folder", filepath.Join(dir, "verify")},
		{"train", "--stage", "heaviest", "--data", data, "--out", filepath.Join(dir, "run"), "--image-size", "32", "--batch-size", "8"},
		{"finetune", "--arch", arch, "--run", folder, "--data", data, "--out", filepath.Join(dir, "run"), "--image-size", "32", "--batch-size", "8",
			"--teacher", filepath.Join(folder, "oneshot.safetensors")},
		{"sample", "--run", folder, "--num", "3", "--out", filepath.Join(dir, "samples.jsonl")},
		{"contribute", "--run", folder, "--num-samples", "1", "--out", filepath.Join(dir, "estimator")},
		{"validate", "--run", folder, "--arch", arch},
		{"pipeline", "--data", data, "--out", filepath.Join(dir, "pipeline")},
	} {
		ctx, end := context.WithCancel(t.Context())
		end()
		var out, errs bytes.Buffer
		err := run(ctx, args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		code := conclude(err, syscall.SIGTERM, &errs)
		said := errs.String()
		if code != 143 || !strings.HasPrefix(said, "binas-tui: ended") || out.Len() > 0 ||
			!strings.Contains(said, "starts over") && !strings.Contains(said, "resume") {
			t.Errorf("%q: %v: exit code %d, output %q, said %q", args, err, code, out.String(), said)
		}
	}
	for _, name := range []string{"p", "t.json", "estimator"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v: expected none", name, err)
		}
	}
}

// A training that was interrupted says the command that goes on, which ends with
// the weights of an unbroken one. So does one whose network came from standard
// input, which is not there again.
func TestEndedTrainingGoesOn(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("trains")
	}
	data := idxFolder(t, 40)
	supernet, _, space := newSupernet(t, data)
	arch := space.Architecture(fastest(t)).String()
	common := []string{"--data", data, "--image-size", "32", "--batch-size", "8", "--epochs", "2", "--log-interval", "1", "--validation", "8"}
	for _, c := range []struct {
		name, weights string
		args          []string
	}{
		{"train", "heaviest.safetensors", append([]string{"train", "--stage", "heaviest"}, common...)},
		{"finetune", "finetuned.safetensors", append([]string{"finetune", "--arch", "-", "--checkpoint", filepath.Join(supernet, "oneshot.safetensors")}, common...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken, whole := filepath.Join(t.TempDir(), "broken run"), filepath.Join(t.TempDir(), "whole")
			r := runEnded(t, arch, append(c.args, "--out", broken)...)
			if r.code != 130 || !strings.Contains(r.err, "binas-tui: ended after ") {
				t.Fatalf("%+v", r)
			}
			_, again, _ := strings.Cut(r.err, "to resume:\n")
			commands := shellCommands(again)
			if len(commands) != 1 || len(commands[0]) < 2 {
				t.Fatalf("no command to go on with: %s", r.err)
			}
			if r := runCLI(t, commands[0][1:]...); r.code != 0 || !strings.Contains(r.err, "resumes after step") {
				t.Fatalf("%s: %+v", again, r)
			}
			if r := runCLIWith(t, arch, append(c.args, "--out", whole)...); r.code != 0 {
				t.Fatalf("%+v", r)
			}
			if !bytes.Equal(readFile(t, filepath.Join(broken, c.weights)), readFile(t, filepath.Join(whole, c.weights))) {
				t.Error("the weights differ from those of an unbroken training")
			}
			if c.name != "finetune" {
				return
			}
			// Its folder says with what it was begun.
			if r := runCLI(t, "finetune", "--out", broken, "--epochs", "3"); r.code != 0 || !strings.Contains(r.out, "finetune: 3 epochs, 9 steps") {
				t.Errorf("an epoch more: %+v", r)
			}
			if err := os.RemoveAll(supernet); err != nil {
				t.Fatal(err)
			}
			if r := runCLI(t, "finetune", "--out", broken); r.code != exitUsage || !strings.Contains(r.err, broken+" was begun with "+supernet) || !strings.Contains(r.err, "--arch, says where it is now") || strings.Count(r.err, "\n") != 1 {
				t.Errorf("without its supernet: %+v", r)
			}
		})
	}
}

// Samples and contributions that were interrupted keep what they have, and say
// so. (That they go on to the same records is tested where they are made.)
func TestEndedEvaluationKeepsItsRecords(t *testing.T) {
	onnxtest.Require(t)
	folder, _, _ := newSupernet(t, idxFolder(t, 40))
	records := filepath.Join(folder, "samples.jsonl")
	if r := runCLI(t, "sample", "--run", folder, "--num", "2"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	before := readFile(t, records)
	// Interrupted as soon as it says that two are there.
	r := runEnded(t, "", "sample", "--run", folder, "--num", "100000")
	if r.code != 130 || !strings.Contains(r.err, "to resume:\n  binas-tui sample --num 100000 --run "+folder+"\n") || r.out != "" {
		t.Errorf("%+v", r)
	}
	if after := readFile(t, records); !bytes.HasPrefix(after, before) {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

// Every line of a log is shown once, also where a snapshot brings several, and
// where the first ones are no longer kept.
func TestNewLines(t *testing.T) {
	const kept = 4
	var all, before, shown []string
	for i := range 20 {
		for range i % 4 {
			all = append(all, fmt.Sprint("line ", len(all)/2)) // some twice
		}
		log := all[max(0, len(all)-kept):]
		shown = append(shown, newLines(before, log)...)
		before = log
	}
	if !slices.Equal(shown, all) {
		t.Errorf("shown %q of %q", shown, all)
	}
}
