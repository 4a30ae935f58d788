package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

func (a *app) lutMeasureCommand() *cobra.Command {
	var (
		m                        measuring
		out, space, name, folder string
		method                   string
		imageSize                int
	)
	cmd := &cobra.Command{
		Use:   "measure --out FILE|NAME",
		Short: "Measure a latency table on this machine or another",
		Long: `Measure every block of the search space and what all its networks share, with
ONNX Runtime on this machine, or on one that ssh reaches (--on), and write a
latency table: JSON, or BINAS's pickle where the name ends in .pkl. A name
without folder and ending goes to the user's tables, which --lut and the
explorer know by name.

Blocks are timed where they run: whole networks are run and traced node by node,
and the table is fitted on what their blocks took, at the level of networks that
are not traced. Where the target gives no traces it is fitted on the networks
alone. It needs no calibration. --method isolated times every block alone, as
BINAS does; calibrate such a table with lut verify --calibrate.

--precision int8 measures networks as export --precision int8 writes them: a
table of its own, because integers are faster for some blocks than for others.

More networks are run where the first do not make the table certain enough;
where that does not help it says so, or is inconclusive and no table is written.
What was measured is kept in a run folder, FILE.run, until the table is written:
the same command resumes, also where the connection to a host was lost.`,
		Example: `  binas-tui lut measure --out laptop
  binas-tui lut measure --out phone.json --threads 2 --image-size 160
  binas-tui lut measure --out pi --on pi
  binas-tui lut measure --out laptop-int8 --precision int8
  binas-tui lut measure --out alone.json --method isolated`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := m.check(cmd); err != nil {
				return err
			}
			if out == "" {
				return usagef("lut measure needs --out, the file or name of the table")
			}
			if m.method, err = latency.ParseMethod(method); err != nil {
				return usagef("--method: %w", err)
			}
			if err := checkCount(cmd, "networks", m.networks, latency.LeastNetworks, latency.MostNetworks); err != nil {
				return err
			}
			if m.method == latency.Isolated && cmd.Flags().Changed("networks") {
				return usagef("--networks is for --method %s: blocks alone are measured in --rounds", latency.InContext)
			}
			if m.method == latency.Isolated && m.on != "" {
				return usagef("--method %s does not go with --on: blocks alone are measured on this machine", latency.Isolated)
			}
			if m.method == latency.Isolated && m.precision == onnx.INT8 {
				return usagef("--precision %s is for --method %s: blocks alone are measured in %s", onnx.INT8, latency.InContext, onnx.FP32)
			}
			s, err := newSpace(space, imageSize)
			if err != nil {
				return err
			}
			file, err := newLUTFile(out)
			if err != nil {
				return err
			}
			name = cmp.Or(name, file.name)
			folder = cmp.Or(folder, file.folder)
			if err := m.like(latency.Provenance{}); err != nil {
				return err
			}
			device, err := m.open(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer device.Close()
			if err := file.makeFolder(); err != nil {
				return err
			}
			if err := checkOutput("out", file.path, tableFile); err != nil {
				return err
			}
			if err := checkWritable(file.path); err != nil {
				return err
			}
			o := m.options(a, device)
			o.Name, o.Folder = name, folder
			return a.measureLUT(cmd.Context(), s, o, file)
		},
	}
	m.addFlags(cmd, "")
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "table to write, a `FILE|NAME` (required)")
	f.IntVar(&imageSize, "image-size", 224, "side of the input image in `PIXELS`")
	f.StringVar(&space, "space", model.MobileNASNet, "search `SPACE`, "+model.MobileNASNet+" or "+model.MobileNASNetLarge)
	f.StringVar(&method, "method", string(latency.InContext), "how blocks are timed, a `METHOD`, "+string(latency.InContext)+" or "+string(latency.Isolated))
	f.IntVar(&m.networks, "networks", 0, "networks that blocks are timed in, `N` (default 48, 72 without traces, and more where needed)")
	f.StringVar(&name, "name", "", "`NAME` inside the table (default: that of the file)")
	f.StringVar(&folder, "folder", "", "`FOLDER` that keeps finished rounds (default FILE.run)")
	a.addJSON(cmd)
	return cmd
}

type lutFile struct {
	path   string
	name   string // of the table
	folder string // of the run; "" where what is written to is no file
	pickle bool
	named  bool // it is one of the user's tables, known by name
}

// newLUTFile resolves --out: a file, or the bare name of one of the user's
// tables.
func newLUTFile(out string) (lutFile, error) {
	base := filepath.Base(out)
	ext := filepath.Ext(base)
	f := lutFile{path: out, name: strings.TrimSuffix(base, ext), folder: out + ".run", pickle: strings.EqualFold(ext, ".pkl")}
	if out == base && ext == "" {
		path, err := explore.LUTPath(out)
		if err != nil {
			return f, usagef("--out: %w", err)
		}
		if slices.Contains(explore.LUTs(), explore.Source{Name: out}) {
			return f, usagef("--out %q: a built-in table has that name: give another, or ./%s for a file", out, out)
		}
		if strings.HasPrefix(out, "-") {
			return f, usagef("--out %q: expected a file or a plain name", out)
		}
		f.path, f.folder, f.named = path, path+".run", true
		return f, nil
	}
	if info, err := os.Stat(out); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		f.folder = ""
	}
	return f, nil
}

// write writes a table there, whole or not at all, and returns what the form
// has no room for.
func (f lutFile) write(lut *latency.LUT) ([]string, error) {
	data, leftOut, err := encodeTable(lut, f.pickle)
	if err != nil {
		return nil, err
	}
	return leftOut, safefile.Replace(f.path, true, safefile.Bytes(data))
}

// encodeTable is a table as BINAS's pickle or in this program's JSON, and what the
// form has no room for.
func encodeTable(lut *latency.LUT, pickle bool) (data []byte, leftOut []string, err error) {
	if pickle {
		return latency.EncodePickle(lut)
	}
	data, err = latency.EncodeLUT(lut)
	return data, nil, err
}

// sayLeftOut says what the form of a table has no room for.
func (a *app) sayLeftOut(file string, leftOut []string) {
	if len(leftOut) > 0 {
		fmt.Fprintf(a.Err, "note: %s has no room for %s\n", sanitize.Line(file), sanitize.Line(strings.Join(leftOut, ", ")))
	}
}

// makeFolder makes the folder of the user's tables where the table is one.
func (f lutFile) makeFolder() error {
	if f.named {
		if err := safefile.MkdirAll(filepath.Dir(f.path)); err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
	}
	return nil
}

// checkWritable finds out whether a file could be written, before there is
// much to lose: it writes as much as a run does to a file beside it.
func checkWritable(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return fmt.Errorf("write %s: it is a folder", path)
	}
	if err == nil && info.Mode()&fs.ModeCharDevice != 0 {
		// White space before JSON does no harm, and a full device says so.
		return safefile.Replace(path, true, safefile.Bytes([]byte("\n")))
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil
	}
	trial := path + ".trial"
	defer os.Remove(trial)
	err = safefile.Replace(trial, true, safefile.Bytes(bytes.Repeat([]byte("trial\n"), trialBytes/6)))
	var failed *fs.PathError
	if errors.As(err, &failed) {
		failed.Path = path
	}
	return err
}

// trialBytes is somewhat more than a run of the usual length writes.
const trialBytes = 512 << 10

// measureLUT measures and writes the table.
func (a *app) measureLUT(ctx context.Context, s *model.Space, o latency.MeasureOptions, file lutFile) error {
	progress := a.newMeasureStatus()
	o.Progress = progress.report
	start := time.Now()
	lut, err := latency.Measure(ctx, s, o)
	progress.end()
	if err != nil {
		return a.measuredNot(err, progress, o.Folder)
	}
	leftOut, err := file.write(lut)
	if err != nil {
		if o.Folder != "" {
			err = fmt.Errorf("%w; the rounds are kept in %s: the same command writes the table", err, o.Folder)
		}
		return err
	}
	latency.RemoveRun(o.Folder)
	a.sayLeftOut(file.path, leftOut)
	report := newMeasuredReport(lut, file, time.Since(start))
	return a.print(report, report.write)
}

// measuredNot is the error of a measurement of which finished rounds are in a
// folder; where it was ended it says how to go on from them.
func (a *app) measuredNot(err error, p *measureStatus, folder string) error {
	if errors.Is(err, ssh.ErrLost) && folder != "" {
		return fmt.Errorf("%w; the same command resumes after %s (kept in %s)", err, phrase.Count(p.rounds, cmp.Or(p.unit, "network")), folder)
	}
	if !errors.Is(err, context.Canceled) || folder == "" {
		return measureError(err)
	}
	fmt.Fprintf(a.Err, "binas-tui: ended after %s; the same command resumes there (kept in %s)\n", phrase.Count(p.rounds, cmp.Or(p.unit, "network")), sanitize.Line(folder))
	return errEnded
}

// measuredReport is the JSON of a table that was measured.
type measuredReport struct {
	File         string           `json:"file"`
	Name         string           `json:"name"`
	Method       latency.Method   `json:"method"`
	Space        string           `json:"space"`
	ImageSize    int              `json:"image_size"`
	Host         string           `json:"host,omitempty"` // empty: this machine
	Target       string           `json:"target"`
	Processor    string           `json:"processor"`
	Runtime      string           `json:"runtime"`
	Precision    onnx.Precision   `json:"precision"`
	Threads      int              `json:"threads"`
	Batch        int              `json:"batch"`
	Blocks       int              `json:"blocks"`
	FixedMS      explore.Number   `json:"fixed_ms"`
	Rounds       int              `json:"rounds"`        // of blocks alone; in context the networks
	MedianSpread explore.Number   `json:"median_spread"` // over blocks, of (q75-q25)/median
	Quality      *latency.Quality `json:"quality"`       // null of blocks alone
	Seconds      explore.Number   `json:"seconds"`       // this call took

	named bool
}

func newMeasuredReport(lut *latency.LUT, file lutFile, took time.Duration) measuredReport {
	p := lut.Provenance
	var spreads []float64
	for _, m := range lut.Blocks {
		spreads = append(spreads, m.Spread)
	}
	r := measuredReport{
		File: file.path, Name: p.Name, Method: p.Method, Quality: lut.Quality, Space: p.Space, ImageSize: p.ImageSize, Host: p.Host, Target: p.Device, Processor: p.Processor,
		Runtime: p.Runtime, Precision: p.ComputesIn(), Threads: p.Threads, Batch: p.Batch, Blocks: len(lut.Blocks), FixedMS: explore.Number(lut.Fixed.MedianMS),
		Rounds: lut.Fixed.Rounds, MedianSpread: explore.Number(latency.Quantile(spreads, 0.5)), Seconds: explore.Number(took.Seconds()), named: file.named,
	}
	if lut.Quality != nil {
		r.Rounds = lut.Quality.Networks
	}
	return r
}

func (r measuredReport) write(w io.Writer) error {
	made := phrase.Plural(r.Rounds, "round")
	if r.Quality != nil {
		made = phrase.Plural(r.Rounds, "network")
	}
	sanitize.Fprintf(w, "%d blocks of %s at %d pixels and the fixed part (%s ms), %d %s in %.0f s\n",
		r.Blocks, r.Space, r.ImageSize, phrase.MS(float64(r.FixedMS), 4), r.Rounds, made, float64(r.Seconds))
	fmt.Fprintf(w, "%s, %s, %s, %s, %d %s, batch %d\n", sanitize.Line(latency.Provenance{Host: r.Host, Processor: r.Processor}.Machine()), r.Runtime, r.Target, r.Precision, r.Threads, phrase.Plural(r.Threads, "thread"), r.Batch)
	how := "how well it predicts networks: binas-tui lut verify"
	if q := r.Quality; q != nil {
		fmt.Fprintln(w, qualityText(q))
		if q.Disturbed != "" {
			fmt.Fprintf(w, "less certain than it should be: %s; %s\n", q.Disturbed, whatHelps)
		}
	} else {
		sanitize.Fprintf(w, "a block varies by %.1f %% from round to round (median of interquartile ranges)\n", 100*float64(r.MedianSpread))
		how += " --calibrate"
	}
	name := r.File
	if r.named {
		name = strings.TrimSuffix(filepath.Base(r.File), ".json")
	}
	_, err := fmt.Fprintf(w, "written to %s\nuse it with --lut %s; %s --lut %[2]s\n", sanitize.Line(r.File), sanitize.Line(phrase.ShellWord(name)), how)
	return err
}

// qualityText says how certain a table is.
func qualityText(q *latency.Quality) string {
	by := "traced node by node"
	if !q.Traced {
		by = "whole: this target gives no traces"
	}
	return sanitize.Sprintf("networks %s; a block is certain to ± %.1f %% (standard error, median), the level of all to ± %.1f %%; two halves rank networks alike to Kendall %.3f, the device's speed varied by %.2f",
		by, 100*q.StandardError, 100*q.LevelError, q.Halves, q.Speeds)
}

// whatHelps says what to do about a machine that is disturbed.
const whatHelps = "what helps: end other programs, pin this one to a core (taskset), more --rounds"
