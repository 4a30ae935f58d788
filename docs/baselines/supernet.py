"""How fast a supernet trains and its networks are evaluated: this program and PyTorch, in turn.

usage: make supernet-baselines, or python3 docs/baselines/supernet.py [--threads 2] [--rounds 2] [--steps 10]
       [--sizes 32,96,224] [--networks 6] [--ways nchw,channels_last,compiled] [--original FOLDER]

Evaluation: random networks in evaluation mode on batches of noise, of 2000, 1000 and 250 images at 32, 96
and 224 pixels. This program's figure (BenchmarkEvaluateChild) has in it that a network is taken out of the
supernet and its session made, and has one network a thread; PyTorch's, of the same architectures made by
timm, has neither that nor the compilation of torch.compile, and has all threads on one network.

One-shot training: 64 images of 32 pixels a step, forward, cross entropy, distillation from features and
logits of the heaviest network, and backward. --original is a checkout of github.com/Alibaba-MIIL/BINAS,
whose own code is measured in its two ways, a path per image and one per batch; without it nothing is
compared. Every measurement is a process of its own; of the rounds the fastest counts.
"""
import argparse, ast, importlib.machinery, json, os, re, subprocess, sys, tempfile, time, unittest.mock

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
images = {32: (2000, 100), 96: (1000, 100), 224: (249, 83)}  # of a network, and at once
steps_of = {"a path per batch": "BenchmarkTrainStepOneShot", "a path per image": "BenchmarkTrainStepOneShotPerImage"}


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--threads", type=int, default=2)  # of the benchmarks
    a.add_argument("--rounds", type=int, default=2)
    a.add_argument("--steps", type=int, default=10)
    a.add_argument("--sizes", default="32,96,224")
    a.add_argument("--networks", type=int, default=6)
    a.add_argument("--ways", default="nchw,channels_last,compiled")
    a.add_argument("--original", help="checkout of github.com/Alibaba-MIIL/BINAS")
    a.add_argument("--binaries", help="folder of test binaries evaluation and backprop, in place of building them")
    a.add_argument("--one", nargs=3, metavar=("WAY", "SIDE", "FILE"), help=argparse.SUPPRESS)
    return a.parse_args()


def main(a):
    with tempfile.TemporaryDirectory() as folder:
        for package in () if a.binaries else ("evaluation", "backprop"):
            subprocess.run(["go", "test", "-c", "-o", os.path.join(folder, package), "./supernet/" + package], cwd=root, check=True)
        listed, ways, sizes = os.path.join(folder, "networks"), list(filter(None, a.ways.split(","))), [int(s) for s in a.sizes.split(",") if s]
        found, benches = {}, os.path.abspath(a.binaries or folder)
        for _ in range(a.rounds):
            for side in sizes:
                text = bench(benches, "evaluation", f"^BenchmarkEvaluateChild$/^{side}px$/^running$", a.networks, found, side, "here")
                with open(listed, "w") as f:
                    json.dump(re.findall(r"\[\[.*\]\]", text)[-a.networks:], f)
                for way in ways:
                    torch(a, way, side, listed, found)
            for way, name in steps_of.items():
                bench(benches, "backprop", f"^{name}$", a.steps, found, way, "here")
                if a.original:
                    torch(a, way, 32, a.original, found, "the original")
    table("evaluation, images/s", sizes, ["here", *ways], found, lambda side: f"{side} px")
    table("one-shot step, images/s", steps_of, ["here"] + ["the original"] * bool(a.original), found, str)


def note(found, row, column, text):
    speed = float(re.search(r"([\d.]+) images/s", text)[1])
    print(f"{row}, {column}: {speed:.0f} images/s", file=sys.stderr, flush=True)
    found[row, column] = max(speed, found.get((row, column), 0))
    return text


def bench(benches, package, name, count, found, row, column):
    command = [os.path.join(benches, package), "-test.run", "^$", "-test.v", "-test.bench", name, "-test.benchtime", f"{count}x"]
    return note(found, row, column, subprocess.run(command, cwd=os.path.join(root, "supernet", package), check=True, stdout=subprocess.PIPE, text=True).stdout)


def torch(a, way, side, file, found, column=None):
    command = [sys.executable, os.path.abspath(__file__), "--threads", str(a.threads), "--steps", str(a.steps), "--one", way, str(side), file]
    note(found, side if column is None else way, column or way, subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def table(title, rows, columns, found, name):
    print(f"\n| {title} | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for row in rows:
        print(f"| {name(row)} | " + " | ".join(f"{found[row, c]:.0f}" for c in columns) + " |")


def evaluate(way, side, file):
    """Prints what PyTorch reaches with networks."""
    import torch
    from timm.models.hardcorenas import _gen_hardcorenas

    count, batch = images[side]
    layout = torch.contiguous_format if way == "nchw" else torch.channels_last
    x, seconds, networks = torch.randn(batch, 3, side, side).to(memory_format=layout), 0.0, json.load(open(file))
    for arch in networks:
        net = _gen_hardcorenas(False, "hardcorenas_a", ast.literal_eval(arch), num_classes=10).eval().to(memory_format=layout)
        with torch.inference_mode():
            if way == "compiled":
                net = torch.compile(net)
                net(x)
            start = time.perf_counter()
            for _ in range(count // batch):
                net(x)
            seconds += time.perf_counter() - start
    print(f"{len(networks) * (count // batch) * batch / seconds} images/s")


def original(way, steps, folder):
    """Prints what the original's step reaches."""
    import torch

    sys.path.insert(0, folder)
    for name in ("torch._six", "pandas", "tqdm", "cvxopt", "scipy", "scipy.optimize", "tensorflow"):  # imported beside what a step needs
        sys.modules.setdefault(name, unittest.mock.MagicMock(__spec__=importlib.machinery.ModuleSpec(name, None)))
    from timm.models.mobilenasnet import IKD_mobilenasnet_model, mobilenasnet

    torch.manual_seed(1)
    several = way == "a path per image"
    settings = dict(num_classes=10, reduced_exp_ratio=True, search_mode=False, multipath_sampling=several)
    with torch.no_grad():
        student = mobilenasnet(**settings)
        net = IKD_mobilenasnet_model(mobilenasnet(heaviest_network=True, **settings), student, 1, 50, True)
    student.set_hard_backprop(True)
    student.set_uniform_alpha()
    student.set_uniform_beta(stage=1)
    net.train()
    x, y = torch.randn(64, 3, 32, 32), torch.randint(10, (64,))
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    for step in range(steps + 3):
        if step == 3:
            start = time.perf_counter()
        net.zero_grad(set_to_none=True)
        z, distilled = net(x)
        (loss(z, y) + distilled).backward()
    print(f"torch {torch.__version__}: {64 * steps / (time.perf_counter() - start)} images/s")


if __name__ == "__main__":
    a = arguments()
    if not a.one:
        main(a)
    else:
        __import__("torch").set_num_threads(a.threads)
        if a.one[0] in steps_of:
            original(a.one[0], a.steps, a.one[2])
        else:
            evaluate(a.one[0], int(a.one[1]), a.one[2])
