package tui

import (
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
)

// Every parameter of every step is a field of its form, with the default of the
// table, and can be changed there, unless the table says why not.
func TestParametersAreFields(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.services.plan = func(t steps.Task) (steps.Plan, error) { return steps.Plan{Task: t}, nil }
	for _, step := range steps.Steps() {
		d.chooseStep(step)
		f := d.dialog.(*stepForm)
		f.all = true
		rows := f.rows(d.App)
		for _, v := range steps.New(step).Values() {
			i := slices.IndexFunc(rows, func(r formRow) bool { return r.Label == v.FormLabel() })
			switch {
			case v.NoForm != "" && i >= 0:
				t.Errorf("%s: %s is a field, though %s", step, v.FormLabel(), v.NoForm)
			case v.NoForm != "":
			case i < 0:
				t.Errorf("%s: no field %s", step, v.FormLabel())
			case rows[i].Edit == nil && rows[i].Step == nil:
				t.Errorf("%s: %s cannot be changed", step, v.FormLabel())
			case v.Key == "run" || v.Key == "data" || v.Key == "onnx": // the explorer's own beginning
			case rows[i].Value != sanitize.Line(v.Shown()):
				t.Errorf("%s: %s is %q, expected %q", step, v.FormLabel(), rows[i].Value, v.Shown())
			}
		}
		d.press("esc")
	}
}
