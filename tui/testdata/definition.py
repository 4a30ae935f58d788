# mobilenasnet at 224 px: 5.00 ms by ort-cpu-224-1t, 75.75 % predicted by published-12
arch_def = [
    ['ds_r1_k3_s1_e1_c16_nre'],
    ['ir_r1_k3_s2_e3_c24_nre', 'ir_r1_k3_s1_e3_c24_nre'],
    ['ir_r1_k3_s2_e4_c40_nre', 'ir_r1_k3_s1_e4_c40_nre'],
    ['ir_r1_k5_s2_e6_c80', 'ir_r1_k3_s1_e4_c80', 'ir_r1_k3_s1_e4_c80'],
    ['ir_r1_k3_s1_e4_c112', 'ir_r1_k3_s1_e3_c112'],
    ['ir_r1_k3_s2_e4_c192', 'ir_r1_k3_s1_e3_c192', 'ir_r1_k3_s1_e3_c192', 'ir_r1_k3_s1_e3_c192'],
    ['cn_r1_k1_s1_c960'],
]

from functools import partial

import torch.nn as nn
from timm.models._efficientnet_blocks import SqueezeExcite
from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.mobilenetv3 import MobileNetV3

model = MobileNetV3(
    block_args=decode_arch_def(arch_def),
    num_features=1280,
    stem_size=32,
    act_layer=nn.Hardswish,
    se_layer=partial(SqueezeExcite, gate_layer='hard_sigmoid', force_act_layer=nn.ReLU, rd_round_fn=round_channels),
)
