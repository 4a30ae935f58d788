"""Makes forms.zip beside it: the first entries of lut.pkl in the forms in which
people keep such a table. Needs torch and numpy 2."""
import collections, io, json, os, pickle, zipfile
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "lut.pkl"), "rb") as f:
    table = pickle.load(f)
few = {k: float(table[k]) for k in [*list(table)[:12], "general"]}
filled = collections.defaultdict(float)
filled.update(few)
forms = {
    "ordered": collections.OrderedDict(few), "defaultdict": filled, "bytes": {k.encode(): v for k, v in few.items()},
    "float64": {k: np.float64(v) for k, v in few.items()}, "arrays": {k: np.array([v]) for k, v in few.items()},
    "numpy-keys": {np.str_(k): v for k, v in few.items()},
    "tensors": {k: torch.tensor(v, dtype=torch.float64) for k, v in few.items()},
}
with zipfile.ZipFile(os.path.join(here, "forms.zip"), "w") as z:
    def add(name, data):
        z.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)

    for name, value in forms.items():
        for protocol in (0, 2, 4, 5):
            data = pickle.dumps(value, protocol)
            add("%s-%d" % (name, protocol), data)
            if protocol < 4 and b"numpy._core" in data:
                add("%s-numpy1-%d" % (name, protocol), data.replace(b"numpy._core", b"numpy.core"))
    add("json-bom", b"\xef\xbb\xbf" + json.dumps(few).encode())
