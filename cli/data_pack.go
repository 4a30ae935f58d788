package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

func (a *app) dataPackCommand() *cobra.Command {
	o := dataset.Options{ValAlone: true}
	cmd := &cobra.Command{
		Use:   "pack FOLDER|NAME",
		Short: "Decode the images of a folder once, for all later steps",
		Long: `Decode the images of a folder once and keep them, at the size of a training, in
the user's cache folder. train, sample, validate and the others do so with every
image that they need: this does it ahead of time. What is there is not decoded
again. Data that has changed since has a pack of its own: data packs lists them
all, and removes those of no use.`,
		Example: `  binas-tui data pack imagenet --image-size 160`,
		Args:    arguments("FOLDER|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.packData(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			return a.print(r, r.write)
		},
	}
	cmd.Flags().IntVar(&o.Size, "image-size", 0, "side of the images of the training in `PIXELS` (default: 224)")
	addClassOrder(cmd, &o.ClassOrder)
	a.addJSON(cmd)
	return cmd
}

type packReport struct {
	dataset.PackInfo
	Images          int                `json:"images"` // of the data, without those that cannot be read
	TrainUnreadable dataset.Unreadable `json:"train_unreadable"`
	ValUnreadable   dataset.Unreadable `json:"val_unreadable"`
}

func (r packReport) write(w io.Writer) error {
	for _, l := range slices.Concat(r.TrainUnreadable.Lines("are in no pack", ""), r.ValUnreadable.Lines("are in no pack", "")) {
		fmt.Fprintln(w, sanitize.Line(l))
	}
	_, err := fmt.Fprintf(w, "%s: %s at %d pixels, %s\n", sanitize.Line(r.Folder), phrase.Count(r.Images, "image"), r.ImageSize, dataset.SizeText(r.Bytes))
	return err
}

func (a *app) packData(ctx context.Context, nameOrFolder string, o dataset.Options) (r packReport, err error) {
	train, val, err := steps.OpenData(ctx, nameOrFolder, o)
	if err != nil {
		return r, err
	}
	if val.InMemory() {
		return r, usagef("%s: its images are in memory and need no pack: expected a folder of images", nameOrFolder)
	}
	id, err := dataset.Identify(ctx, train, val)
	if err != nil {
		return r, err
	}
	pack, err := dataset.OpenPack(ctx, id, train, val)
	if err != nil {
		return r, err
	}
	line := a.newStatusLine()
	err = pack.Fill(ctx, line.count("images"))
	line.end()
	if err != nil {
		return r, err
	}
	packs, err := dataset.Packs()
	if err != nil {
		return r, err
	}
	if i := slices.IndexFunc(packs, func(p dataset.PackInfo) bool { return p.Folder == pack.Folder }); i >= 0 {
		r.PackInfo = packs[i]
	}
	r.Images, r.ValUnreadable = val.Len(), val.Unreadable()
	if train != nil {
		r.Images, r.TrainUnreadable = r.Images+train.Len(), train.Unreadable()
	}
	r.Images -= r.TrainUnreadable.Count + r.ValUnreadable.Count
	return r, nil
}

func (a *app) dataPacksCommand() *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use:   "packs [NAME|FOLDER]...",
		Short: "List or remove what data pack keeps",
		Long: `List the packs in the user's cache folder: of which data, at which size, and how
large they are. With names or folders of data, or folders of packs, those alone.
--remove deletes what it lists; a pack is made again when it is needed.`,
		Example: `  binas-tui data packs
  binas-tui data packs imagenet --remove`,
		RunE: func(_ *cobra.Command, args []string) error {
			packs, err := packsOf(args)
			if err != nil {
				return err
			}
			if remove {
				for _, p := range packs {
					if err := p.Remove(); err != nil {
						return err
					}
				}
			}
			return a.print(map[string]any{"packs": append([]dataset.PackInfo{}, packs...), "removed": remove},
				func(w io.Writer) error { return writePacks(w, packs, remove) })
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "delete the packs listed")
	a.addJSON(cmd)
	return cmd
}

func writePacks(w io.Writer, packs []dataset.PackInfo, removed bool) (err error) {
	if len(packs) == 0 {
		_, err = fmt.Fprintf(w, "no packs in %s\n", sanitize.Line(dataset.PackFolder()))
	}
	did := ""
	if removed {
		did = "removed: "
	}
	for _, p := range packs {
		_, err = fmt.Fprintf(w, "%s%s, %d pixels, %s: %s (of %s)\n", did, sanitize.Line(p.Name), p.ImageSize, dataset.SizeText(p.Bytes), sanitize.Line(p.Folder), sanitize.Line(p.Root))
	}
	return err
}

// packsOf are the packs of the data named, all where nothing is.
func packsOf(names []string) (found []dataset.PackInfo, err error) {
	packs, err := dataset.Packs()
	if err != nil || len(names) == 0 {
		return packs, err
	}
	for _, name := range names {
		path, err := filepath.Abs(explore.DataSetPath(name))
		if err != nil {
			return nil, err
		}
		n := len(found)
		for _, p := range packs {
			if p.Name == name || p.Root == path || p.Folder == path {
				found = append(found, p)
			}
		}
		if len(found) == n {
			return nil, usagef("no pack of %s in %s: `binas-tui data packs` lists all", name, dataset.PackFolder())
		}
	}
	return found, nil
}
