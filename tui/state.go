package tui

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// State is what is kept from one start to the next.
type State struct {
	LimitMS  float64      `json:"limit_ms,omitempty"`
	LUT      string       `json:"lut,omitempty"`
	Limits   []StateLimit `json:"limits,omitempty"` // beside the budget
	Pane     paneID       `json:"pane,omitempty"`   // with the focus
	Sort     int          `json:"sort,omitempty"`
	Theme    string       `json:"theme,omitempty"`
	Glyphs   string       `json:"glyphs,omitempty"`
	MouseOff bool         `json:"mouse_off,omitempty"`
	TourSeen bool         `json:"tour_seen,omitempty"`
}

// numberedPanes are the panes as the state counted them before it named them.
var numberedPanes = [...]paneID{
	paneArchitecture, paneFrontier, paneContributions, paneWhy, panePublished, paneSweep, paneCompare, paneJobs, paneLimits, paneExplain, paneBest, paneFit,
}

// UnmarshalJSON reads the name of a pane, or its number in an older file.
func (id *paneID) UnmarshalJSON(data []byte) error {
	var n int
	if json.Unmarshal(data, &n) == nil {
		if n >= 0 && n < len(numberedPanes) {
			*id = numberedPanes[n]
		}
		return nil
	}
	return json.Unmarshal(data, (*string)(id))
}

// StateLimit is a limit as State keeps it.
type StateLimit struct {
	Kind explore.LimitKind `json:"kind"`
	Cap  float64           `json:"cap"`
	LUT  string            `json:"lut,omitempty"` // of a limit on another device
}

// MaxLimits is how many limits there can be beside the budget.
const MaxLimits = solver.MaxLimits - 1

// RestoreLimits sets the limits of the last start, as far as it explored the same
// table, with a bilinear predictor, and they can still be read; notes say of which that is not so.
func (s State) RestoreLimits(setup *explore.Setup) (notes []string) {
	if _, ok := setup.Predictor.(*model.Bilinear); !ok || s.LUT != setup.LUTName {
		return nil
	}
	for _, k := range s.Limits {
		l := explore.Limit{Kind: k.Kind, Cap: k.Cap, LUTName: k.LUT}
		if k.LUT != "" {
			var err error
			if l.LUT, err = explore.LoadLUT(k.LUT); err == nil {
				_, err = l.LUT.Table(setup.Space)
			}
			if err != nil {
				notes = append(notes, fmt.Sprintf("the limit on %s is left out: %v", k.LUT, err))
				continue
			}
		}
		setup.Limits = append(setup.Limits, l)
	}
	return notes
}

// check reports what no start has left.
func (s State) check() error {
	if len(s.Limits) > MaxLimits {
		return fmt.Errorf("%d limits: expected at most %d", len(s.Limits), MaxLimits)
	}
	for _, k := range s.Limits {
		if int(k.Kind) >= len(explore.Resources) || !(k.Cap > 0) || (k.Kind == explore.LimitLatency) != (k.LUT != "") {
			return fmt.Errorf("a limit of kind %d, at most %v, on table %q: expected a kind of 0 to %d, more than 0, and a table with kind 0 alone",
				k.Kind, k.Cap, k.LUT, len(explore.Resources)-1)
		}
	}
	return nil
}

// maxOwnFile bounds the explorer's own files.
const maxOwnFile = 1 << 16

// statePath is $XDG_STATE_HOME/binas-tui/explorer.json.
func statePath() string { return filepath.Join(xdg.StateHome, "binas-tui", "explorer.json") }

// keysPath is $XDG_CONFIG_HOME/binas-tui/keys.json.
func keysPath() string { return filepath.Join(xdg.ConfigHome, "binas-tui", "keys.json") }

// ReadOwn reads the explorer's own files into the options: what the last start
// left, and the user's keys. Nothing depends on them: one that cannot be used
// is set aside, by renaming it, and Notes says so.
func (o *Options) ReadOwn() {
	var s State
	o.own("state of the last start", statePath(), func(data []byte) error {
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		return s.check()
	}, func([]byte) { o.State = s })
	o.own("keys file", keysPath(), func(data []byte) error {
		_, err := decodeKeys(data)
		return err
	}, func(data []byte) { o.Keys = data })
}

// own reads one file, without the byte order mark that an editor may have put
// in front, and uses it where it passes the check.
func (o *Options) own(what, name string, check func([]byte) error, use func([]byte)) {
	data, err := safefile.Read(name, maxOwnFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	damaged := err == nil || errors.Is(err, safefile.ErrNotRegular) || errors.Is(err, safefile.ErrTooLarge)
	if err == nil {
		data = sanitize.TrimBOM(data)
		if err = check(data); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	if err == nil {
		use(data)
		return
	}
	note := fmt.Sprintf("%s not used: %v", what, err)
	if damaged {
		aside := name + time.Now().Format(".damaged-20060102-150405.000")
		if err := os.Rename(name, aside); err != nil {
			note += fmt.Sprintf("; it cannot be set aside: %v", err)
		} else {
			note += "; set aside as " + filepath.Base(aside)
		}
	}
	o.Notes = append(o.Notes, sanitize.Line(note))
}

// save writes the state.
func (s State) save() error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = safefile.Write(statePath(), append(data, '\n'))
	}
	return err
}

func (a *App) state() State {
	s := State{
		LimitMS: a.limitMS, LUT: a.engine.LUTName, Pane: a.focus, Sort: int(a.panes.contributions.sort),
		Theme: cell.Themes[a.theme].Name, Glyphs: a.glyphSet().Name, MouseOff: a.mouseOff, TourSeen: a.tourSeen,
	}
	for _, l := range a.engine.Limits {
		s.Limits = append(s.Limits, StateLimit{l.Kind, l.Cap, l.LUTName})
	}
	if a.opts.ASCII && s.Glyphs == "ascii" { // of the locale, not chosen
		s.Glyphs = a.opts.State.Glyphs
	}
	if !a.themeChosen || noColour() && s.Theme == "mono" || a.plain {
		s.Theme = a.opts.State.Theme // it was not chosen
	}
	if a.plain {
		s.Glyphs = a.opts.State.Glyphs
	}
	return s
}
