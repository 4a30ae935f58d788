package tui

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// Drawing changes nothing: not what the screen shows, nor App, a pane or a dialog.
func TestDrawingChangesNothing(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.press("c", "shift+right") // something to compare with
	d.send(jobMsg(job.Snapshot{ID: 1, Name: "table", State: job.Running, Result: explore.PartialTable{}}))
	check := func(what string) {
		t.Helper()
		before := fingerprint(d.App)
		first := d.render()
		if after := fingerprint(d.App); after != before {
			t.Fatalf("%s: drawing changed\n%s", what, firstDifference(before, after))
		}
		if d.render() != first {
			t.Fatalf("%s: drawn once more it is another frame", what)
		}
	}
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}, {60, 16}} {
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		for _, id := range d.paneIDs() {
			d.setFocus(id) // not prepared yet
			check(fmt.Sprint(size, " ", id, ", not prepared"))
			d.press("down")
			check(fmt.Sprint(size, " ", id))
		}
		for _, key := range []string{"?", ":", "=", "d", "p", "f", "Y", "C", "R", "T", "m", "M"} {
			d.press(key)
			check(fmt.Sprint(size, " key ", key))
			d.press("esc")
		}
		for _, step := range steps.Steps() {
			d.run(d.openStep(step))
			check(fmt.Sprint(size, " ", step, ", first row"))
			f := d.dialog.(*stepForm)
			f.all, f.Row = true, 100 // more rows than most screens have, the cursor below them
			check(fmt.Sprint(size, " ", step, ", all parameters"))
			d.press("esc")
		}
		for _, open := range []dialog{&measurement{}, &verification{result: someCalibration()}, &devices{Comparison: &explore.Comparison{MedianRatio: 1}}, &onDevice{kept: explore.Kept{Engine: d.engine}}} {
			d.dialog = open
			check(fmt.Sprintf("%v %T", size, open))
			d.dialog = nil
		}
	}
	// The fingerprint tells what a pane could change.
	for what, change := range map[string]func(){
		"a cursor": func() { d.panes.why.row++ },
		"a cache":  func() { d.panes.contributions.table.most++ },
		"a slice":  func() { d.jobs[0].Log = append(d.jobs[0].Log, "x") },
		"a map":    func() { d.layout.panes[paneWhy] = cell.Rect{} },
		"a number": func() { d.solution.LatencyMS++ },
		"a result": func() { d.jobs[0].Result = explore.PartialTable{"x": latency.Measurement{}} },
	} {
		before := fingerprint(d.App)
		if change(); fingerprint(d.App) == before {
			t.Errorf("%s can change without notice", what)
		}
	}
}

// drawn are the fields of App that drawing is for.
var drawn = []string{"screen", "frame", "frames", "dirty"}

// fingerprint is the state of the explorer as text: all that belongs to this
// package, and of what belongs to others which it is.
func fingerprint(a *App) string {
	var w strings.Builder
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; !slices.Contains(drawn, name) {
			fmt.Fprintf(&w, "%s: ", name)
			writeState(&w, v.Field(i), map[uintptr]bool{reflect.ValueOf(a).Pointer(): true})
			w.WriteByte('\n')
		}
	}
	return w.String()
}

func writeState(w *strings.Builder, v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		fmt.Fprintf(w, "%#x ", v.Pointer())
		if !v.IsNil() && !seen[v.Pointer()] && strings.HasPrefix(v.Type().Elem().PkgPath(), reflect.TypeFor[App]().PkgPath()) {
			seen[v.Pointer()] = true
			writeState(w, v.Elem(), seen)
		}
	case reflect.Interface:
		if !v.IsNil() {
			writeState(w, v.Elem(), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			writeState(w, v.Field(i), seen)
		}
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(w, "[%d] ", v.Len())
		for i := range v.Len() {
			writeState(w, v.Index(i), seen)
		}
	case reflect.Map:
		var entries []string
		for _, k := range v.MapKeys() {
			var e strings.Builder
			writeState(&e, k, seen)
			writeState(&e, v.MapIndex(k), seen)
			entries = append(entries, e.String())
		}
		slices.Sort(entries)
		fmt.Fprint(w, entries)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		fmt.Fprintf(w, "%#x ", v.Pointer())
	default:
		fmt.Fprintf(w, "%v ", v)
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return "lengths"
}
