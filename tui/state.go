package tui

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
)

// State is what is kept from one start to the next.
type State struct {
	LimitMS  float64      `json:"limit_ms,omitempty"`
	LUT      string       `json:"lut,omitempty"`
	Limits   []StateLimit `json:"limits,omitempty"` // beside the budget
	Pane     int          `json:"pane,omitempty"`
	Sort     int          `json:"sort,omitempty"`
	Theme    string       `json:"theme,omitempty"`
	Glyphs   string       `json:"glyphs,omitempty"`
	MouseOff bool         `json:"mouse_off,omitempty"`
	TourSeen bool         `json:"tour_seen,omitempty"`
}

// StateLimit is a limit as State keeps it.
type StateLimit struct {
	Kind explore.LimitKind `json:"kind"`
	Cap  float64           `json:"cap"`
	LUT  string            `json:"lut,omitempty"` // of a limit on another device
}

// RestoreLimits sets the limits of the last start, as far as it explored the same
// table, with a bilinear predictor, and they can still be read; the error says of which that is not so.
func (s State) RestoreLimits(setup *explore.Setup) error {
	if _, ok := setup.Predictor.(*model.Bilinear); !ok || s.LUT != setup.LUTName {
		return nil
	}
	var failed error
	for _, k := range s.Limits {
		if k.Kind > explore.LimitMemory || !(k.Cap > 0) || (k.Kind == explore.LimitLatency) != (k.LUT != "") {
			continue
		}
		l := explore.Limit{Kind: k.Kind, Cap: k.Cap, LUTName: k.LUT}
		if k.LUT != "" {
			var err error
			if l.LUT, err = explore.LoadLUT(k.LUT); err == nil {
				_, err = l.LUT.Table(setup.Space)
			}
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("the limit on %s is left out: %w", k.LUT, err))
				continue
			}
		}
		setup.Limits = append(setup.Limits, l)
	}
	return failed
}

// statePath is $XDG_STATE_HOME/binas-tui/explorer.json.
func statePath() string { return filepath.Join(xdg.StateHome, "binas-tui", "explorer.json") }

// LoadState reads the state of the last start; the zero State where there is
// none or it cannot be read, since nothing depends on it.
func LoadState() State {
	var s State
	if data, err := os.ReadFile(statePath()); err == nil && len(data) < 1<<16 {
		if json.Unmarshal(data, &s) != nil {
			return State{}
		}
	}
	return s
}

// save writes the state.
func (s State) save() error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = safefile.Write(statePath(), append(data, '\n'))
	}
	return err
}

// LoadKeys reads the user's key table, $XDG_CONFIG_HOME/binas-tui/keys.json;
// nil where there is none.
func LoadKeys() []byte {
	data, err := os.ReadFile(filepath.Join(xdg.ConfigHome, "binas-tui", "keys.json"))
	if err != nil || len(data) > 1<<16 {
		return nil
	}
	return data
}

func (a *App) state() State {
	s := State{
		LimitMS: a.limitMS, LUT: a.engine.LUTName, Pane: int(a.focus), Sort: int(a.contrib.sort),
		Theme: themes[a.theme].name, Glyphs: glyphSets[a.glyphs].name, MouseOff: a.mouseOff, TourSeen: a.tourSeen,
	}
	for _, l := range a.engine.Limits {
		s.Limits = append(s.Limits, StateLimit{l.Kind, l.Cap, l.LUTName})
	}
	if noColour() && s.Theme == "mono" || a.plain {
		s.Theme = a.opts.State.Theme // it was not chosen
	}
	if a.plain {
		s.Glyphs = a.opts.State.Glyphs
	}
	return s
}
