#!/usr/bin/python3
"""Writes golden.json: outputs of blocks and networks computed by PyTorch.

Run with PyTorch (made with 1.13, CPU, float64): python3 golden.py > golden.json
Weights and inputs come from the rule of RandomWeights in weights.go, seed 7, so
only sampled outputs are stored. Layers are PyTorch's own, with batch
normalisation applied as such instead of being folded.
"""
import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

SEED = 7
M = np.uint64


def uniform(name, shape, low, high):
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = (h ^ c) * 0x100000001B3 % 2**64
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = M((h + SEED) % 2**64) + M(0x9E3779B97F4A7C15) * np.arange(1, n + 1, dtype=M)
        z = (z ^ (z >> M(30))) * M(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> M(27))) * M(0x94D049BB133111EB)
        z ^= z >> M(31)
    u = (z >> M(40)).astype(np.float64) / 2**24
    v = (low + (high - low) * u).astype(np.float32).astype(np.float64)
    return torch.from_numpy(v.reshape(shape))


def weight(name, *shape):
    if len(shape) > 1:
        bound = math.sqrt(6 / np.prod(shape[1:]))
        return uniform(name, shape, -bound, bound)
    if name.endswith(".running_var") or name.endswith(".weight"):
        return uniform(name, shape, 0.8, 1.2)
    return uniform(name, shape, -0.1, 0.1)


ACT = {"re": F.relu, "r6": F.relu6, "hs": F.hardswish, "sw": F.silu}


def divisible(v, d=8):
    n = max(d, int(v + d / 2) // d * d)
    return n + d if n < 0.9 * v else n


def conv(x, name, out, k=1, s=1, depthwise=False, bias=False):
    c = x.shape[1]
    w = weight(name + ".weight", out, 1 if depthwise else c, k, k)
    b = weight(name + ".bias", out) if bias else None
    return F.conv2d(x, w, b, stride=s, padding=k // 2, groups=c if depthwise else 1)


def bn(x, name):
    p = [weight(f"{name}.{n}", x.shape[1]) for n in ("running_mean", "running_var", "weight", "bias")]
    return F.batch_norm(x, *p, training=False, eps=1e-5)


def squeeze_excite(x, name, ratio):
    c = x.shape[1]
    y = conv(x.mean((2, 3), keepdim=True), name + ".conv_reduce", divisible(c * ratio), bias=True)
    y = conv(F.relu(y), name + ".conv_expand", c, bias=True)
    return x * F.relu6(y + 3) / 6


def block(x, p, kind, k, s, e, out, se, act):
    a, skip, c = ACT[act], x, x.shape[1]
    if kind == "cn":
        return a(bn(conv(x, p + ".conv", out, k, s), p + ".bn1"))
    if kind == "ir":
        x = a(bn(conv(x, p + ".conv_pw", divisible(c * e)), p + ".bn1"))
        n2, last, n3 = ".bn2", ".conv_pwl", ".bn3"
    else:
        n2, last, n3 = ".bn1", ".conv_pw", ".bn2"
    x = a(bn(conv(x, p + ".conv_dw", x.shape[1], k, s, depthwise=True), p + n2))
    if se:
        x = squeeze_excite(x, p + ".se", se)
    x = bn(conv(x, p + last, out), p + n3)
    if kind == "dsa":
        return a(x)
    return x + skip if s == 1 and c == out else x


def parse(code):
    v = {"k": "3", "s": "1", "e": "1", "se": "0", "n": "hs", "r": "1"}
    kind, *rest = code.split("_")
    for f in rest:
        key = "se" if f.startswith("se") else f[0]
        v[key] = f[len(key):]
    return kind, int(v["k"]), int(v["s"]), float(v["e"]), int(v["c"]), float(v["se"]), v["n"]


def network(x, arch, stem, classes):
    x = F.hardswish(bn(conv(x, "conv_stem", stem, 3, 2), "bn1"))
    for i, stage in enumerate(arch):
        for j, code in enumerate(stage):
            x = block(x, f"blocks.{i}.{j}", *parse(code))
    x = x.mean((2, 3), keepdim=True)
    x = F.hardswish(conv(x, "conv_head", 1280, bias=True)).flatten(1)
    return F.linear(x, weight("classifier.weight", classes, 1280), weight("classifier.bias", classes))


def sampled(y, n):
    y = y.flatten()
    step = max(1, len(y) // n)
    return [float(f"{v:.8g}") for v in y[::step][:n]]


cases = {"blocks": [], "networks": []}
turn = 0
for kind in ("ir", "ds", "dsa", "cn"):
    for act in ("re", "r6", "hs", "sw"):
        for se in (0, 0.25) if kind != "cn" else (0,):
            for s in (1, 2):
                for out in (24, 16):
                    k, e = (3, 5, 7)[turn % 3], (3, 4, 6, 2.5)[turn % 4]
                    turn += 1
                    code = f"{kind}_r1_k{k}_s{s}" + (f"_e{e}" if kind == "ir" else "") + f"_c{out}_n{act}"
                    code += f"_se{se}" if se else ""
                    x = uniform("input", (2, 24, 9, 9), -2, 2)
                    y = block(x, "blocks.0.0", *parse(code))
                    cases["blocks"].append({"code": code, "shape": list(y.shape), "mean_abs": float(f"{y.abs().mean():.8g}"), "values": sampled(y, 8)})

A = [["ds_r1_k3_s1_e1_c16_nre"],
     ["ir_r1_k5_s2_e3_c24_nre", "ir_r1_k3_s1_e3_c24_nre_se0.25"],
     ["ir_r1_k5_s2_e3_c40_nre_se0.25", "ir_r1_k5_s1_e4_c40_nre_se0.25"],
     ["ir_r1_k5_s2_e3_c80", "ir_r1_k5_s1_e3_c80_se0.25", "ir_r1_k5_s1_e4_c80_se0.25"],
     ["ir_r1_k5_s1_e4_c112_se0.25", "ir_r1_k5_s1_e4_c112_se0.25"],
     ["ir_r1_k5_s2_e4_c192_se0.25", "ir_r1_k5_s1_e4_c192_se0.25", "ir_r1_k3_s1_e4_c192_se0.25", "ir_r1_k5_s1_e3_c192_se0.25"],
     ["cn_r1_k1_s1_c960"]]
LARGE = [["ds_r1_k3_s1_e1_c24_nre"],
         ["ir_r1_k3_s2_e4_c32_nre", "ir_r1_k5_s1_e3_c32_nre_se0.25"],
         ["ir_r1_k5_s2_e6_c48_nre_se0.25", "ir_r1_k3_s1_e3_c48_nre"],
         ["ir_r1_k5_s2_e3_c96", "ir_r1_k5_s1_e4_c96_se0.25"],
         ["ir_r1_k3_s1_e4_c136_se0.25", "ir_r1_k5_s1_e6_c136"],
         ["ir_r1_k5_s2_e4_c232_se0.25", "ir_r1_k3_s1_e3_c232_se0.25"],
         ["cn_r1_k1_s1_c1152"]]
for name, arch, stem, image in (("BINAS-A", A, 32, 64), ("large", LARGE, 40, 72)):
    y = network(uniform("input", (2, 3, image, image), -2, 2), arch, stem, 10)
    cases["networks"].append({"name": name, "arch": repr(arch), "image": image, "shape": list(y.shape), "values": sampled(y, 20)})
json.dump(cases, sys.stdout, indent=None, separators=(",", ":"))
