"""timm's HardCoRe-NAS networks, for ../timm_test.go.

python3 hardcorenas.py                  makes hardcorenas.json: logits of weights by a formula
python3 hardcorenas.py FOLDER           writes timm's own random weights and logits there
"""
import json
import math
import sys

import numpy as np
import timm
import torch

CLASSES, SIZE = 10, 64


def network(letter):
    return timm.create_model('hardcorenas_' + letter, num_classes=CLASSES).eval()


def image():
    return torch.from_numpy((np.arange(3 * SIZE * SIZE) * 7919 % 1000 / 500 - 1).astype(np.float32).reshape(1, 3, SIZE, SIZE))


def formula(name, shape):
    """Values that ../timm_test.go makes likewise, as large as trained ones."""
    n = int(np.prod(shape))
    v = (sum(name.encode()) * 31 + np.arange(n, dtype=np.int64) * 7919) % 2003 / 2003 - 0.5
    if name.endswith('running_var') or name.endswith('weight') and len(shape) == 1:
        v = 1 + 0.4 * v
    elif len(shape) == 4:
        v = v * math.sqrt(24 / np.prod(shape[1:]))
    else:
        v = 0.3 * v
    return torch.from_numpy(v.astype(np.float32).reshape(shape))


if len(sys.argv) == 1:
    out = {}
    for letter in 'abcdef':
        m = network(letter)
        m.load_state_dict({k: formula(k, v.shape) if v.dim() else v for k, v in m.state_dict().items()})
        with torch.no_grad():
            out[letter] = m(image())[0].tolist()
    with open('hardcorenas.json', 'w') as f:
        json.dump(out, f, indent=0)
else:
    from safetensors.torch import save_file
    torch.manual_seed(1)
    logits = {}
    for letter in 'abcdef':
        m = network(letter)
        m.train()
        with torch.no_grad():
            m(torch.randn(8, 3, SIZE, SIZE))  # statistics of its own
            logits[letter] = m.eval()(image())[0].tolist()
        if letter == 'f':
            save_file(m.state_dict(), sys.argv[1] + '/f.safetensors')
        else:
            torch.save(m.state_dict(), sys.argv[1] + '/%s.pth' % letter)
    with open(sys.argv[1] + '/logits.json', 'w') as f:
        json.dump(logits, f)
