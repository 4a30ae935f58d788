package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/internal/stdio"
)

// Streams are what a command reads and writes. In and Out are asked whether
// they are terminals where they are files.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// ASCII asks for text in ASCII alone: the locale is not UTF-8.
	ASCII bool
}

// StandardStreams are those of the process, in the encoding of its locale.
func StandardStreams() Streams {
	return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, ASCII: !sanitize.UTF8Locale(os.Getenv)}
}

// encoded is w in the encoding of the locale.
func (s Streams) encoded(w io.Writer) io.Writer {
	if s.ASCII {
		return asciiStream{sanitize.NewASCIIWriter(w), w}
	}
	return w
}

// asciiStream is a stream of which ASCII alone is written.
type asciiStream struct {
	io.Writer
	stream io.Writer
}

// terminalOf is the terminal that a stream writes to; nil where it is none.
func terminalOf(stream any) *os.File {
	if s, ok := stream.(asciiStream); ok {
		stream = s.stream
	}
	if f, ok := stream.(*os.File); ok && term.IsTerminal(f.Fd()) {
		return f
	}
	return nil
}

// Main runs the command line with args, which do not include the program's
// name, and returns the exit code.
func Main(args []string, s Streams) int {
	if follows(os.Getenv) {
		s.Out, s.Err = io.Discard, io.Discard
	}
	s.Err = s.encoded(s.Err)
	if s.Out == io.Writer(os.Stdout) && stdio.OutputClosed() { // before work that nobody would see
		return conclude(errors.New("standard output is closed: there is nowhere to write to"), nil, s.Err)
	}
	ctx, caught := watchSignals(context.Background())
	err := run(ctx, args, s)
	return conclude(err, caught(), s.Err)
}

// conclude says why a run ended and returns its exit code. Commands that can be
// resumed have said how; the others start over.
func conclude(err error, caught os.Signal, errs io.Writer) int {
	code := exitInterrupted
	if caught != nil {
		code = signalCode(caught)
	}
	switch {
	case errors.Is(err, errEnded):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errs, "binas-tui: ended; the same command starts over")
	case caught != nil: // too late, or while something else went wrong
	case err == nil:
		return exitDone
	default:
		fmt.Fprintln(errs, "binas-tui: "+errorLine(err))
		return exitCode(err)
	}
	return code
}

// maxErrorRunes bounds the message of an error, parts of which can come from
// a file.
const maxErrorRunes = 1000

func errorLine(err error) string {
	line := []rune(sanitize.Line(err.Error()))
	if len(line) > maxErrorRunes {
		line = append(line[:maxErrorRunes], '…')
	}
	return string(line)
}

func run(ctx context.Context, args []string, s Streams) error {
	out := bufio.NewWriter(s.encoded(s.Out))
	a := &app{Streams: s, out: out}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(out)
	root.SetErr(s.Err)
	a.addCompletion(root)
	err := root.ExecuteContext(ctx)
	if err != nil && !a.started {
		err = usageError{err}
	}
	if errors.Is(err, errFollowed) {
		err = nil
	}
	err = a.part(ctx, err)
	if flushErr := out.Flush(); flushErr != nil && err == nil {
		err = fmt.Errorf("standard output: %w", flushErr)
	}
	return err
}

// app is what the commands of one run share.
type app struct {
	Streams
	out     *bufio.Writer // buffers Streams.Out
	json    bool          // --json was given
	started bool          // flags and arguments were accepted: later errors are not of usage
	notes   []string      // what is worth knowing, also for --json
	said    int           // of them
	ranks   mpi.Comm      // nil where no launcher started several
}

// rootCommand builds the tree of commands.
func (a *app) rootCommand() *cobra.Command {
	root := a.explorerCommand()
	root.SilenceErrors, root.SilenceUsage, root.SuggestionsMinimumDistance = true, true, 2
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		a.started = true
		if err := noEmptyFlags(cmd); err != nil {
			return err
		}
		return a.join(cmd)
	}
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", a.helpWidth())))
	root.Version = versionText()
	root.SetVersionTemplate("binas-tui {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	root.AddCommand(
		a.searchCommand(), a.paretoCommand(), a.explainCommand(),
		a.group("lut", "Measure, verify, compare, show and convert latency tables", a.lutShowCommand(), a.lutConvertCommand(),
			a.lutMeasureCommand(), a.lutVerifyCommand(), a.lutCompareCommand(), a.lutForgetCommand()),
		a.group("data", "Make example data sets, show and pack what a data set holds", a.dataDigitsCommand(), a.dataEmojiCommand(), a.dataShowCommand(), a.dataPackCommand(), a.dataPacksCommand()),
		a.group("records", "Put shards of samples and contributions together", a.recordsMergeCommand()),
		a.measureCommand(), a.exportCommand(),
		a.fitCommand(), a.trainCommand(), a.sampleCommand(), a.contributeCommand(), a.finetuneCommand(),
		a.validateCommand(), a.demoCommand(), a.pipelineCommand(), a.doctorCommand(), a.versionCommand(), a.serveDeviceCommand(),
	)
	return root
}

// helpWidth is how wide the texts of flags may be: as the terminal, or where
// there is none as wide as they are read well.
func (a *app) helpWidth() int {
	if f, ok := a.Out.(*os.File); ok {
		if width, _, err := term.GetSize(f.Fd()); err == nil && width > 60 {
			return width
		}
	}
	return 100
}

// addCompletion adds the library's completion command, which by itself takes
// any words and does nothing. It writes to what root writes to by now.
func (a *app) addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = cobra.ArbitraryArgs, a.groupUsage
		}
	}
}

// helpCommand is "help [command]"; unlike the library's, it refuses a command
// that does not exist.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Explain a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err == nil {
				err = noArguments(topic, rest)
			}
			if err != nil {
				return usageError{err}
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}
