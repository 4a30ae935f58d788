package tui

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// action is one line of the key table: what a key does and how it is explained.
// Dispatch, the hint bar, the help screen and the palette are all made from this
// table.
type action struct {
	id    string   // stable name, used in the keys file
	keys  []string // as Bubble Tea spells them
	group string   // heading on the help screen
	help  string   // what it does, for help and palette
	hint  string   // one or two words for the hint bar; "" keeps it off
	do    func(*App) tea.Cmd
}

// binding is an action and where it works.
type binding struct {
	action
	pane paneID // "" is everywhere
}

// keyGroups are the headings of the help screen, in its order.
var keyGroups = []string{"Budget", "Panes", "Pins", "Limits", "Explain", "Frontier", "Sweep", "Contributions", "Published", "Result", "Data", "Device", "Program"}

// keyTable lists every action, those of panes too, in the order of the help screen.
// Hints are shown in this order, those of the focused pane first.
func keyTable(p panes) []binding {
	var table []binding
	for _, act := range generalKeys() {
		table = append(table, binding{act, ""})
	}
	for _, pane := range p.inOrder {
		c := pane.info()
		if c.key != "" {
			table = append(table, binding{action{"show-" + string(c.id), []string{c.key}, "Panes", c.help, "", focusOn(c.id)}, ""})
		}
		for _, act := range pane.keys() {
			table = append(table, binding{act, c.id})
		}
	}
	slices.SortStableFunc(table, func(a, b binding) int {
		return slices.Index(keyGroups, a.group) - slices.Index(keyGroups, b.group)
	})
	return table
}

// generalKeys are the actions that work in every pane.
func generalKeys() []action {
	return []action{
		{"budget-down", []string{"left", "h"}, "Budget", "lower the budget by one step", "budget", budgetStep(-1)},
		{"budget-up", []string{"right", "l"}, "Budget", "raise the budget by one step", "", budgetStep(1)},
		{"budget-down-10", []string{"shift+left", "H"}, "Budget", "lower the budget by ten steps", "", budgetStep(-10)},
		{"budget-up-10", []string{"shift+right", "L"}, "Budget", "raise the budget by ten steps", "", budgetStep(10)},
		{"budget-least", []string{"home"}, "Budget", "least reachable latency", "", (*App).budgetLeast},
		{"budget-most", []string{"end"}, "Budget", "latency above which nothing improves", "", (*App).budgetMost},
		{"budget-previous", []string{","}, "Budget", "previous network of the frontier", "", frontierStep(-1)},
		{"budget-next", []string{"."}, "Budget", "next network of the frontier", "", frontierStep(1)},
		{"budget-enter", []string{"="}, "Budget", "type a budget (or just start with a digit)", "", (*App).openEntry},

		{"pane-next", []string{"tab"}, "Panes", "next pane", "pane", focusStep(1)},
		{"pane-previous", []string{"shift+tab"}, "Panes", "previous pane", "", focusStep(-1)},
		{"up", []string{"up", "k"}, "Panes", "up in the focused pane", "", cursorStep(-1)},
		{"down", []string{"down", "j"}, "Panes", "down in the focused pane", "", cursorStep(1)},
		{"page-up", []string{"pgup"}, "Panes", "a page up", "", pageStep(-1)},
		{"page-down", []string{"pgdown"}, "Panes", "a page down", "", pageStep(1)},
		{"first-row", []string{"g"}, "Panes", "first row of the focused pane", "", cursorStep(-farAway)},
		{"last-row", []string{"G"}, "Panes", "last row of the focused pane", "", cursorStep(farAway)},
		{"zoom", []string{"z"}, "Panes", "the focused pane over the whole screen, and back", "zoom", (*App).toggleZoom},
		{"back", []string{"esc"}, "Panes", "one level back: stop playing, leave filter, hairline or zoom", "", (*App).back},

		{"unpin-all", []string{"ctrl+u"}, "Pins", "free everything", "", (*App).unpinAll},

		{"play", []string{"w"}, "Sweep", "play the budget from left to right; again to stop", "play", (*App).togglePlay},
		{"play-faster", []string{"+"}, "Sweep", "play faster", "", changeSpeed(1)},
		{"play-slower", []string{"-"}, "Sweep", "play slower", "", changeSpeed(-1)},

		{"copy", []string{"y"}, "Result", "copy the architecture string", "copy", (*App).copyArchitecture},
		{"copy-menu", []string{"Y"}, "Result", "choose what to copy: string, JSON, command line, timm definition", "", (*App).openCopyMenu},
		{"inspect", []string{"I"}, "Result", "inspect a network: paste its architecture or name a published one", "", (*App).openInspect},
		{"export", []string{"N"}, "Result", "write the network shown as an ONNX file", "export", func(a *App) tea.Cmd { return a.openStep(steps.Export) }},
		{"compare", []string{"c"}, "Result", "compare with the network shown now; again to stop", "compare", (*App).toggleCompare},
		{"compare-menu", []string{"C"}, "Result", "compare with a snapshot, a published network or another device's best", "", (*App).openCompareMenu},
		{"snapshot", []string{"a"}, "Result", "keep the network shown under a name", "keep", (*App).takeSnapshot},
		{"report", []string{"R"}, "Result", "write the session: Markdown, a picture and a page to send (HTML)", "", (*App).openReport},
		{"optimizer", []string{"o"}, "Result", "switch optimiser: BCFW certified, IQCP, BCFW, evolution", "optimiser", (*App).nextOptimizer},
		{"inactive", []string{"i"}, "Result", "skipped blocks: credited with the mean of their options, or free (paper)", "", (*App).toggleInactive},
		{"undo", []string{"u"}, "Result", "undo the last change: of the budget, pins, device or any other", "undo", (*App).undo},
		{"redo", []string{"ctrl+r"}, "Result", "redo", "", (*App).redo},

		{"lut", []string{"d"}, "Data", "choose the device: another latency table", "device", (*App).openLUTPicker},
		{"compare-devices", []string{"D"}, "Data", "compare this device with another: blocks, and best networks there", "", (*App).openDeviceComparison},
		{"predictor", []string{"p"}, "Data", "choose another predictor", "predictor", (*App).openPredictorPicker},
		{"profile", []string{"f"}, "Data", "choose a profile: space, table and predictor together", "", (*App).openProfilePicker},

		{"measure", []string{"m"}, "Device", "measure this machine: the network shown, or a whole table", "measure", (*App).openMeasure},
		{"on-device", []string{"O"}, "Device", "measure on the table's device until a network keeps the budget there", "", (*App).startOnDevice},
		{"method", []string{"M"}, "Device", "train and fit: the method's steps as jobs, from the data to a predictor", "train", (*App).openMethod},
		{"cancel-job", []string{"X"}, "Device", "cancel what is running; what it has is kept", "", (*App).cancelJob},
		{"use-measured", []string{"U"}, "Device", "explore with the table or the predictor that a job made last", "", (*App).useMeasured},

		{"tour", []string{"T"}, "Program", "the guided tour", "", (*App).openTour},
		{"help", []string{"?"}, "Program", "this help", "help", (*App).openHelp},
		{"palette", []string{":", "ctrl+p"}, "Program", "find any action by name", "", (*App).openPalette},
		{"theme", []string{"ctrl+t"}, "Program", "next theme: dark, light, 16-colour, mono", "", (*App).nextTheme},
		{"glyphs", []string{"ctrl+g"}, "Program", "next glyph set: braille, block, ASCII", "", (*App).nextGlyphs},
		{"mouse", []string{"ctrl+x"}, "Program", "mouse on or off (off to select text)", "", (*App).toggleMouse},
		{"suspend", []string{"ctrl+z"}, "Program", "suspend to the shell", "", func(*App) tea.Cmd { return tea.Suspend }},
		{"quit", []string{"q", "ctrl+c"}, "Program", "quit", "quit", (*App).quit},
	}
}

func (b binding) worksIn(p paneID) bool { return b.pane == "" || b.pane == p }

// overlaps reports whether there is a pane in which both work.
func (b binding) overlaps(other binding) bool { return b.pane == "" || other.worksIn(b.pane) }

// keymap is the key table with the user's changes, ready for look-up.
type keymap struct{ bindings []binding }

// newKeymap applies remaps, a JSON object from action to keys, to the table.
// Errors name an unknown action or two actions on one key.
func newKeymap(p panes, remaps []byte) (*keymap, error) {
	m := &keymap{keyTable(p)}
	if len(remaps) == 0 {
		return m, nil
	}
	changes, err := decodeKeys(remaps)
	if err != nil {
		return m, fmt.Errorf("keys file: %w", err)
	}
	ids := make([]string, 0, len(changes))
	for id := range changes {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	changed := slices.Clone(m.bindings)
	for _, id := range ids {
		i := slices.IndexFunc(changed, func(b binding) bool { return b.id == id })
		if i < 0 {
			return m, fmt.Errorf("keys file: unknown action %q", id)
		}
		changed[i].keys = changes[id]
	}
	if clash := clashes(changed); clash != "" {
		return m, fmt.Errorf("keys file: %s", clash)
	}
	return &keymap{changed}, nil
}

// decodeKeys reads the remaps of a keys file.
func decodeKeys(data []byte) (changes map[string][]string, err error) {
	if err := json.Unmarshal(data, &changes); err != nil {
		return nil, fmt.Errorf("%w: expected an object such as {\"budget-up\": [\"right\"]}", err)
	}
	return changes, nil
}

// clashes describes the first key that two actions share where both work.
func clashes(bindings []binding) string {
	for i, a := range bindings {
		for _, b := range bindings[i+1:] {
			for _, k := range a.keys {
				if a.overlaps(b) && slices.Contains(b.keys, k) {
					return fmt.Sprintf("key %q is both %s and %s", k, a.id, b.id)
				}
			}
		}
	}
	return ""
}

func (m *keymap) find(key string, pane paneID) *binding {
	for i := range m.bindings {
		if b := &m.bindings[i]; b.worksIn(pane) && slices.Contains(b.keys, key) {
			return b
		}
	}
	return nil
}

// keyNames are the keys whose name on screen differs from Bubble Tea's.
var keyNames = map[string]string{
	"left": "←", "right": "→", "up": "↑", "down": "↓", "shift+left": "⇧←", "shift+right": "⇧→",
}

func keyLabel(keys []string, g *cell.Glyphs) string {
	var out []string
	for _, k := range keys {
		if name, ok := keyNames[k]; ok && g.Name != "ascii" {
			k = name
		}
		out = append(out, k)
	}
	return strings.Join(out, " ")
}

// keyOf is the key of an action, for texts that tell what to do next.
func (a *App) keyOf(id string) string {
	if a.plain {
		return id // in the plain mode actions are called by name
	}
	if keys := a.keys.keysOf(id); len(keys) > 0 {
		return keyLabel(keys[:1], a.glyphSet())
	}
	return id
}

// keysOf are the keys of an action; none where there is no such action.
func (m *keymap) keysOf(id string) []string {
	for _, b := range m.bindings {
		if b.id == id {
			return b.keys
		}
	}
	return nil
}
