package tui

import (
	"fmt"
	"slices"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// decision is one of those that make a network: the depth of a stage, or the option
// of a block.
type decision struct {
	stage int
	block int // stage-major index; -1 is the depth of the stage
}

// numDecisions is how many the space has, those of blocks that are off included.
func (a *App) numDecisions() int { return len(a.space().Stages) * (1 + a.space().MaxDepth) }

// decision is the one of a number: stage by stage, the depth before the blocks.
func (a *App) decision(i int) decision {
	stage, k := i/(1+a.space().MaxDepth), i%(1+a.space().MaxDepth)
	if k == 0 {
		return decision{stage, -1}
	}
	return decision{stage, stage*a.space().MaxDepth + k - 1}
}

// decisions are those of the network shown: blocks that are off are left out.
func (a *App) decisions() []decision {
	if !a.hasSolution() {
		return nil
	}
	out := make([]decision, 0, 25)
	for s, depth := range a.solution.Path.Depth {
		out = append(out, decision{s, -1})
		for k := range depth {
			out = append(out, decision{s, s*a.space().MaxDepth + k})
		}
	}
	return out
}

// choice is what a path has for a decision: a depth, or the index of an option.
func (d decision) choice(p model.Path) int {
	if d.block < 0 {
		return p.Depth[d.stage]
	}
	return p.Option[d.block]
}

// free is the choice of a decision that is not pinned.
const free = -1

// hold pins a decision at a choice, or frees it.
func (d decision) hold(p *solver.Pins, choice int) {
	switch {
	case d.block < 0:
		p.Depth[d.stage] = max(choice, 0)
	case choice == free:
		p.Allowed[d.block] = 0
	default:
		p.Allowed[d.block] = 1 << choice
	}
}

// pinned reports that a decision is held, or some of its options are.
func (a *App) pinned(d decision) bool {
	p := a.setup.Pins
	if d.block < 0 {
		return len(p.Depth) > 0 && p.Depth[d.stage] != 0
	}
	return len(p.Allowed) > 0 && p.Allowed[d.block] != 0
}

// codeOff marks a block that is switched off.
const codeOff = '.'

// optionCode is the letter of an option, readable without colour: abc for the
// expansions with the small kernel, xyz with the large one, capitals with
// squeeze-excite.
func optionCode(space *model.Space, option int) byte {
	o := space.Options[option]
	wider, larger := 0, false
	for _, other := range space.Options {
		if other.Kernel == o.Kernel && other.SERatio == o.SERatio && other.Expansion < o.Expansion {
			wider++
		}
		larger = larger || other.Kernel < o.Kernel
	}
	code := byte('a' + wider)
	if larger {
		code = byte('x' + wider)
	}
	if o.SERatio > 0 {
		code -= 'a' - 'A'
	}
	return code
}

// optionLegend says what the letters are, shorter where w cells are too few.
func optionLegend(space *model.Space, w int) string {
	legend := func(option, between, se string) string {
		out := ""
		for i, o := range space.Options {
			if o.SERatio == 0 {
				out += fmt.Sprintf(option, optionCode(space, i), o.Kernel, o.Expansion) + between
			}
		}
		return out + se + between + ". off"
	}
	if full := legend("%c k%d e%g", "  ", "CAPITAL with se"); len(full) <= w {
		return full
	}
	return legend("%c k%de%g", " ", "CAPS se")
}

// heatCell is how the letter of a decision looks in a heat map: the hue is the kernel,
// the lightness the expansion, a mark squeeze-excite. Without colours for it, and in
// ASCII, it is the letter.
func heatCell(t *cell.Theme, g *cell.Glyphs, code byte) (st uv.Style, content string) {
	lower := code | 0x20
	switch {
	case !heated(t, g) && code == codeOff:
		return t.Dim, letters[code]
	case !heated(t, g) && (lower == 'a' || lower == 'x'):
		return t.Text, letters[code]
	case !heated(t, g):
		return t.Strong, letters[code]
	case code == codeOff:
		return t.Text, " "
	case code >= '0' && code <= '9':
		return t.Depths[min(max(int(code)-'2', 0), len(t.Depths)-1)], letters[code]
	}
	if content = " "; code < 'a' {
		content = g.Pinned
	}
	if lower >= 'x' {
		return t.Kernels[1][lower-'x'], content
	}
	return t.Kernels[0][min(int(lower-'a'), 2)], content
}

// heated reports that heat maps have colours.
func heated(t *cell.Theme, g *cell.Glyphs) bool {
	return t.Kernels[0][0].Bg != nil && g.Name != "ascii"
}

// drawOptionLegend says what the cells of a heat map are, or the letters.
func drawOptionLegend(s *cell.Screen, space *model.Space, x, y, w int) {
	if !heated(s.Theme, s.Glyphs) {
		s.Text(x, y, w, s.Theme.Dim, optionLegend(space, w))
		return
	}
	end := x + w
	for i, first := range space.Options {
		if first.SERatio > 0 || slices.ContainsFunc(space.Options[:i], func(o model.Option) bool { return o.Kernel == first.Kernel }) {
			continue // its kernel was there
		}
		x += 1 + s.Text(x+1, y, end-x-1, s.Theme.Text, fmt.Sprintf("k%d ", first.Kernel))
		for k, o := range space.Options {
			if o.Kernel == first.Kernel && o.SERatio == 0 {
				st, _ := heatCell(s.Theme, s.Glyphs, optionCode(space, k))
				x += s.Text(x, y, end-x, st, fmt.Sprintf(" e%g ", o.Expansion))
			}
		}
	}
	s.Text(x, y, end-x, s.Theme.Text, "  "+s.Glyphs.Pinned+" with SE, blank is off")
}

// code is the letter or digit of a decision of a path.
func (d decision) code(space *model.Space, p model.Path) byte {
	switch {
	case d.block < 0:
		return byte('0' + p.Depth[d.stage])
	case !space.Active(p, d.block):
		return codeOff
	}
	return optionCode(space, p.Option[d.block])
}

// of is a decision of a path in words.
func (d decision) of(space *model.Space, p model.Path) string {
	switch {
	case d.block < 0:
		return fmt.Sprintf("depth %d", p.Depth[d.stage])
	case !space.Active(p, d.block):
		return "off"
	}
	return space.Options[p.Option[d.block]].String()
}

// label names a decision: "stage 2", or "2.1" for a block of it.
func (d decision) label(space *model.Space) string {
	if d.block < 0 {
		return fmt.Sprintf("stage %d", d.stage+1)
	}
	return fmt.Sprintf("%d.%d", d.stage+1, d.block%space.MaxDepth)
}

// optionWords writes an option without the dot for "no squeeze-excite".
func optionWords(s string) string { return strings.TrimSuffix(s, " ·") }

func (a *App) optionNames(mask uint64) []string {
	var out []string
	for i, o := range a.space().Options {
		if mask>>i&1 == 1 {
			out = append(out, optionWords(o.String()))
		}
	}
	return out
}
