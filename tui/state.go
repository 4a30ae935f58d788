package tui

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/explore"
)

// State is what is kept from one start to the next.
type State struct {
	LimitMS  float64 `json:"limit_ms,omitempty"`
	LUT      string  `json:"lut,omitempty"`
	Pane     int     `json:"pane,omitempty"`
	Sort     int     `json:"sort,omitempty"`
	Theme    string  `json:"theme,omitempty"`
	Glyphs   string  `json:"glyphs,omitempty"`
	MouseOff bool    `json:"mouse_off,omitempty"`
	TourSeen bool    `json:"tour_seen,omitempty"`
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
		err = explore.WriteFile(statePath(), append(data, '\n'))
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
	if noColour() && s.Theme == "mono" || a.plain {
		s.Theme = a.opts.State.Theme // it was not chosen
	}
	if a.plain {
		s.Glyphs = a.opts.State.Glyphs
	}
	return s
}
