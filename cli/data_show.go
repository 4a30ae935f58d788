package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/sanitize"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

func (a *app) dataShowCommand() *cobra.Command {
	var (
		o      dataset.Options
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "show FOLDER|NAME",
		Short: "Show what a data set holds",
		Long: `Show the classes, sizes and normalisation of a data set: a folder with train/
and val/ (JPEG and PNG, a folder per class), CIFAR-10 in its binary version,
IDX files as MNIST's, or the name of a set in the user's data folder, digits.`,
		Example: `  binas-tui data show digits
  binas-tui data show imagenet --image-size 160 --json`,
		Args: arguments("FOLDER|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			train, val, err := openData(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			report := newDataReport(train, val)
			if asJSON {
				return writeJSON(a.out, report)
			}
			return report.write(a.out)
		},
	}
	cmd.Flags().IntVar(&o.Size, "image-size", 0, "side of the images in `PIXELS` (default: that of the files, 224 for JPEG and PNG)")
	addClassOrder(cmd, &o.ClassOrder)
	cmd.Flags().IntVar(&o.Classes, "classes", 0, "`NUMBER` of classes expected")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// dataReport is what data show says.
type dataReport struct {
	Name       string     `json:"name"`
	ImageSize  int        `json:"image_size"`
	Classes    int        `json:"classes"`
	ClassNames []string   `json:"class_names"`
	Train      int        `json:"train"`
	Val        int        `json:"val"`
	TrainPer   [2]int     `json:"train_per_class"` // least and most
	ValPer     [2]int     `json:"val_per_class"`
	Mean       [3]float64 `json:"mean"`
	Std        [3]float64 `json:"std"`
}

func newDataReport(train, val *dataset.Set) dataReport {
	return dataReport{
		Name: train.Name, ImageSize: train.Size, Classes: train.Classes, ClassNames: train.ClassNames,
		Train: train.Len(), Val: val.Len(), TrainPer: perClass(train), ValPer: perClass(val),
		Mean: train.Mean, Std: train.Std,
	}
}

// perClass is the least and the greatest number of images of a class.
func perClass(s *dataset.Set) [2]int {
	n := make([]int, s.Classes)
	for _, label := range s.Labels() {
		n[label]++
	}
	return [2]int{slices.Min(n), slices.Max(n)}
}

func (r dataReport) write(w io.Writer) error {
	part := func(n int, perClass [2]int) string {
		return fmt.Sprintf("%d images, %d to %d per class", n, perClass[0], perClass[1])
	}
	line(w, "name", r.Name)
	line(w, "image size", fmt.Sprint(r.ImageSize))
	line(w, "classes", fmt.Sprintf("%d: %s", r.Classes, firstFew(r.ClassNames)))
	line(w, "train", part(r.Train, r.TrainPer))
	line(w, "val", part(r.Val, r.ValPer))
	line(w, "mean", fmt.Sprintf("%.4f", r.Mean))
	_, err := fmt.Fprintf(w, "  %-22s %.4f\n", "deviation", r.Std)
	return err
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
