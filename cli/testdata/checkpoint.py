#!/usr/bin/python3
"""Writes the checkpoints of export_test.go and what the network answers.

Run with PyTorch (made with 1.13) in this folder: python3 checkpoint.py
wrapper.pth.tar.gz is a training checkpoint: constant weights in state_dict and
the real ones in state_dict_ema, named "module.x". raw.pth.gz is a state dict
alone, of constant weights. logits.json holds both networks' answers.
"""
import argparse
import gzip
import io
import json
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F

ARCH = "[['ds_r1_k3_s1_e1_c8_nre'], ['ir_r1_k5_s2_e3_c16_nre_se0.25', 'ir_r1_k3_s1_e3_c16'], ['cn_r1_k1_s1_c16']]"
SIZE, CLASSES = 16, 6


class SE(nn.Module):
    def __init__(self, c, r):
        super().__init__()
        self.conv_reduce, self.conv_expand = nn.Conv2d(c, r, 1), nn.Conv2d(r, c, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.conv_expand(F.relu(self.conv_reduce(x.mean((2, 3), keepdim=True)))))


class DS(nn.Module):
    def __init__(self, c, out, k, act):
        super().__init__()
        self.conv_dw, self.bn1 = nn.Conv2d(c, c, k, 1, k // 2, groups=c, bias=False), nn.BatchNorm2d(c)
        self.conv_pw, self.bn2, self.act = nn.Conv2d(c, out, 1, bias=False), nn.BatchNorm2d(out), act

    def forward(self, x):
        return self.bn2(self.conv_pw(self.act(self.bn1(self.conv_dw(x)))))


class IR(nn.Module):
    def __init__(self, c, mid, out, k, s, se, act):
        super().__init__()
        self.conv_pw, self.bn1 = nn.Conv2d(c, mid, 1, bias=False), nn.BatchNorm2d(mid)
        self.conv_dw, self.bn2 = nn.Conv2d(mid, mid, k, s, k // 2, groups=mid, bias=False), nn.BatchNorm2d(mid)
        self.se = SE(mid, se) if se else nn.Identity()
        self.conv_pwl, self.bn3 = nn.Conv2d(mid, out, 1, bias=False), nn.BatchNorm2d(out)
        self.act, self.skip = act, s == 1 and c == out

    def forward(self, x):
        y = self.act(self.bn2(self.conv_dw(self.act(self.bn1(self.conv_pw(x))))))
        y = self.bn3(self.conv_pwl(self.se(y)))
        return x + y if self.skip else y


class CN(nn.Module):
    def __init__(self, c, out):
        super().__init__()
        self.conv, self.bn1 = nn.Conv2d(c, out, 1, bias=False), nn.BatchNorm2d(out)

    def forward(self, x):
        return F.hardswish(self.bn1(self.conv(x)))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
        self.blocks = nn.Sequential(
            nn.Sequential(DS(32, 8, 3, F.relu)),
            nn.Sequential(IR(8, 24, 16, 5, 2, 8, F.relu), IR(16, 48, 16, 3, 1, 0, F.hardswish)),
            nn.Sequential(CN(16, 16)))
        self.conv_head, self.classifier = nn.Conv2d(16, 1280, 1), nn.Linear(1280, CLASSES)

    def forward(self, x):
        x = self.blocks(F.hardswish(self.bn1(self.conv_stem(x))))
        x = F.hardswish(self.conv_head(x.mean((2, 3), keepdim=True)))
        return self.classifier(x.flatten(1))


def answers(net):
    n = 3 * SIZE * SIZE
    x = (torch.arange(n) * 7919 % 1000 / 500 - 1).double().reshape(1, 3, SIZE, SIZE)
    return [float(f"{v:.9g}") for v in net.double().eval()(x).flatten()]


def save(name, value):
    b = io.BytesIO()
    torch.save(value, b)
    with open(name, "wb") as f:
        f.write(gzip.compress(b.getvalue(), 9, mtime=0))


torch.manual_seed(1)
real, constant = Network(), Network()
for name, v in real.state_dict().items():
    if name.endswith(("running_mean", "bias")):
        v.uniform_(-0.3, 0.3)
    elif name.endswith("running_var") or ".bn" in name or name.startswith("bn"):
        if v.is_floating_point():
            v.uniform_(0.5, 1.5)
for name, v in constant.state_dict().items():
    if v.is_floating_point():
        v.fill_(1 if name.endswith("running_var") else 0.03125)
save("wrapper.pth.tar.gz", {
    "epoch": 3, "arch": "mobilenasnet", "state_dict": constant.state_dict(), "args": argparse.Namespace(lr=0.1), "version": 2,
    "state_dict_ema": OrderedDict(("module." + k, v) for k, v in real.state_dict().items()), "metric": 12.5})
save("raw.pth.gz", constant.state_dict())
with open("logits.json", "w") as f:
    json.dump({"arch": ARCH, "image_size": SIZE, "classes": CLASSES, "wrapper": answers(real), "raw": answers(constant)}, f)
    f.write("\n")
