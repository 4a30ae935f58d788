package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

func (a *app) dataShowCommand() *cobra.Command {
	var (
		o          = dataset.Options{ValAlone: true}
		check      bool
		unreadable string
		sheet      contactSheet
	)
	cmd := &cobra.Command{
		Use:   "show FOLDER|NAME",
		Short: "Show what a data set holds",
		Long: `Show the classes, sizes and normalisation of a data set: a folder with train/
and val/ (images, a folder per class; without val, or of classes alone, 20% of
every class are held out as val), CIFAR-10 in its binary version, IDX files as
MNIST's, or the name of a set in the user's data folder, digits or emoji. Files
that are no images are counted and named. To find unreadable images, 1,000 of
each part are read. --check reads all, and also says which are the same, smaller
than the image size or very long, how large classes are, and the mean and
deviation of the channels.`,
		Example: `  binas-tui data show digits
  binas-tui data show imagenet --image-size 160 --json
  binas-tui data show imagenet --check --unreadable unreadable.jsonl`,
		Args: arguments("FOLDER|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput("unreadable", unreadable, safefile.Kind{Name: "such a list", Begins: []string{`{"image":`}}); err != nil {
				return err
			}
			train, val, err := steps.OpenData(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			report := newDataReport(train, val)
			if sheet.file != "" {
				if report.Figure, err = sheet.write(cmd.Context(), cmp.Or(train, val)); err != nil {
					return err
				}
			}
			look := a.tryImages
			if check {
				look = a.checkImages
			}
			if err := look(cmd.Context(), &report, train, val); err != nil {
				return err
			}
			if unreadable != "" {
				if err := dataset.NoteUnreadable(unreadable, report.bad); err != nil {
					return err
				}
			}
			return a.print(report, report.write)
		},
	}
	cmd.Flags().IntVar(&o.Size, "image-size", 0, "side of the images in `PIXELS` (default: that of the files, 224 for folders of images)")
	addClassOrder(cmd, &o.ClassOrder)
	cmd.Flags().IntVar(&o.Classes, "classes", 0, "`NUMBER` of classes expected")
	cmd.Flags().BoolVar(&check, "check", false, "read every image: unreadable, equal, small or long ones, balance of the classes, statistics of the channels")
	cmd.Flags().StringVar(&sheet.file, "figure", "", "draw images as evaluation and as training see them to `FILE`, which ends in .png")
	cmd.Flags().StringVar(&sheet.augment, "augment", "", "changes of the images in --figure, by `KIND`: none, digits, cifar, pictures, no-flip or imagenet (default: what suits the set)")
	cmd.Flags().StringVar(&unreadable, "unreadable", "", "add all images that cannot be read to `FILE`, as JSON lines")
	a.addJSON(cmd)
	return cmd
}

// triedImages is how many images of a part are read where not all are.
const triedImages = 1000

// checkImages reads all images of both parts and reports what is odd.
func (a *app) checkImages(ctx context.Context, r *dataReport, train, val *dataset.Set) error {
	line := a.newStatusLine()
	checks, duplicates, err := dataset.CheckAll(ctx, []*dataset.Set{train, val}, line.count("images"))
	line.end()
	if err != nil {
		return err
	}
	r.TrainCheck, r.ValCheck, r.Duplicates = checks[0], checks[1], &duplicates
	r.TrainUnreadable, r.ValUnreadable = steps.UnreadableOf(train), steps.UnreadableOf(val)
	for _, s := range []*dataset.Set{train, val} {
		if s != nil {
			r.bad = append(r.bad, s.BadImages()...)
		}
	}
	return nil
}

// tryImages reads images of both parts and reports those that cannot be read.
func (a *app) tryImages(ctx context.Context, r *dataReport, train, val *dataset.Set) error {
	for _, part := range []struct {
		set *dataset.Set
		out **dataset.Unreadable
	}{{train, &r.TrainUnreadable}, {val, &r.ValUnreadable}} {
		if part.set == nil || part.set.InMemory() {
			continue
		}
		set := part.set.Spread(triedImages)
		line := a.newStatusLine()
		err := set.Try(ctx, line.count(set.Part+" images"))
		line.end()
		if err != nil {
			return err
		}
		u := set.Unreadable()
		*part.out, r.bad = &u, append(r.bad, set.BadImages()...)
	}
	return nil
}

type dataReport struct {
	Name         string             `json:"name"`
	ImageSize    int                `json:"image_size"`
	Classes      int                `json:"classes"`
	ClassNames   []string           `json:"class_names"`
	ClassOrder   dataset.ClassOrder `json:"class_order,omitempty"` // of folders of images
	OrderMatters bool               `json:"class_orders_differ"`   // the other order numbers classes otherwise
	Train        int                `json:"train"`                 // 0: there is no such part
	Val          int                `json:"val"`
	TrainPer     [2]int             `json:"train_per_class"` // least and most
	ValPer       [2]int             `json:"val_per_class"`
	Mean         [3]float64         `json:"mean"`
	Std          [3]float64         `json:"std"`
	TrainLeftOut []dataset.LeftOut  `json:"train_left_out,omitempty"`
	ValLeftOut   []dataset.LeftOut  `json:"val_left_out,omitempty"`
	// Of the images that were tried; absent where there are no files of images.
	TrainUnreadable *dataset.Unreadable `json:"train_unreadable,omitempty"`
	ValUnreadable   *dataset.Unreadable `json:"val_unreadable,omitempty"`
	// With --figure alone.
	Figure *contactSheetReport `json:"figure,omitempty"`
	// With --check alone.
	TrainCheck *dataset.Check      `json:"train_check,omitempty"`
	ValCheck   *dataset.Check      `json:"val_check,omitempty"`
	Duplicates *dataset.Duplicates `json:"duplicates,omitempty"`

	notes []string
	bad   []dataset.BadImage
}

func newDataReport(train, val *dataset.Set) dataReport {
	r := dataReport{
		Name: val.Name, ImageSize: val.Size, Classes: val.Classes, ClassNames: val.ClassNames,
		ClassOrder: val.ClassOrder, OrderMatters: val.OrderMatters(),
		Val: val.Len(), ValPer: perClass(val), Mean: val.Mean, Std: val.Std, ValLeftOut: val.LeftOut(),
	}
	if train != nil {
		r.Train, r.TrainPer, r.TrainLeftOut = train.Len(), perClass(train), train.LeftOut()
		r.notes = train.Notes()
	}
	for _, n := range val.Notes() {
		if !slices.Contains(r.notes, n) {
			r.notes = append(r.notes, n)
		}
	}
	return r
}

// perClass is the least and the greatest number of images of a class.
func perClass(s *dataset.Set) [2]int {
	n := s.PerClass()
	return [2]int{slices.Min(n), slices.Max(n)}
}

func (r dataReport) write(w io.Writer) error {
	part := func(n int, perClass [2]int) string {
		if perClass[0] == perClass[1] {
			return fmt.Sprintf("%d images, %d per class", n, perClass[0])
		}
		return fmt.Sprintf("%d images, %d to %d per class", n, perClass[0], perClass[1])
	}
	line(w, "name", r.Name)
	line(w, "image size", fmt.Sprint(r.ImageSize))
	line(w, "classes", fmt.Sprintf("%d: %s", r.Classes, firstFew(r.ClassNames)))
	if r.Train > 0 {
		line(w, "train", part(r.Train, r.TrainPer))
	} else {
		line(w, "train", "none: all that is possible is to validate on the whole of val")
	}
	line(w, "val", part(r.Val, r.ValPer))
	line(w, "mean", fmt.Sprintf("%.4f", r.Mean))
	line(w, "deviation", fmt.Sprintf("%.4f", r.Std))
	r.writeTried(w, "train", r.Train, r.TrainUnreadable)
	r.writeTried(w, "val", r.Val, r.ValUnreadable)
	r.writeCheck(w, "train", r.TrainCheck)
	r.writeCheck(w, "val", r.ValCheck)
	r.writeDuplicates(w)
	if f := r.Figure; f != nil {
		fmt.Fprintf(w, "%s: %s as evaluation sees them, then %d times each as --augment %s does\n", sanitize.Line(f.File), phrase.Count(f.Images, "image"), f.Epochs, f.Augment)
	}
	for _, n := range r.notes {
		fmt.Fprintln(w, "note: "+sanitize.Line(n))
	}
	return nil
}

// writeTried says which images of a part were read, and which could not be.
func (r dataReport) writeTried(w io.Writer, part string, of int, u *dataset.Unreadable) {
	if u == nil {
		return
	}
	text := fmt.Sprintf("all %d images", u.Of)
	if u.Of < of {
		text = fmt.Sprintf("%d of %d images (--check reads all)", u.Of, of)
	}
	if u.Count == 0 {
		text += ", none unreadable"
	} else {
		text += fmt.Sprintf(", %d unreadable", u.Count)
	}
	line(w, "read of "+part, text)
	became := "would be skipped"
	if u.TooMany {
		became = "are too many to be skipped without --max-unreadable"
	}
	for _, l := range u.Lines(became, "") {
		fmt.Fprintln(w, sanitize.Line(l))
	}
}

// writeCheck says what was found in a part.
func (r dataReport) writeCheck(w io.Writer, part string, c *dataset.Check) {
	if c == nil || c.Images == 0 {
		return
	}
	most, least := 0, 0
	for label, n := range c.Classes {
		if n > c.Classes[most] {
			most = label
		}
		if n < c.Classes[least] {
			least = label
		}
	}
	balance := fmt.Sprintf("all of %d images", c.Classes[most])
	if c.Classes[most] != c.Classes[least] {
		balance = fmt.Sprintf("largest %s (%d), smallest %s (%d)", sanitize.Line(r.ClassNames[most]), c.Classes[most], sanitize.Line(r.ClassNames[least]), c.Classes[least])
	}
	line(w, part+" classes", balance)
	line(w, part+" sizes", fmt.Sprintf("%dx%d to %dx%d, median %dx%d", c.Least[0], c.Least[1], c.Most[0], c.Most[1], c.Median[0], c.Median[1]))
	line(w, part+" pixels", fmt.Sprintf("mean %.4f, deviation %.4f", c.Mean, c.Std))
	for _, odd := range []struct {
		what string
		dataset.Odd
	}{{fmt.Sprintf("with a side below %d pixels, enlarged", r.ImageSize), c.Small}, {"longer than 3:1, of which little is seen", c.Long}} {
		if odd.Count > 0 {
			fmt.Fprintf(w, "%s of %s %s: %s\n", phrase.Count(odd.Count, "image"), part, odd.what, someOf(odd.First, odd.Count))
		}
	}
}

// someOf lists the first of a number of names.
func someOf(first []string, count int) string {
	text := sanitize.Line(strings.Join(first, ", "))
	if count > len(first) {
		text += ", …"
	}
	return text
}

// writeDuplicates says which images are the same.
func (r dataReport) writeDuplicates(w io.Writer) {
	d := r.Duplicates
	if d == nil {
		return
	}
	if d.Groups == 0 {
		line(w, "duplicates", "none")
		return
	}
	text := phrase.Count(d.Images, "image")
	if d.Parts > 0 {
		text += fmt.Sprintf("; %d both in train and val, which makes accuracy look better", d.Parts)
	}
	if d.Classes > 0 {
		text += fmt.Sprintf("; %d in several classes", d.Classes)
	}
	line(w, "duplicates", text)
	for _, names := range d.First {
		fmt.Fprintln(w, "  "+sanitize.Line(strings.Join(names, " = ")))
	}
	if more := d.Groups - len(d.First); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}

// firstFew lists up to ten names.
func firstFew(names []string) string {
	text := ""
	for i, n := range names {
		if i == 10 {
			return text + ", …"
		}
		if i > 0 {
			text += ", "
		}
		text += sanitize.Line(n)
	}
	return text
}
