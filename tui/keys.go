package tui

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// binding is one line of the key table: what a key does, where, and how it is
// explained. Dispatch, the hint bar, the help screen and the palette are all
// made from this table.
type binding struct {
	id    string   // stable name, used in the keys file
	keys  []string // as Bubble Tea spells them
	group string   // heading on the help screen
	help  string   // what it does, for help and palette
	hint  string   // one or two words for the hint bar; "" keeps it off
	panes []paneID // where it works; nil is everywhere
	do    func(*App) tea.Cmd
}

// keyTable lists every action, in the order of the help screen. Hints are
// shown in this order, those of the focused pane first.
func keyTable() []binding {
	arch, plot := []paneID{paneArchitecture}, []paneID{paneFrontier}
	why, contributions := []paneID{paneWhy}, []paneID{paneContributions}
	return []binding{
		{"budget-down", []string{"left", "h"}, "Budget", "lower the budget by one step", "budget", nil, budgetStep(-1)},
		{"budget-up", []string{"right", "l"}, "Budget", "raise the budget by one step", "", nil, budgetStep(1)},
		{"budget-down-10", []string{"shift+left", "H"}, "Budget", "lower the budget by ten steps", "", nil, budgetStep(-10)},
		{"budget-up-10", []string{"shift+right", "L"}, "Budget", "raise the budget by ten steps", "", nil, budgetStep(10)},
		{"budget-least", []string{"home", "g"}, "Budget", "least reachable latency", "", nil, (*App).budgetLeast},
		{"budget-most", []string{"end", "G"}, "Budget", "latency above which nothing improves", "", nil, (*App).budgetMost},
		{"budget-previous", []string{","}, "Budget", "previous network of the frontier", "", nil, frontierStep(-1)},
		{"budget-next", []string{"."}, "Budget", "next network of the frontier", "", nil, frontierStep(1)},
		{"budget-enter", []string{"="}, "Budget", "type a budget (or just start with a digit)", "", nil, (*App).openEntry},

		{"pane-next", []string{"tab"}, "Panes", "next pane", "pane", nil, focusStep(1)},
		{"pane-previous", []string{"shift+tab"}, "Panes", "previous pane", "", nil, focusStep(-1)},
		{"up", []string{"up", "k"}, "Panes", "up in the focused pane", "", nil, cursorStep(-1)},
		{"down", []string{"down", "j"}, "Panes", "down in the focused pane", "", nil, cursorStep(1)},
		{"page-up", []string{"pgup"}, "Panes", "a page up", "", nil, cursorStep(-8)},
		{"page-down", []string{"pgdown"}, "Panes", "a page down", "", nil, cursorStep(8)},
		{"zoom", []string{"enter"}, "Panes", "the focused pane over the whole screen, and back", "zoom", nil, (*App).toggleZoom},
		{"back", []string{"esc"}, "Panes", "leave the zoom; close what is open", "", nil, (*App).back},
		{"show-architecture", []string{"A"}, "Panes", "go to the architecture", "", nil, focusOn(paneArchitecture)},
		{"show-sweep", []string{"W"}, "Panes", "go to the sweep: every decision over all budgets", "", nil, focusOn(paneSweep)},
		{"show-jobs", []string{"J"}, "Panes", "go to the jobs: what is running and what it found", "", nil, focusOn(paneJobs)},
		{"show-compare", []string{"V"}, "Panes", "go to the comparison: what differs", "", nil, focusOn(paneCompare)},
		{"show-limits", []string{"B"}, "Panes", "go to the limits: on parameters, MACs, memory, other devices", "", nil, focusOn(paneLimits)},
		{"show-explain", []string{"e"}, "Panes", "go to the explanation: every other choice, and where the space pays", "", nil, focusOn(paneExplain)},
		{"show-best", []string{"t"}, "Panes", "go to the best networks at this budget and how they differ", "", nil, focusOn(paneBest)},
		{"show-fit", []string{"F"}, "Panes", "go to the fit: predicted against measured accuracy", "", nil, focusOn(paneFit)},
		{"filter", []string{"/"}, "Panes", "filter the published networks by name", "filter", []paneID{panePublished}, (*App).openFilter},

		{"pin", []string{"space"}, "Pins", "pin or free the option or depth under the cursor", "pin", arch, (*App).togglePin},
		{"pin-expansion", []string{"E"}, "Pins", "pin or free only the block's expansion", "", arch, togglePinDimension(dimExpansion)},
		{"pin-kernel", []string{"K"}, "Pins", "pin or free only the block's kernel", "", arch, togglePinDimension(dimKernel)},
		{"pin-se", []string{"S"}, "Pins", "pin or free only the block's squeeze-excite", "", arch, togglePinDimension(dimSE)},
		{"pin-alternative", []string{"space"}, "Pins", "pin the alternative under the cursor instead", "pin this", why, (*App).pinAlternative},
		{"try-next", []string{"n"}, "Pins", "what if? pin the next option or depth here, and see what it costs", "what if", arch, tryStep(1)},
		{"try-previous", []string{"b"}, "Pins", "what if? pin the previous option or depth here", "", arch, tryStep(-1)},
		{"unpin-all", []string{"ctrl+u"}, "Pins", "free everything", "", nil, (*App).unpinAll},

		{"limit-add", []string{"n"}, "Limits", "add a limit", "add", []paneID{paneLimits}, (*App).addLimit},
		{"limit-edit", []string{"space"}, "Limits", "change the limit under the cursor", "change", []paneID{paneLimits}, (*App).editLimit},
		{"limit-remove", []string{"x"}, "Limits", "remove the limit under the cursor", "remove", []paneID{paneLimits}, (*App).removeLimit},
		{"explain-go", []string{"space"}, "Explain", "go to the decision under the cursor in the architecture", "go here", []paneID{paneExplain}, (*App).explainGo},
		{"best-compare", []string{"space"}, "Explain", "compare the network shown with the one under the cursor", "compare", []paneID{paneBest}, (*App).compareBest},

		{"hairline-go", []string{"space"}, "Frontier", "move the budget to the hairline", "go here", plot, (*App).budgetToHairline},
		{"play", []string{"w"}, "Sweep", "play the budget from left to right; again to stop", "play", nil, (*App).togglePlay},
		{"play-faster", []string{"+"}, "Sweep", "play faster", "", nil, changeSpeed(1)},
		{"play-slower", []string{"-"}, "Sweep", "play slower", "", nil, changeSpeed(-1)},
		{"sort", []string{"s"}, "Contributions", "sort by the next column", "sort", contributions, (*App).nextSort},
		{"published-go", []string{"space"}, "Published", "move the budget to this network's latency", "go here", []paneID{panePublished}, (*App).budgetToPublished},

		{"copy", []string{"y"}, "Result", "copy the architecture string", "copy", nil, (*App).copyArchitecture},
		{"copy-menu", []string{"Y"}, "Result", "choose what to copy: string, JSON, command line, timm definition", "", nil, (*App).openCopyMenu},
		{"compare", []string{"c"}, "Result", "compare with the network shown now; again to stop", "compare", nil, (*App).toggleCompare},
		{"compare-menu", []string{"C"}, "Result", "compare with a snapshot, a published network or another device's best", "", nil, (*App).openCompareMenu},
		{"snapshot", []string{"a"}, "Result", "keep the network shown under a name", "keep", nil, (*App).takeSnapshot},
		{"report", []string{"R"}, "Result", "write the session as a report: Markdown with the frontier as SVG", "", nil, (*App).openReport},
		{"optimizer", []string{"o"}, "Result", "switch optimiser: BCFW certified, IQCP, BCFW, evolution", "optimiser", nil, (*App).nextOptimizer},
		{"inactive", []string{"i"}, "Result", "skipped blocks: credited with the mean of their options, or free (paper)", "", nil, (*App).toggleInactive},
		{"undo", []string{"u"}, "Result", "undo the last change of budget, pins or setting", "undo", nil, (*App).undo},
		{"redo", []string{"ctrl+r"}, "Result", "redo", "", nil, (*App).redo},

		{"lut", []string{"d"}, "Data", "choose the device: another latency table", "device", nil, (*App).openLUTPicker},
		{"compare-devices", []string{"D"}, "Data", "compare this device with another: blocks, and best networks there", "", nil, (*App).openDeviceComparison},
		{"predictor", []string{"p"}, "Data", "choose another predictor", "predictor", nil, (*App).openPredictorPicker},
		{"profile", []string{"f"}, "Data", "choose a profile: space, table and predictor together", "", nil, (*App).openProfilePicker},

		{"measure", []string{"m"}, "Device", "measure this machine: the network shown, or a whole table", "measure", nil, (*App).openMeasure},
		{"on-device", []string{"O"}, "Device", "measure on this machine until a network keeps the budget there", "", nil, (*App).startOnDevice},
		{"method", []string{"M"}, "Device", "train and fit: the method's steps as jobs, from the data to a predictor", "train", nil, (*App).openMethod},
		{"job-open", []string{"space"}, "Device", "open what the job under the cursor has found", "open", []paneID{paneJobs}, (*App).openJob},
		{"cancel-job", []string{"X"}, "Device", "cancel what is running; what it has is kept", "", nil, (*App).cancelJob},
		{"pause-job", []string{"P"}, "Device", "pause the job under the cursor, or let it go on", "pause", []paneID{paneJobs}, (*App).pauseJob},
		{"resume-job", []string{"r"}, "Device", "start the job under the cursor again: it goes on where it was", "again", []paneID{paneJobs}, (*App).resumeJob},
		{"use-measured", []string{"U"}, "Device", "explore with the table or the predictor that a job made last", "", nil, (*App).useMeasured},

		{"tour", []string{"T"}, "Program", "the guided tour", "", nil, (*App).openTour},
		{"help", []string{"?"}, "Program", "this help", "help", nil, (*App).openHelp},
		{"palette", []string{":", "ctrl+p"}, "Program", "find any action by name", "", nil, (*App).openPalette},
		{"theme", []string{"ctrl+t"}, "Program", "next theme: dark, light, 16-colour, mono", "", nil, (*App).nextTheme},
		{"glyphs", []string{"ctrl+g"}, "Program", "next glyph set: braille, block, ASCII", "", nil, (*App).nextGlyphs},
		{"mouse", []string{"ctrl+x"}, "Program", "mouse on or off (off to select text)", "", nil, (*App).toggleMouse},
		{"suspend", []string{"ctrl+z"}, "Program", "suspend to the shell", "", nil, func(*App) tea.Cmd { return tea.Suspend }},
		{"quit", []string{"q", "ctrl+c"}, "Program", "quit", "quit", nil, (*App).quit},
	}
}

func (b binding) worksIn(p paneID) bool { return b.panes == nil || slices.Contains(b.panes, p) }

// overlaps reports whether there is a pane in which both work.
func (b binding) overlaps(other binding) bool {
	for p := range paneCount {
		if b.worksIn(p) && other.worksIn(p) {
			return true
		}
	}
	return false
}

// keymap is the key table with the user's changes, ready for look-up.
type keymap struct{ bindings []binding }

// newKeymap applies remaps, a JSON object from action to keys, to the table.
// Errors name an unknown action or two actions on one key.
func newKeymap(remaps []byte) (*keymap, error) {
	m := &keymap{keyTable()}
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
	changed := keyTable()
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

// find returns the binding of a key in a pane, or nil.
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

func (b binding) keyLabel(g *glyphs) string {
	var out []string
	for _, k := range b.keys {
		if name, ok := keyNames[k]; ok && g.name != "ascii" {
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
	for _, b := range a.keys.bindings {
		if b.id == id && len(b.keys) > 0 {
			return binding{keys: b.keys[:1]}.keyLabel(glyphSets[a.glyphs])
		}
	}
	return id
}
