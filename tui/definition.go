package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
)

func (a *App) copyDefinition() tea.Cmd { return a.services.copy(a.definition(), "timm definition") }

// definition is the network shown as Python that builds it with timm, the way
// timm builds the networks of this space that it ships (HardCoRe-NAS).
func (a *App) definition() string {
	space := a.space()
	comment := fmt.Sprintf("%s ms by %s, %s %% predicted by %s", a.ms(a.solution.LatencyMS), sanitize.Line(a.engine.LUTName),
		cell.Number(a.solution.Accuracy, 2), sanitize.Line(a.engine.PredictorName))
	return pythonDefinition(space, space.Architecture(a.solution.Path), comment)
}

func pythonDefinition(space *model.Space, arch model.Architecture, comment string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "# %s at %d px: %s\narch_def = [\n", space.Name, space.ImageSize, comment)
	for _, stage := range arch {
		list := model.Architecture{stage}.String() // [[…]]
		fmt.Fprintf(&w, "    %s,\n", list[1:len(list)-1])
	}
	fmt.Fprintf(&w, `]

from functools import partial

import torch.nn as nn
from timm.models._efficientnet_blocks import SqueezeExcite
from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.mobilenetv3 import MobileNetV3

model = MobileNetV3(
    block_args=decode_arch_def(arch_def),
    num_features=%d,
    stem_size=%d,
    act_layer=nn.Hardswish,
    se_layer=partial(SqueezeExcite, gate_layer='hard_sigmoid', force_act_layer=nn.ReLU, rd_round_fn=round_channels),
)
`, space.FeatureChannels, space.StemChannels)
	return w.String()
}
