package model

import (
	"fmt"
	"strconv"
	"strings"
)

// BlockType is the first letter code of a block.
type BlockType uint8

// The block types of the string form.
const (
	InvertedResidual BlockType = iota // "ir": expand 1x1, depthwise, project 1x1
	DepthwiseSep                      // "ds": depthwise, project 1x1
	DepthwiseSepAct                   // "dsa": ds with an activation after the 1x1
	ConvBNAct                         // "cn": convolution, BN, activation
)

var blockTypeCodes = [...]string{"ir", "ds", "dsa", "cn"}

// String returns the letter code.
func (t BlockType) String() string {
	if int(t) < len(blockTypeCodes) {
		return blockTypeCodes[t]
	}
	return "block(" + strconv.Itoa(int(t)) + ")"
}

// BlockCode is one entry of an architecture string, for example
// ir_r1_k5_s2_e3_c24_nre_se0.25.
type BlockCode struct {
	Type       BlockType
	Repeats    int // identical blocks in sequence; only the first has the stride
	Kernel     int
	Stride     int
	Expansion  float64 // of ir, ds and dsa; 1 for cn
	Channels   int     // output width
	SERatio    float64 // 0 is off
	Activation Activation
}

// String formats the code in the order BINAS writes it.
func (b BlockCode) String() string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s_r%d_k%d_s%d", b.Type, b.Repeats, b.Kernel, b.Stride)
	if b.Type != ConvBNAct {
		w.WriteString("_e" + formatFloat(b.Expansion))
	}
	fmt.Fprintf(&w, "_c%d", b.Channels)
	if b.Activation != HSwish {
		w.WriteString("_n" + b.Activation.String())
	}
	if b.SERatio > 0 {
		w.WriteString("_se" + formatFloat(b.SERatio))
	}
	return w.String()
}

// Architecture is a network as its string says it: a list of stages, each a
// list of blocks. Stem and head are implied.
type Architecture [][]BlockCode

// String formats the architecture as a Python list of lists.
func (a Architecture) String() string {
	var w strings.Builder
	w.WriteByte('[')
	for i, stage := range a {
		if i > 0 {
			w.WriteString(", ")
		}
		w.WriteByte('[')
		for j, block := range stage {
			if j > 0 {
				w.WriteString(", ")
			}
			w.WriteString("'" + block.String() + "'")
		}
		w.WriteByte(']')
	}
	w.WriteByte(']')
	return w.String()
}

// Bounds of what ParseArchitecture accepts: far above any network of the
// field, and low enough that costs cannot overflow.
const (
	maxArchitectureText = 1 << 16
	maxBlocks           = 256
	maxChannels         = 1 << 14
)

// ParseArchitecture reads an architecture string: a Python list of lists of
// block codes with single or double quotes. Errors name the position or the
// block and what was expected there.
func ParseArchitecture(s string) (Architecture, error) {
	if len(s) > maxArchitectureText {
		return nil, fmt.Errorf("architecture string of %d bytes: expected at most %d", len(s), maxArchitectureText)
	}
	p := listParser{text: s}
	arch, err := p.architecture()
	if err != nil {
		return nil, fmt.Errorf("architecture string: %w", err)
	}
	return arch, nil
}

// listParser reads [['code', ...], ...].
type listParser struct {
	text string
	pos  int
}

func (p *listParser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *listParser) peek() byte {
	p.space()
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *listParser) take(c byte) error {
	if p.peek() != c {
		found := "the end"
		if p.pos < len(p.text) {
			found = strconv.QuoteRune(rune(p.text[p.pos]))
		}
		return fmt.Errorf("position %d: found %s, expected %q", p.pos, found, c)
	}
	p.pos++
	return nil
}

// list reads '[' item (',' item)* [','] ']'.
func (p *listParser) list(item func() error) error {
	if err := p.take('['); err != nil {
		return err
	}
	for p.peek() != ']' {
		if err := item(); err != nil {
			return err
		}
		if p.peek() == ',' {
			p.pos++
			continue
		}
		break
	}
	return p.take(']')
}

func (p *listParser) architecture() (Architecture, error) {
	var arch Architecture
	blocks := 0
	err := p.list(func() error {
		var stage []BlockCode
		err := p.list(func() error {
			code, err := p.quoted()
			if err != nil {
				return err
			}
			block, err := ParseBlockCode(code)
			if err != nil {
				return err
			}
			if blocks += block.Repeats; blocks > maxBlocks {
				return fmt.Errorf("more than %d blocks", maxBlocks)
			}
			stage = append(stage, block)
			return nil
		})
		if err == nil && len(stage) == 0 {
			err = fmt.Errorf("stage %d has no blocks", len(arch))
		}
		arch = append(arch, stage)
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.peek() != 0 || p.pos < len(p.text) {
		return nil, fmt.Errorf("position %d: text after the closing bracket", p.pos)
	}
	if len(arch) == 0 {
		return nil, fmt.Errorf("no stages")
	}
	return arch, nil
}

func (p *listParser) quoted() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.take('\'')
	}
	end := strings.IndexByte(p.text[p.pos+1:], quote)
	if end < 0 {
		return "", fmt.Errorf("position %d: quote is not closed", p.pos)
	}
	code := p.text[p.pos+1 : p.pos+1+end]
	p.pos += end + 2
	return code, nil
}

// ParseBlockCode reads one block code. Letters after the type may come in any
// order, each at most once; r, s and e default to 1, k to 3, n to h-swish and
// se to off; c is required.
func ParseBlockCode(code string) (BlockCode, error) {
	fields := strings.Split(code, "_")
	b := BlockCode{Repeats: 1, Kernel: 3, Stride: 1, Expansion: 1}
	known := false
	for i, name := range blockTypeCodes {
		if fields[0] == name {
			b.Type, known = BlockType(i), true
		}
	}
	if !known {
		return b, fmt.Errorf("block %q: type %q: expected ir, ds, dsa or cn", code, fields[0])
	}
	seen := map[string]bool{}
	for _, f := range fields[1:] {
		letter, value := f, ""
		for _, l := range []string{"se", "r", "k", "s", "e", "c", "n"} {
			if v, ok := strings.CutPrefix(f, l); ok {
				letter, value = l, v
				break
			}
		}
		if seen[letter] {
			return b, fmt.Errorf("block %q: %q is given twice", code, letter)
		}
		seen[letter] = true
		if err := b.set(letter, value); err != nil {
			return b, fmt.Errorf("block %q: %w", code, err)
		}
	}
	switch {
	case !seen["c"]:
		return b, fmt.Errorf("block %q: no output channels (cN)", code)
	case b.Type == ConvBNAct && (seen["e"] || seen["se"]):
		return b, fmt.Errorf("block %q: a cn block has neither e nor se", code)
	}
	return b, nil
}

func (b *BlockCode) set(letter, value string) error {
	whole := func(dst *int, high int) error {
		v, err := strconv.Atoi(value)
		if err != nil || v < 1 || v > high || strconv.Itoa(v) != value {
			return fmt.Errorf("%s%s: expected a whole number from 1 to %d", letter, value, high)
		}
		*dst = v
		return nil
	}
	real := func(dst *float64, low, high float64) error {
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || !(v >= low && v <= high) {
			return fmt.Errorf("%s%s: expected a number from %v to %v", letter, value, low, high)
		}
		*dst = v
		return nil
	}
	switch letter {
	case "r":
		return whole(&b.Repeats, maxBlocks)
	case "k":
		if err := whole(&b.Kernel, 31); err != nil {
			return err
		}
		if b.Kernel%2 == 0 {
			return fmt.Errorf("k%s: expected an odd kernel", value)
		}
		return nil
	case "s":
		return whole(&b.Stride, 9)
	case "e":
		return real(&b.Expansion, 0.125, 64)
	case "c":
		return whole(&b.Channels, maxChannels)
	case "se":
		return real(&b.SERatio, 0, 1)
	case "n":
		for _, a := range []Activation{HSwish, ReLU, ReLU6, Swish} {
			if value == a.String() {
				b.Activation = a
				return nil
			}
		}
		return fmt.Errorf("n%s: expected nre, nr6, nhs or nsw", value)
	}
	return fmt.Errorf("unknown letter code %q: expected r, k, s, e, c, se or n", letter)
}
