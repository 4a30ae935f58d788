package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
)

// pipelineOptions is the flags of pipeline.
type pipelineOptions struct {
	steps.PipelineSettings
	steps.PipelineOptions
}

func (a *app) pipelineCommand() *cobra.Command {
	o := pipelineOptions{PipelineSettings: steps.DigitsPipeline()}
	cmd := &cobra.Command{
		Use:   "pipeline --data FOLDER|NAME --out FOLDER",
		Short: "Run the whole method, from data to exported networks with a report",
		Long: `Run every step of the method in one folder:
` + ansi.Wordwrap(strings.Join(steps.PipelineSteps(), ", "), 78, "") + `.
The defaults are those of the digits data set on two processor cores: hours.
Killed at any time, it resumes when it is started again with the same flags, or
with --out alone; where its data was moved, with --data too. Other data is
refused. report.md in the folder has the results.`,
		Example: `  binas-tui data digits
  binas-tui pipeline --data digits --out runs/digits
  binas-tui pipeline --out runs/digits              # resume
  binas-tui pipeline --data digits --out runs/quick --heaviest-epochs 1 \
    --oneshot-epochs 1 --samples 50 --test-samples 20`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd); err != nil {
				return err
			}
			return a.pipeline(cmd.Context(), o)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *pipelineOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.Folder, "out", "", "run `FOLDER`; an existing run is resumed (required)")
	f.StringVar(&o.Data, "data", "", "data set, a `FOLDER|NAME`")
	addClassOrder(cmd, &o.ClassOrder)
	f.StringVar(&o.Space, "space", o.Space, "search `SPACE`")
	f.IntVar(&o.ImageSize, "image-size", o.ImageSize, "side of the images in `PIXELS`")
	f.StringVar(&o.LUT, "lut", o.LUT, "latency table, a `FILE|NAME`, or empty to measure one on this machine")
	f.SetAnnotation("lut", mayBeEmpty, nil)
	f.StringVar(&o.Preset, "preset", o.Preset, "settings of the trainings, by `NAME`: small or paper")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "random `SEED`")
	f.IntVar(&o.TrainPercent, "train-percent", o.TrainPercent, "`PERCENT` of the training images that the supernet is trained on; the rest judges its networks")
	f.IntVar(&o.HeaviestEpochs, "heaviest-epochs", 0, "epochs of the heaviest network, `N` (default: the preset's)")
	f.IntVar(&o.OneShotEpochs, "oneshot-epochs", 0, "epochs of the supernet, `N` (default: the preset's)")
	f.IntVar(&o.FineTuneEpochs, "finetune-epochs", 0, "epochs of each network that is chosen, `N` (default: the preset's)")
	f.IntVar(&o.BatchSize, "batch-size", 0, "images of a step of each training, `N` (default: the preset's)")
	f.StringVar(&o.Sampling, "sampling", "", "which paths a step trains, by `WAY`: batch, sandwich or image (default: the preset's)")
	f.IntVar(&o.Paths, "paths", 0, "paths of a step of the supernet's training, `N` (default: the preset's)")
	f.StringVar(&o.BN, "bn", o.BN, "statistics of networks in the supernet, by `KIND`: running or recalibrated")
	f.IntVar(&o.SampleImages, "sample-images", 0, "held-out images that a network is evaluated on, `N` (default: all)")
	f.IntVar(&o.Samples, "samples", o.Samples, "random networks to fit predictors on, `N`")
	f.IntVar(&o.TestSamples, "test-samples", o.TestSamples, "other random networks to judge predictors with, `N`")
	f.IntVar(&o.Contributions, "contribution-networks", o.Contributions, "networks that every decision of the estimator is pinned in, `N`")
	f.IntVar(&o.PinnedImages, "contribution-images", o.PinnedImages, "images that each network of the estimator is evaluated on, `N`")
	f.StringVar(&o.Predictor, "predictor", o.Predictor, "predictor to search with, by `KIND`: estimator, bilinear, quadratic or mlp")
	f.IntVar(&o.Budgets, "budgets", o.Budgets, "latencies to search at, `N`")
	f.IntVar(&o.Random, "random", o.Random, "random networks of equal latency at each budget, `N`")
	f.IntVar(&o.MeasureRounds, "rounds", 0, "rounds of the latency measurement, `N` (default: as in measure)")
	f.StringVar(&o.Until, "until", "", "last step to do, `STEP`: one of "+strings.Join(steps.PipelineSteps(), ", "))
	f.IntVar(&o.PipelineOptions.Threads, "threads", 2, "threads of ONNX Runtime in training, `N`")
	addLibrary(cmd, &o.Library)
}

// complete checks the flags; a folder that was begun has the settings already, and
// flags that say otherwise are refused.
func (o *pipelineOptions) complete(cmd *cobra.Command) error {
	if o.Folder == "" {
		return usagef("pipeline needs --out, the folder of the run")
	}
	if err := checkCount(cmd, "threads", o.PipelineOptions.Threads, 1, maxThreads); err != nil {
		return err
	}
	begun, err := steps.ReadPipeline(o.Folder)
	switch {
	case err == nil:
		given := map[string]string{}
		cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
		o.PipelineSettings = begun
		for name, value := range given {
			if err := cmd.Flags().Set(name, value); err != nil {
				return err
			}
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case o.Data == "":
		return usagef("pipeline needs --data, the data set, to begin %s", o.Folder)
	}
	// The folder's settings name the data for whoever goes on from elsewhere.
	if _, err := os.Stat(o.Data); err == nil {
		if abs, err := filepath.Abs(o.Data); err == nil {
			o.Data = abs
		}
	}
	if err := o.Check(); err != nil {
		return usageError{err}
	}
	return o.checkInput(err == nil)
}

// checkInput finds out before there is a folder, whose settings bind, whether
// what they name is there.
func (o *pipelineOptions) checkInput(begun bool) error {
	if _, err := os.Stat(explore.DataSetPath(o.Data)); err != nil {
		if begun {
			return usagef("the data of %s is not in %s any more: --data says where it is", o.Folder, o.Data)
		}
		return missingData(o.Data, fmt.Errorf("data set %s: %w", o.Data, fs.ErrNotExist))
	}
	if o.LUT != "" && !begun { // the folder has a copy
		if _, err := explore.LoadLUT(o.LUT); err != nil {
			return err
		}
	}
	return nil
}

// pipeline runs it as a job and shows how far it is.
func (a *app) pipeline(ctx context.Context, o pipelineOptions) error {
	if err := openRuntime(o.Library); err != nil { // before there is a folder with settings
		return err
	}
	file, _, err := runJob(ctx, a, "pipeline", func(ctx context.Context, j *job.Job) (string, error) {
		return steps.RunPipeline(ctx, o.PipelineSettings, o.PipelineOptions, j)
	})
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(a.Err, "binas-tui: to resume: binas-tui pipeline --out %s\n", sanitize.Line(phrase.ShellWord(o.Folder)))
		return errEnded
	case err != nil || file == "":
		return err
	}
	_, err = fmt.Fprintln(a.out, sanitize.Line(file))
	return err
}
