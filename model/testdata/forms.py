"""Makes forms.zip beside it: the first samples of test_accuracy_lut.pkl.gz and the
contributions in the forms in which people keep such tables. Needs torch and numpy 2."""
import collections, gzip, os, pickle, zipfile
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))


def load(name):
    with gzip.open(os.path.join(here, name)) as f:
        return pickle.load(f)


samples = dict(list(load("test_accuracy_lut.pkl.gz").items())[:2])
contributions = {k: float(v) for k, v in load("accuracy_contributions_lut.pkl.gz").items()}


def each(number, logits):
    return {k: {"expected_latency": number(v["expected_latency"]), "accuracy": number(v["accuracy"]), "logits": logits(v["logits"])} for k, v in samples.items()}


ordered = collections.OrderedDict
forms = {
    "samples-python": each(float, list), "samples-ordered": ordered((k, ordered(v)) for k, v in each(float, tuple).items()),
    "samples-scalars": each(np.float64, lambda l: [np.int64(n) for n in l]), "samples-arrays": each(lambda x: np.array([x]), np.array),
    "samples-tensors": each(lambda x: torch.tensor(x, dtype=torch.float64), lambda l: torch.tensor(l, dtype=torch.uint8)),
    "contributions-scalars": {k: np.float64(v) for k, v in contributions.items()}, "contributions-ordered": ordered(contributions),
    "contributions-bytes": {k.encode(): torch.tensor(v, dtype=torch.float64) if k == "base" else v for k, v in contributions.items()},
}
with zipfile.ZipFile(os.path.join(here, "forms.zip"), "w") as z:
    for name, value in forms.items():
        for protocol in (0, 2, 4, 5):
            data = pickle.dumps(value, protocol)
            z.writestr(zipfile.ZipInfo("%s-%d" % (name, protocol)), data, zipfile.ZIP_DEFLATED, 9)
            if protocol < 4 and b"numpy._core" in data:
                z.writestr(zipfile.ZipInfo("%s-numpy1-%d" % (name, protocol)), data.replace(b"numpy._core", b"numpy.core"), zipfile.ZIP_DEFLATED, 9)
