"""Classifies images with an exported network as `binas-tui validate` does, to the
bit of every pixel: python3 classify.py network.onnx IMAGE...

Needs numpy, onnxruntime and pillow. The rules are in ../DEPLOYING.md.
"""
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image


def decode(file):
    """Pixels [height, width, 3] of 0 to 255: no alpha, not turned, the high 8 of 16 bits."""
    image = Image.open(file)
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.asarray(image.convert("RGB"))


def weights(n, size):
    """[size, n]: Catmull-Rom, widened where the image becomes smaller."""
    scale = n / size
    t = abs((np.arange(size)[:, None] + 0.5) * scale - 0.5 - np.arange(n)) / max(scale, 1)
    w = np.where(t < 1, (1.5 * t - 2.5) * t * t + 1, np.where(t < 2, ((2.5 - 0.5 * t) * t - 4) * t + 2, 0))
    return w / w.sum(1, keepdims=True)


def prepare(rgb, meta):
    """The network's input [1, 3, size, size]."""
    height, width, _ = rgb.shape
    side = max(1, int(min(width, height) * float(meta["crop_pct"]) + 0.5))
    x, y = (width - side) // 2, (height - side) // 2
    w = weights(side, int(meta["image_size"]))
    square = np.einsum("yj,jic,xi->cyx", w, rgb[y:y + side, x:x + side] / 255, w, optimize=True)
    pixels = (np.clip(square, 0, 1) * 65535 + 0.5).astype(np.int64) >> 8
    mean, std = (np.reshape(json.loads(meta[key]), (3, 1, 1)) for key in ("mean", "std"))
    return ((pixels / 255 - mean) / std).astype(np.float32)[None]


if __name__ == "__main__":
    network = onnxruntime.InferenceSession(sys.argv[1])
    meta = network.get_modelmeta().custom_metadata_map
    if meta.get("preprocessing") != "1":
        sys.exit(f"{sys.argv[1]}: its preprocessing is {meta.get('preprocessing')}, expected 1: the rules of docs/DEPLOYING.md")
    names = json.loads(meta["class_names"])
    for file in sys.argv[2:]:
        logits = network.run(None, {"image": prepare(decode(file), meta)})[0][0]
        print(json.dumps({"image": file, "class": names[logits.argmax()], "logits": logits.tolist()}))
