package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/onnx"
)

func (a *app) doctorCommand() *cobra.Command {
	var (
		library, on, install string
		remove               bool
	)
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show what was found: assets, terminal, ONNX Runtime",
		Long: `Show what was found: the machine, built-in profiles, latency tables and
predictors, what the terminal can do, ONNX Runtime, and under mpirun or srun the
ranks with their MPI library; for a GPU the driver, CUDA and cuDNN, and where
they were looked for. With --on all of that on a machine that ssh reaches, after
what measuring there needs was pushed to its cache folder; with --remove that is
removed. The explorer and the searches need no ONNX Runtime.

--install-onnxruntime fetches the library for the processor,
--install-onnxruntime cuda the one for NVIDIA's cards beside it (linux/amd64),
without CUDA and cuDNN.
The exit code is 1 where a profile cannot be used.`,
		Example: `  binas-tui doctor
  binas-tui doctor --install-onnxruntime
  binas-tui doctor --install-onnxruntime cuda
  binas-tui doctor --on pi
  binas-tui doctor --on pi --remove`,
		Args: func(cmd *cobra.Command, args []string) error {
			if install == string(onnx.CPU) && len(args) == 1 { // the flag may have a value behind a space
				install, args = args[0], nil
			}
			return noArguments(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case install != "" && on != "":
				return usagef("--install-onnxruntime is for this machine; what --on needs is pushed there by itself")
			case install == string(onnx.CPU):
				return a.installRuntime(cmd.Context(), false)
			case install == string(onnx.CUDA):
				return a.installCUDA(cmd.Context())
			case install != "":
				return usagef("--install-onnxruntime %.40q: expected %s or %s", install, onnx.CPU, onnx.CUDA)
			case remove && on == "":
				return usagef("--remove is for --on HOST: it removes what was pushed there")
			case remove:
				return a.removePushed(cmd.Context(), on)
			case on != "":
				return a.doctorOn(cmd.Context(), &measuring{on: on, library: library})
			}
			fmt.Fprintln(a.out, "binas-tui "+versionText())
			section(a.out, "Machine")
			line(a.out, "processor", latency.Processor())
			line(a.out, "threads", fmt.Sprint(runtime.NumCPU()))
			err := doctorAssets(cmd.Context(), a.out)
			a.doctorTerminal()
			doctorRuntime(a.out, library)
			doctorCUDA(cmd.Context(), a.out, library)
			doctorRanks(cmd.Context(), a.out)
			return err
		},
	}
	addLibrary(cmd, &library)
	cmd.Flags().StringVar(&on, "on", "", "look at this `HOST`, which ssh reaches: a Host of ~/.ssh/config or [USER@]NAME")
	cmd.Flags().BoolVar(&remove, "remove", false, "with --on, remove what was pushed there, and do nothing else")
	cmd.Flags().StringVar(&install, "install-onnxruntime", "", "download ONNX Runtime "+onnx.LibraryVersion+" to the user's data folder, for a `DEVICE`, cpu or cuda, and do nothing else")
	cmd.Flags().Lookup("install-onnxruntime").NoOptDefVal = string(onnx.CPU)
	return cmd
}

// doctorOn prints what the program finds on a host.
func (a *app) doctorOn(ctx context.Context, m *measuring) error {
	session, err := latency.RunOn(ctx, m.deviceOptions(a), "doctor")
	if err != nil {
		return hostError(ctx, err)
	}
	explore.UsedHost(m.on)
	lines := bufio.NewScanner(io.LimitReader(session, 1<<20))
	for lines.Scan() {
		fmt.Fprintln(a.out, sanitize.Line(lines.Text()))
	}
	if err := session.Close(); err != nil {
		return session.Lost()
	}
	return nil
}

func (a *app) removePushed(ctx context.Context, host string) error {
	removed, err := ssh.Remove(ctx, host)
	if err != nil {
		return hostError(ctx, err)
	}
	_, err = fmt.Fprintf(a.out, "%s: removed %s\n", host, removed)
	return err
}

// section prints a heading, line one line under it.
func section(w io.Writer, title string) { fmt.Fprintf(w, "\n%s\n", title) }

func line(w io.Writer, label, text string) {
	fmt.Fprintf(w, "  %-22s %s\n", sanitize.Line(label), sanitize.Line(text))
}

// doctorAssets loads every profile, table and predictor there is.
func doctorAssets(ctx context.Context, w io.Writer) error {
	section(w, "Profiles")
	var broken error
	for _, p := range explore.Profiles() {
		setup, err := explore.Load(p.Name, "", "")
		var e *explore.Engine
		if err == nil {
			e, err = explore.New(ctx, setup)
		}
		if err != nil {
			line(w, p.Name, "cannot be used: "+err.Error())
			broken = fmt.Errorf("profile %s: %w", p.Name, err)
			continue
		}
		line(w, p.Name, fmt.Sprintf("%s at %d pixels, table %s, predictor %s, from %s ms",
			p.Space, p.ImageSize, p.LUT, p.Predictor, phrase.MS(e.MinLatencyMS(), 4)))
	}
	section(w, "Latency tables")
	for _, s := range explore.LUTs() {
		text := ""
		if lut, err := explore.LoadLUT(s.Name); err != nil {
			text = err.Error()
		} else {
			text = fmt.Sprintf("%d blocks, %s", len(lut.Blocks), lut.Source())
		}
		line(w, s.Name, place(s)+text)
	}
	section(w, "Predictors")
	for _, s := range explore.Predictors() {
		text := ""
		if p, info, err := explore.LoadPredictor(s.Name); err != nil {
			text = err.Error()
		} else {
			text = p.Kind() + ", " + explore.Setup{Predictor: p, PredictorInfo: info}.AccuracySource()
		}
		line(w, s.Name, place(s)+text)
	}
	line(w, "your own go to", explore.DataDir()+": luts and predictors")
	return broken
}

func place(s explore.Source) string {
	if s.Path == "" {
		return "built in: "
	}
	return s.Path + ": "
}

// doctorTerminal says what can be known about the terminal without asking it.
func (a *app) doctorTerminal() {
	section(a.out, "Terminal")
	for _, name := range []string{"TERM", "COLORTERM", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG", "TMUX", "SSH_TTY"} {
		if v, ok := os.LookupEnv(name); ok {
			line(a.out, name, v)
		}
	}
	encoding := "UTF-8"
	if a.ASCII {
		encoding = "ASCII alone, by the locale; a UTF-8 locale such as LC_ALL=C.UTF-8 shows all"
	}
	line(a.out, "text", encoding)
	out, ok := a.Out.(*os.File)
	if !ok || !term.IsTerminal(out.Fd()) {
		line(a.out, "output", "not a terminal: the explorer prints a report instead")
		line(a.out, "colours", colorprofile.Env(os.Environ()).String()+", by the environment")
		return
	}
	if width, height, err := term.GetSize(out.Fd()); err == nil {
		line(a.out, "size", fmt.Sprintf("%d x %d (the explorer needs %d x %d)", width, height, 60, 16))
	}
	line(a.out, "colours", colorprofile.Detect(out, os.Environ()).String())
	mouse := "asked for by the explorer (SGR mode); the terminal decides"
	if !a.interactive() {
		mouse = "none: the explorer prints a report here"
	}
	line(a.out, "mouse", mouse)
}

// doctorRuntime says where ONNX Runtime was looked for and what it can do.
func doctorRuntime(w io.Writer, library string) {
	section(w, "ONNX Runtime (to measure and train; not needed to explore)")
	found, tried, err := onnx.Find(library)
	for _, t := range tried {
		switch {
		case t.Found:
			line(w, t.Place, t.Path)
		case t.Path == "":
			line(w, t.Place, "not set")
		default:
			line(w, t.Place, "nothing at "+t.Path)
		}
	}
	if err == nil {
		found, err = onnx.Load(found)
	}
	if err != nil {
		line(w, "result", err.Error())
		if onnx.CanRun() {
			line(w, "to install it", "binas-tui doctor --install-onnxruntime")
		}
		return
	}
	line(w, "version", found.Version)
	line(w, "kernels for training", onnx.DescribeKernels())
	var available, missing, untried []string
	for _, t := range onnx.Targets() {
		switch {
		case t.Loud():
			untried = append(untried, string(t))
		case t.Check() == nil:
			available = append(available, string(t))
		default:
			missing = append(missing, string(t))
		}
	}
	line(w, "devices", strings.Join(available, ", "))
	line(w, "not tried", strings.Join(untried, ", ")+": measure --device says whether it is there")
	if len(missing) > 0 {
		line(w, "not in this library", strings.Join(missing, ", "))
	}
}

// doctorCUDA says what NVIDIA's cards need and what of it was found.
func doctorCUDA(ctx context.Context, w io.Writer, library string) {
	if runtime.GOOS != "linux" || !onnx.CanRun() {
		return
	}
	section(w, "GPU by CUDA (not needed)")
	lib, _, err := onnx.FindFor(library, onnx.CUDA)
	var needs onnx.CUDANeeds
	if err == nil {
		line(w, "ONNX Runtime", lib.Path)
		needs, err = lib.CUDA(ctx)
	}
	if err != nil {
		line(w, "ONNX Runtime", err.Error())
		install := "binas-tui doctor --install-onnxruntime cuda"
		if os.Getenv(onnx.EnvPushed) != "" {
			install = "--on this host --device cuda pushes it, 275 MB, or here: " + install
		}
		line(w, "to install it", install)
		needs = onnx.CUDAOfInstall(ctx)
	}
	writeCUDA(w, needs)
}

// writeCUDA prints what was found of what is needed.
func writeCUDA(w io.Writer, n onnx.CUDANeeds) {
	line(w, "needs", n.Text())
	missing := false
	for _, l := range n.Libraries {
		switch {
		case l.Path != "":
			line(w, l.Name, l.Place+": "+l.Path)
			continue
		case l.Other != "":
			line(w, l.Name, "not found; "+l.Other)
		default:
			line(w, l.Name, "not found")
		}
		missing = true
	}
	for _, p := range n.Places {
		text := strings.Join(p.Folders, ", ")
		if text == "" {
			text = "none"
		}
		line(w, "looked at", p.Name+": "+text)
	}
	if n.DriverErr == nil {
		line(w, "driver", "CUDA up to "+n.Driver.CUDA())
		line(w, "cards", n.Cards())
	}
	err := n.Check(0)
	switch {
	case err != nil:
		line(w, "result", err.Error())
	case missing:
		line(w, "result", "libraries are missing")
	case n.Provider == "":
		line(w, "result", "the library alone is missing")
	default:
		line(w, "result", "--device cuda can be used, to train too (by graphs of ordinary operators)")
	}
	if missing {
		line(w, "to have them", n.Remedy())
	}
}

// installCUDA downloads the library for NVIDIA's cards and prints where it is, and
// what it needs besides.
func (a *app) installCUDA(ctx context.Context) error {
	if err := a.installRuntime(ctx, true); err != nil {
		return err
	}
	needs, err := onnx.Library{Path: onnx.CUDAInstallPath()}.CUDA(ctx)
	if err == nil {
		writeCUDA(a.out, needs)
	}
	return err
}

// installRuntime downloads a library and prints where it is.
func (a *app) installRuntime(ctx context.Context, withCUDA bool) error {
	install := onnx.Install
	if withCUDA {
		install = onnx.InstallCUDA
	}
	last := int64(-1)
	lib, err := install(ctx, func(done, total int64) {
		if percent := done * 100 / max(total, 1); total > 0 && percent/10 != last/10 {
			last = percent
			fmt.Fprintf(a.Err, "ONNX Runtime %s: %d%%\n", onnx.LibraryVersion, percent)
		}
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, lib.Path)
	return err
}
