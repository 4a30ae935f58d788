package pickle

import (
	"fmt"
	"slices"
	"strings"
)

// Checkpoint is the state dict of a torch file.
type Checkpoint struct {
	Tensors []Tensor // in the order of the file
	// From is the entry that holds the state dict, such as state_dict_ema; "" where
	// the file is the state dict.
	From string
	// Others are entries that hold another state dict, which was not taken.
	Others []string
	// LeftOut are entries of the state dict that are no tensors, with their types.
	LeftOut []string
}

// Tensor is one entry of a state dict.
type Tensor struct {
	Name   string // without the prefixes that [TrimWrappers] takes off
	Shape  []int
	DType  string    // torch's name without the module: float32, int64, ...
	Values []float64 // row-major; integers beyond 2^53 are rounded
}

// wrapped are the entries in which training programs keep a state dict, averaged
// weights first: a program that has them validates with them.
var wrapped = []string{"state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "net"}

// maxWrapped bounds how deep they are looked for.
const maxWrapped = 3

// wrappers are the prefixes that wrapped models leave in the names of tensors:
// DataParallel's, torch.compile's and PyTorch Lightning's.
var wrappers = []string{"module.", "_orig_mod.", "model."}

// TrimWrappers takes the prefixes of wrapped models off the name of a tensor.
func TrimWrappers(name string) string {
	for {
		i := slices.IndexFunc(wrappers, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if i < 0 {
			return name
		}
		name = name[len(wrappers[i]):]
	}
}

// DecodeTorch reads a file that torch.save wrote, either the zip format of
// torch 1.6 and later or the older one, and returns the state dict in it: the file
// itself or the first of state_dict_ema, model_ema, state_dict,
// model_state_dict, model and net that holds tensors. Tensors may be views and
// parameters; whatever else is in the file does no harm.
//
// Nothing is executed; see [ErrForbidden], [ErrMalformed] and [ErrTooLarge].
func DecodeTorch(data []byte) (Checkpoint, error) {
	root, f, err := openTorch(data)
	if err == nil {
		var c Checkpoint
		if c, err = f.checkpoint(root); err == nil {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("torch file: %w", err)
}

func (f *torchFile) checkpoint(root any) (c Checkpoint, err error) {
	entries, err := Entries(root)
	if err != nil {
		return c, fmt.Errorf("%w (of tensors, as torch.save(model.state_dict(), file) writes it)", err)
	}
	state, from, others := stateDict(root, maxWrapped)
	if state == nil {
		return c, noStateDict(entries)
	}
	c.From, c.Others = from, others
	seen := map[string]bool{}
	for _, e := range state {
		t := Tensor{Name: TrimWrappers(e.Key)}
		switch v := e.Value.(type) {
		case *view:
			if t.Name == "n_averaged" { // a counter of torch.optim.swa_utils.AveragedModel
				continue
			}
			if v.storage == nil { // an array of objects
				break
			}
			if err := f.read(&t, v); err != nil {
				return c, fmt.Errorf("tensor %q: %w", clip(e.Key), err)
			}
		case *object:
			if v.remedy != "" {
				return c, fmt.Errorf("%w: entry %q is a %s: %s", ErrForbidden, clip(e.Key), TypeName(v), v.remedy)
			}
		}
		if t.Shape == nil {
			c.LeftOut = append(c.LeftOut, fmt.Sprintf("%s (%s)", clip(e.Key), TypeName(e.Value)))
			continue
		}
		if seen[t.Name] {
			return c, malformed("tensor %q is there with and without a prefix such as \"module.\"", clip(t.Name))
		}
		seen[t.Name] = true
		c.Tensors = append(c.Tensors, t)
	}
	return c, nil
}

// stateDict finds the dict of tensors in v, its name, and those beside it.
func stateDict(v any, depth int) (state []Entry, from string, others []string) {
	entries, err := Entries(v)
	if err != nil {
		return nil, "", nil
	}
	for _, name := range wrapped {
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Key == name })
		if i < 0 || depth == 0 {
			continue
		}
		inner, way, more := stateDict(entries[i].Value, depth-1)
		switch {
		case inner == nil:
		case state == nil:
			state, from, others = inner, strings.TrimSuffix(name+"."+way, "."), more
		default:
			others = append(others, name)
		}
	}
	if state != nil {
		return state, from, others
	}
	for _, e := range entries {
		if _, ok := e.Value.(*view); ok {
			return entries, "", nil
		}
		if o, ok := e.Value.(*object); ok && o.remedy != "" {
			return entries, "", nil
		}
	}
	return nil, "", nil
}

// noStateDict says what a file holds instead.
func noStateDict(entries []Entry) error {
	var found []string
	for _, e := range entries[:min(len(entries), 8)] {
		found = append(found, fmt.Sprintf("%.40q (%.60s)", clip(e.Key), TypeName(e.Value)))
	}
	return malformed("no tensors among its %d entries %s: expected a state dict, or one under %s; torch.save(model.state_dict(), file) writes it",
		len(entries), strings.Join(found, ", "), strings.Join(wrapped, ", "))
}

// read fills in a tensor.
func (f *torchFile) read(t *Tensor, v *view) error {
	b, count, err := v.open(f.room)
	if err != nil {
		return err
	}
	f.room -= count
	t.Shape, t.DType = v.shape, v.elem.name
	if count > 0 {
		t.Values = make([]float64, 0, count)
		v.each(b, count, func(bits uint64) { t.Values = append(t.Values, v.elem.float(bits)) })
	}
	return nil
}
