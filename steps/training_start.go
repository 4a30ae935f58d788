package steps

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// GoOn completes a fine-tuning that names neither run nor checkpoint by what its folder
// says that it was begun with.
func (t *Training) GoOn() error {
	if t.Out == "" || t.Run != "" || t.Checkpoint != "" {
		return nil
	}
	r, err := training.ReadRun(t.Out)
	if errors.Is(err, training.ErrNoRun) {
		return nil
	}
	s, begun := r.Stages[training.FineTune]
	if err != nil || !begun || r.From == nil {
		return err
	}
	for _, path := range []string{r.From.Run, r.From.Checkpoint, r.From.Teacher} {
		if _, err := os.Stat(path); path != "" && err != nil {
			return requestf("%s was begun with %s: %w%s", t.Out, path, err, t.orName("; --run or --checkpoint, with --arch, says where it is now"))
		}
	}
	t.Run, t.Checkpoint, t.Teacher = r.From.Run, r.From.Checkpoint, cmp.Or(t.Teacher, r.From.Teacher)
	t.Settings.Arch = cmp.Or(t.Settings.Arch, s.Arch)
	return nil
}

// ownArch is the architecture of a checkpoint that says it, where none is given.
func (t *Training) ownArch() error {
	if t.Settings.Arch != "" || t.Checkpoint == "" {
		return nil
	}
	o, err := checkpointOrigin(t.Checkpoint)
	if err == nil && o.known != nil {
		t.Settings.Arch = o.known.Arch
	}
	return err
}

// otherClasses says whether a checkpoint was trained on other classes: its classifier
// begins anew then.
func (t *Training) otherClasses(from *origin, data dataset.Identity) bool {
	return t.Checkpoint != "" && from.data != nil && from.data.Classes != nil && !slices.Equal(from.data.Classes, data.Classes)
}

// startOf takes the weights of a supernet or of the network itself as those that
// FineTune begins with. Where the data has other classes the classifier begins anew;
// then, and of one network alone, there is no teacher unless it is named.
func (t *Training) startOf(space *model.Space, w onnx.StateDict, p place, s *training.Settings, o *training.Options) error {
	classes, own := 0, !supernet.IsSupernet(w)
	arch, err := model.ParseArchitecture(s.Arch)
	if err != nil {
		return err
	}
	path, err := space.Path(arch)
	if err != nil {
		return err
	}
	if own {
		classes, err = supernet.CheckChild(space, path, w)
	} else {
		classes, err = supernet.CheckSupernet(space, w)
	}
	if err != nil {
		return err
	}
	anew := t.Checkpoint != "" && (classes != s.Classes || t.otherClasses(p.from, *o.Data))
	if s.Quantize != "" && (anew || t.Teacher != "") {
		return fmt.Errorf("quantize %s: expected weights that were trained for these classes, and no teacher beside them", s.Quantize)
	}
	said := "all its weights are taken over"
	if anew {
		w = supernet.WithHead(w, s.Classes, s.Seed)
		said = fmt.Sprintf("all its weights but the classifier are taken over, which starts at random for %d classes (it had %d)", s.Classes, classes)
	}
	if own {
		o.Start = w
	} else {
		o.Supernet = w
	}
	if !own && !anew || s.Quantize != "" {
		return nil
	}
	if t.Teacher == "" {
		if p.begun == nil && !t.Given["gamma_knowledge"] {
			s.GammaKnowledge = 0
		}
		if said += "; there is no teacher"; s.GammaKnowledge > 0 {
			return fmt.Errorf("gamma-knowledge %v: there is no teacher for these classes in it: --teacher names one", s.GammaKnowledge)
		}
	}
	if p.begun == nil {
		t.note("%s: %s", t.Checkpoint, said)
	}
	return nil
}

// cover begins the heaviest network with what the weights of a network cover of it.
func (t *Training) cover(space *model.Space, p place, s training.Settings, o *training.Options) error {
	if t.Checkpoint == "" || p.begun != nil { // it has begun with them
		return nil
	}
	c, err := t.load(t.Checkpoint)
	if err != nil {
		return err
	}
	if supernet.IsSupernet(c.Weights) {
		return requestf("%s is a supernet: expected the weights of one network", t.Checkpoint)
	}
	classes, err := supernet.ClassesOf(c.Weights)
	if err != nil {
		return requestf("%s: %w", t.Checkpoint, err)
	}
	layout := supernet.ChildLayout(space, space.HeaviestPath(), s.Classes)
	begin := supernet.Init{Seed: s.Seed}
	if !s.ZeroLastBN {
		begin.ResidualScale = 1
	}
	o.Start = begin.Weights(layout)
	if written, of := supernet.Cover(layout, o.Start, c.Weights); written > 0 {
		t.note("%s: its weights are %.0f%% of those that the heaviest network begins with; the others are random", t.Checkpoint, 100*float64(written)/float64(of))
	} else {
		return requestf("%s: no tensor is of the heaviest network", t.Checkpoint)
	}
	if classes != s.Classes {
		t.note("%s: its classifier has %d classes: that of the heaviest network starts at random for %d", t.Checkpoint, classes, s.Classes)
	}
	return nil
}
