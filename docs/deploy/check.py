"""Shows that classify.py, classify.mjs and classify.cpp answer as `binas-tui validate`
does: 275 pictures of 25 kinds of files and eleven sizes are made, and each answer is
compared with validate's.

    python3 docs/deploy/check.py pictures PICTURES        makes PICTURES/train and PICTURES/val
    binas-tui train --stage heaviest --data PICTURES --out RUN --image-size 112 --epochs 3 --model-ema=false --train-percent 100
    binas-tui export --checkpoint RUN/heaviest.safetensors --onnx N.onnx --json > N.json
    binas-tui validate --checkpoint N.onnx --data PICTURES --predictions P.jsonl
    python3 docs/deploy/check.py compare N.onnx N.json P.jsonl PICTURES/val [FOLDER-OF-NODE-MODULES [CLASSIFY]]

Needs what classify.py needs; CLASSIFY is classify.cpp, compiled.
"""
import json
import os
import subprocess
import sys

import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
SIZES = [(1, 1), (17, 11), (40, 300), (97, 101), (112, 112), (128, 128), (129, 97), (300, 41), (333, 250), (500, 375), (640, 480)]


def kinds(rgb, alpha):
    """Yields the name of a file, an image, and how it is saved."""
    colour, grey = Image.fromarray(rgb), Image.fromarray(rgb[..., 0])
    rgba, la = Image.fromarray(np.dstack([rgb, alpha])), Image.merge("LA", (grey, Image.fromarray(alpha)))
    palette = colour.quantize(64)
    for sampling in range(3):
        yield f"{sampling}.jpg", colour, {"subsampling": sampling, "quality": 88}
    yield "progressive.jpg", colour, {"progressive": True}
    yield "grey.jpg", grey, {}
    yield "cmyk.jpg", colour.convert("CMYK"), {}
    for name, image in {"rgb": colour, "grey": grey, "rgba": rgba, "la": la, "palette": palette, "bilevel": grey.convert("1")}.items():
        yield name + ".png", image, {}
    yield "trns.png", palette, {"transparency": 3}
    yield "16.png", Image.fromarray((rgb[..., 0].astype(np.uint16) << 8) + 77), {}
    yield "lossy.webp", colour, {"quality": 80}
    yield "lossless.webp", colour, {"lossless": True}
    yield "alpha.webp", rgba, {"quality": 90, "exact": True}
    yield "palette.gif", palette, {}
    yield "rgb.bmp", colour, {}
    yield "palette.bmp", palette, {}
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield compression + ".tif", colour, {"compression": compression}
    yield "rgba.tif", rgba, {}


def pictures(folder):
    rng = np.random.RandomState(7)
    for i, (w, h) in enumerate(SIZES):
        y, x = np.mgrid[0:h, 0:w]
        waves = [np.sin(a * x / w + b * y / h + i) for a, b in ((7, 2), (2, 9), (5, 5))]
        rgb = (127 + 90 * np.stack(waves, -1) + rng.randn(h, w, 3) * 20).clip(0, 255).astype(np.uint8)
        alpha = rng.choice([0, 1, 128, 254, 255], (h, w)).astype(np.uint8)
        for k, (name, image, options) in enumerate(kinds(rgb, alpha)):
            for part in ("train", "val"):
                os.makedirs(f"{folder}/{part}/{'abcdefghij'[(i + k) % 10]}", exist_ok=True)
                image.save(f"{folder}/{part}/{'abcdefghij'[(i + k) % 10]}/{w}x{h}_{name}", **options)


def answers(lines):
    return {os.path.basename(a["image"]): a["logits"] for a in map(json.loads, lines) if "logits" in a}


def compare(network, described, predictions, val, modules=None, program=None):
    import classify  # beside this file

    want = answers(open(predictions))
    files = {f: os.path.join(d, f) for d, _, fs in os.walk(val) for f in fs}
    run = lambda *command, **o: subprocess.run(command, check=True, stdout=subprocess.PIPE, **o).stdout.splitlines()
    absolute = [os.path.abspath(files[f]) for f in sorted(files)]
    have = {"Python": answers(run(sys.executable, here + "/classify.py", network, *absolute))}
    if modules:
        reads = [f for f in absolute if not f.endswith((".gif", ".bmp", "cmyk.jpg"))]  # ../DEPLOYING.md
        have["Node"] = answers(run("node", here + "/classify.mjs", os.path.abspath(network), os.path.abspath(described), *reads, cwd=modules))
    if program:
        have["C++"] = {}
        for name, file in files.items():
            rgb = classify.decode(file)
            ppm = b"P6 %d %d 255\n" % rgb.shape[1::-1] + np.ascontiguousarray(rgb).tobytes()
            have["C++"][name] = json.loads(run(program, network, input=ppm)[0])["logits"]
    bad = False
    for what, got in have.items():
        bad |= len(got) < 200
        pairs = [(np.array(got[name]), np.array(want[name])) for name in got]
        top1 = sum(g.argmax() != w.argmax() for g, w in pairs)
        top5 = sum(set(np.argsort(-g)[:5]) != set(np.argsort(-w)[:5]) for g, w in pairs)
        worst = max(abs(g - w).max() for g, w in pairs)
        print(f"{what}: {len(pairs)} of {len(want)} pictures, {top1} with another top-1, {top5} with another top-5, logits differ by {worst:.1e} at most, of {np.ptp(list(want.values())):.2f}")
        bad |= bool(top1 or top5 or worst > 1e-3)
    return bad


if __name__ == "__main__":
    sys.exit({"pictures": pictures, "compare": compare}[sys.argv[1]](*sys.argv[2:]))
