package tui

import (
	"fmt"
	"strings"

	"github.com/binas-tui/binas-tui/model"
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

// optionNames are the options of a mask.
func (a *App) optionNames(mask uint64) []string {
	var out []string
	for i, o := range a.space().Options {
		if mask>>i&1 == 1 {
			out = append(out, optionWords(o.String()))
		}
	}
	return out
}
