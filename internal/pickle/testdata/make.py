"""Makes forms.zip and halves.json beside it; needs torch and numpy 2.

forms.zip holds pickles (plain/...) that all mean [0.5, -3, True, [1, 2, 3]], and
files of torch.save (torch/...) whose state dict all has the tensors of sd().
halves.json has what torch makes of every number of 16 bits.
"""
import argparse, collections, hashlib, io, json, os, pathlib, pickle, re, warnings, zipfile
import numpy as np
import torch

warnings.filterwarnings("ignore")
here = os.path.dirname(os.path.abspath(__file__))
forms = {}


def sd():
    base = torch.arange(12, dtype=torch.float32)
    return collections.OrderedDict([
        ("a.weight", base[2:8].view(2, 3).t()),  # offset 2, shape 3x2, stride 1x3
        ("a.bias", base[8:10]),
        ("b.running_var", torch.tensor([0.25, 2.0], dtype=torch.float64)),
        ("b.num_batches_tracked", torch.tensor(7)),
    ])


def save(name, obj, **options):
    out = io.BytesIO()
    torch.save(obj, out, **options)
    forms["torch/" + name] = out.getvalue()


def plain(name, value, protocol=4, rename=()):
    data = pickle.dumps(value, protocol)
    for old, new in rename:
        assert old in data, name
        data = data.replace(old, new)
    forms["plain/%s-%d" % (name, protocol)] = data


# numpy 1 called its module numpy.core; names of protocol 4 have their length before them.
numpy1 = [(b"numpy._core", b"numpy.core")]
numpy1short = [(b"\x8c\x16numpy._core.multiarray", b"\x8c\x15numpy.core.multiarray")]
for protocol in range(6):
    plain("python", [0.5, -3, True, [1, 2, 3]], protocol)
    plain("numpy", [np.float64(0.5), np.int32(-3), np.bool_(True), np.array([1, 2, 3])], protocol)
    plain("small", [np.float16(0.5), np.int8(-3), True, np.array([1, 2, 3], dtype=np.uint8)], protocol)
    plain("tensors", [torch.tensor(0.5, dtype=torch.bfloat16), torch.tensor(-3), True, torch.tensor([1, 2, 3])], protocol)
    plain("tuples", (np.float32(0.5), -3, np.True_, (1, np.int64(2), np.uint16(3))), protocol)
plain("numpy1", [np.float64(0.5), np.int32(-3), np.bool_(True), np.array([1, 2, 3])], 2, numpy1)
plain("numpy1", [np.float64(0.5), np.int32(-3), np.bool_(True), [np.int64(n) for n in (1, 2, 3)]], 4,
      numpy1short + [(b"\x95" + pickle.dumps([np.float64(0.5), np.int32(-3), np.bool_(True), [np.int64(n) for n in (1, 2, 3)]], 4)[3:11], b"")])
plain("big-endian", [np.array(0.5, dtype=">f8"), np.array(-3, dtype=">i4"), True, np.array([1, 2, 3], dtype=">i2")])
plain("strided", [np.arange(4)[1:2] / 2, -3, True, np.array([[1, 9], [2, 9], [3, 9]])[:, 0]], 2)

s, ema = sd(), collections.OrderedDict((k, v + 1) for k, v in sd().items())
save("plain", s)
save("legacy", s, _use_new_zipfile_serialization=False)
for protocol in (3, 4, 5):
    save("protocol%d" % protocol, s, pickle_protocol=protocol)
    save("legacy-protocol%d" % protocol, s, pickle_protocol=protocol, _use_new_zipfile_serialization=False)
save("legacy-protocol1", s, pickle_protocol=1, _use_new_zipfile_serialization=False)
save("dict", dict(s))
save("state_dict", {"state_dict": s, "epoch": 3, "best_acc1": torch.tensor(71.25), "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]}})
save("model", {"model": s})
save("nested", {"model": {"state_dict": s}, "epoch": 1})
save("ema_none", {"state_dict": s, "state_dict_ema": None})
save("ema", {"state_dict": ema, "state_dict_ema": s})
save("ema_module", {"model": ema, "model_ema": {"n_averaged": torch.tensor(5), **{"module." + k: v for k, v in s.items()}}})
for prefix in ("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model."):
    save("prefix-" + prefix.strip("."), {"state_dict": {prefix + k: v for k, v in s.items()}})
save("parameters", collections.OrderedDict((k, torch.nn.Parameter(v) if v.is_floating_point() else v) for k, v in s.items()))
marked = torch.nn.Parameter(s["a.bias"].clone())
marked.note = "an attribute"
save("parameter-state", {**s, "a.bias": marked})
save("numpy-arrays", {k: v.numpy() for k, v in s.items()}, pickle_protocol=4)
save("extra-state", {**s, "a._extra_state": None, "step": 3})


class Config(dict):
    pass


extras = {
    "numpy": [np.float64(71.25), np.arange(3), np.array(["x"]), np.array([None]), np.datetime64("2020-01-01"), np.random.RandomState(1).get_state()],
    "path": pathlib.PosixPath("/data"), "device": torch.device("cpu"), "dtype": torch.float32, "size": torch.Size([1, 3]),
    "set": {1, 2}, "frozenset": frozenset([3]), "defaultdict": collections.defaultdict(list, a=[1]), "counter": collections.Counter("aab"),
    "deque": collections.deque([1, 2]), "config": Config(a=1), "bytes": b"\x00\xff", "complex": 1j, "big": 1 << 200, "pattern": re.compile("a"),
    "args": argparse.Namespace(data=pathlib.PosixPath("/d"), device=torch.device("cpu"), lr=np.float32(0.1), size=torch.Size([2]), tags={"x"}),
    "complex_tensor": torch.zeros(2, dtype=torch.complex64), "quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
    "sparse": torch.eye(2).to_sparse(), "float8": torch.ones(2).to(torch.float8_e4m3fn), "uint16": torch.ones(2, dtype=torch.uint16),
}
for protocol in (2, 4, 5):
    save("extras-protocol%d" % protocol, {"state_dict": s, **extras}, pickle_protocol=protocol)
save("extras-legacy", {"state_dict": s, **extras}, _use_new_zipfile_serialization=False)
types = {}
for name in "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool".split():
    types[name] = torch.tensor([0, 1, 1, 0] if name == "bool" else [0, 1, 100, 7]).to(getattr(torch, name))
save("types", types)
save("types-legacy", {k: v for k, v in types.items() if not k.startswith("uint") or k == "uint8"}, _use_new_zipfile_serialization=False)
for name in ("quantized", "sparse", "float8", "complex_tensor"):
    save("refused-" + name, {"a": extras[name]})
save("refused-module", torch.nn.Linear(1, 1))
save("refused-model", {"model": torch.nn.Linear(1, 1), "epoch": 3})

with zipfile.ZipFile(os.path.join(here, "forms.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
    for name in sorted(forms):
        z.writestr(zipfile.ZipInfo(name), forms[name], zipfile.ZIP_DEFLATED, 9)

bits = np.arange(1 << 16, dtype=np.uint16)
halves = {}
for name in ("float16", "bfloat16"):
    v = torch.from_numpy(bits.view(np.int16).copy()).view(getattr(torch, name)).float().numpy()
    v[np.isnan(v)] = np.float32("nan")
    raw = v.view("<u4").copy()
    raw[np.isnan(v)] = 0x7fc00000
    halves[name] = hashlib.sha256(raw.tobytes()).hexdigest()
with open(os.path.join(here, "halves.json"), "w") as f:
    json.dump(halves, f, indent=1)
    f.write("\n")
