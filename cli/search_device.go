package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/solver"
)

// certainty is the flags of how certain a limit is to be kept, and by what.
type certainty struct {
	onDevice   bool
	confidence string
	on         string
	device     string
	library    string
}

func (c *certainty) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&c.onDevice, "on-device", false, "measure on the table's device until the answer's measured latency keeps the limit")
	f.StringVar(&c.confidence, "confidence", "", "keep the latency limit with this `PROBABILITY`, for example 95%: by measurements with --on-device (default 95%), else by what the table knows of its errors")
	addOn(cmd, &c.on)
	addDevice(cmd, &c.device, "the table's; another is refused")
	f.StringVar(&c.library, "onnxruntime", "", "ONNX Runtime library, a `FILE` or its folder (for --on-device)")
}

// probability is what --confidence says, 0 where it was not given.
func (c *certainty) probability() (float64, error) {
	if c.confidence == "" {
		return 0, nil
	}
	v, err := explore.ParseConfidence(c.confidence)
	if err != nil {
		return 0, usagef("--%w", err)
	}
	return v, nil
}

// deviceOf is the device that a table is of, ready to measure; tests simulate it.
var deviceOf = func(ctx context.Context, a *app, e *explore.Engine, c certainty) (latency.Device, error) {
	o, err := e.DeviceOptions(c.on)
	if err != nil {
		return nil, err
	}
	device, err := onnx.ParseTarget(cmp.Or(c.device, o.Target))
	if err != nil {
		return nil, usageError{err}
	}
	if table := cmp.Or(o.Target, string(onnx.CPU)); string(device) != table {
		return nil, usagef("--device %s: the table was measured on %s, and what is measured elsewhere is not mixed with it: lut measure --device %[1]s makes a table of its own", device, table)
	}
	return (&measuring{on: o.Host, target: o.Target, threads: o.Threads, batch: o.Batch, classes: o.Classes, precision: o.Precision, library: c.library}).open(ctx, a)
}

// searchOnDevice answers a request by measurements.
func (a *app) searchOnDevice(ctx context.Context, e *explore.Engine, request explore.Request, confidence float64, c certainty) error {
	device, err := deviceOf(ctx, a, e, c)
	if err != nil {
		return err
	}
	defer device.Close()
	progress := a.newStatusLine()
	kept, err := e.KeepOn(ctx, device, explore.OnDevice{
		Request: request, Confidence: confidence,
		Round: func(r explore.Round) { progress.show(func() string { return roundLine(r, request.LimitMS) }) },
	})
	progress.end()
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		fmt.Fprintln(a.Err, "binas-tui: ended; the same command resumes from what was measured")
		return errEnded
	case errors.Is(err, latency.ErrOtherDevice):
		return usageError{fmt.Errorf("%w: what was measured there is not mixed with what is measured now; lut forget %s removes it", err, e.LUTName)}
	case err != nil:
		return err
	}
	if a.json {
		return writeJSON(a.out, explore.NewKeptReport(kept))
	}
	writeKept(a.out, kept)
	return writeFound(a.out, kept.Engine, kept.SearchResult)
}

// roundLine says in one line what a measurement changed.
func roundLine(r explore.Round, limitMS float64) string {
	kept := ""
	if r.Accepted != "" {
		kept = ", the limit is kept"
	}
	return fmt.Sprintf("measurement %d: %s ± %s ms, limit %s ms, level %.3f%s", r.Number,
		phrase.MS(r.EstimateMS, 4), phrase.MS(r.DeviationMS, 2), phrase.MS(limitMS, 4), r.Level, kept)
}

// writeKept says what is known of the answer's latency on the device, and what
// was measured to know it.
func writeKept(w io.Writer, k explore.Kept) {
	sanitize.Fprintf(w, "kept on the device: %s ms ± %s, limit %s ms (with %g%% confidence, if the noise is as estimated)\n",
		phrase.MS(k.MeasuredMS, 4), phrase.MS(k.MarginMS, 2), phrase.MS(k.LimitMS, 4), 100*k.Confidence)
	l := k.Engine.LUT.Learnt
	sanitize.Fprintf(w, "          %d %s of %d %s, each within %.1f %% (one standard deviation); networks take %.3f ± %.3f times what the table holds\n",
		k.Measurements, phrase.Plural(k.Measurements, "measurement"), k.Networks, phrase.Plural(k.Networks, "network"), 100*k.Noise, l.Level, l.SD)
	if k.Stopped != "" {
		fmt.Fprintf(w, "          stopped %s: something better may be left\n", k.Stopped)
	} else {
		sanitize.Fprintf(w, "          nothing that %d measurements more could show to keep the limit is predicted better by more than %.2f points\n",
			explore.MoreMeasurements, explore.OnDeviceMargin)
	}
	fmt.Fprintln(w)
	if len(k.Rounds) > 0 {
		fmt.Fprintln(w, "   #  table ms  measured ms     estimate ms   level  accuracy %  kept  why")
	}
	for _, r := range k.Rounds {
		kept := ""
		if r.Accepted == r.Architecture {
			kept = "yes"
		}
		sanitize.Fprintf(w, "%4d  %8.3f  %11.3f  %6.3f ± %6.3f  %6.3f  %10.3f  %4s  %s\n",
			r.Number, r.PredictedMS, r.MeasuredMS, r.EstimateMS, r.DeviationMS, r.Level, r.Accuracy, kept, r.Why)
	}
	if len(k.Rounds) > 0 {
		fmt.Fprintln(w)
	}
}

// searchCertain answers a request by what the table knows of its errors.
func (a *app) searchCertain(ctx context.Context, e *explore.Engine, request explore.Request, confidence float64) error {
	c, err := e.FindCertain(ctx, request, confidence)
	if err != nil {
		return err
	}
	if c.Status == solver.Infeasible {
		return a.answer(ctx, e, c.SearchResult)
	}
	if a.json {
		return writeJSON(a.out, explore.NewCertainReport(e, c))
	}
	sanitize.Fprintf(a.out, "kept with a probability of %g%% by the table alone: the search was below %s ms, so that %s ± %s ms (one standard deviation) stays within %s ms\n",
		100*confidence, phrase.MS(c.LoweredMS, 4), phrase.MS(c.LatencyMS, 4), phrase.MS(c.DeviationMS, 2), phrase.MS(request.LimitMS, 4))
	fmt.Fprintf(a.out, "          proved of the lowered limit; a network that the table is more certain of may be better. It holds for the machine as it was when it was measured.\n\n")
	return writeFound(a.out, e, c.SearchResult)
}

// lutForgetCommand throws away what searches on the device have learnt.
func (a *app) lutForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget [FILE|NAME]",
		Short: "Throw away what searches on the device have learnt about a table",
		Long: `Remove what search --on-device measured and learnt about a table. The table
itself is as it was measured, and stays so. Without an argument it is that of
the default profile.`,
		Example: `  binas-tui lut forget
  binas-tui lut forget phone.pkl`,
		Args: atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := explore.Profiles()[0].LUT
			if len(args) == 1 {
				name = args[0]
			}
			lut, err := explore.LoadTable(name)
			if err != nil {
				return err
			}
			n, path, err := explore.ForgetObservations(lut)
			switch {
			case err != nil:
				return err
			case path == "":
				_, err = fmt.Fprintf(a.out, "nothing was measured on the device for %s\n", sanitize.Line(name))
			default:
				_, err = fmt.Fprintf(a.out, "%d %s forgotten, and %s removed\n", n, phrase.Plural(n, "measurement"), sanitize.Line(path))
			}
			return err
		},
	}
}
