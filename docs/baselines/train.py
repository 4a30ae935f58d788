"""How fast the heaviest network of the BINAS space trains: this program and PyTorch, in turn.

usage: make baselines, or python3 docs/baselines/train.py [--threads 2] [--rounds 2] [--steps 10]
       [--sizes 32x64,96x64,224x8] [--ways kernels,off,nchw,channels_last,compiled,bf16] [--loading] [--binary FILE]

Sizes are pixels x images of a step. One step is what BenchmarkTrainStep of supernet/backprop
does: forward, cross entropy with smoothing 0.1 and backward, batch norm in training mode, dropout
0.3, drop path 0.2 * i / 22 on block i; batches of noise, without loading and without the
optimiser. kernels and off are this program with its kernels and without; nchw and channels_last
are PyTorch's layouts in float32; compiled is channels_last under torch.compile, bf16 channels_last
under autocast. With --loading all of them train on a folder of JPEG files of 500x375, with random
resized crops and flips and the optimiser: this program as `binas-tui train` does, from its pack (that is
its second epoch and later ones), PyTorch with torchvision's ImageFolder and two workers. Every measurement is a process of its own, of which the peak memory is its own; of
the rounds the fastest counts. --binary is what would be built: the program with --loading, else the test
binary of supernet/backprop. The result is a table in Markdown on standard output.
"""
import argparse, json, os, re, statistics, subprocess, sys, tempfile, time

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
here = ("kernels", "off")


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--rounds", type=int, default=2)
    a.add_argument("--steps", type=int, default=10)
    a.add_argument("--sizes", default="32x64,96x64,224x8")
    a.add_argument("--ways", default="kernels,off,nchw,channels_last,compiled,bf16")
    a.add_argument("--loading", action="store_true")
    a.add_argument("--binary")
    a.add_argument("--folder", help=argparse.SUPPRESS)
    a.add_argument("--one", nargs=3, metavar=("WAY", "SIDE", "BATCH"), help=argparse.SUPPRESS)
    return a.parse_args()


def main(a):
    sizes = [tuple(map(int, s.split("x"))) for s in a.sizes.split(",")]
    ways, found = a.ways.split(","), {}
    with tempfile.TemporaryDirectory() as folder:
        bench = os.path.abspath(a.binary) if a.binary else os.path.join(folder, "bench")
        if set(ways) & set(here) and not a.binary:
            build = ["build", "-o", bench, "."] if a.loading else ["test", "-c", "-o", bench, "./supernet/backprop"]
            subprocess.run(["go", *build], cwd=root, check=True)
        if a.loading:
            a.folder = os.path.join(folder, "pictures")
            pictures(a.folder)
        for _ in range(a.rounds):
            for side, batch in sizes:
                for way in ways:
                    speed, memory = measure(a, folder, bench, way, side, batch)
                    print(f"{side} px, {batch} images, {way}: {speed:.1f} images/s, {memory:.0f} MB", file=sys.stderr, flush=True)
                    old = found.get((side, way), (0, 0))
                    found[side, way] = max(speed, old[0]), max(memory, old[1])
    print("| images/s, MB | " + " | ".join(ways) + " |\n" + "|---" * (len(ways) + 1) + "|")
    for side, batch in sizes:
        row = [f"{found[side, way][0]:.{0 if found[side, way][0] > 50 else 1}f}, {found[side, way][1]:.0f}" for way in ways]
        print(f"| {side} px, {batch} images a step | " + " | ".join(row) + " |")


def pictures(folder, count=256):
    """Writes JPEG files of 500x375 in four classes, of blurred noise."""
    import random
    from PIL import Image, ImageFilter

    draw = random.Random(1)
    for i in range(count):
        os.makedirs(os.path.join(folder, str(i % 4)), exist_ok=True)
        noise = Image.frombytes("RGB", (125, 94), draw.randbytes(125 * 94 * 3)).resize((500, 375), Image.BICUBIC)
        noise.filter(ImageFilter.GaussianBlur(1)).save(os.path.join(folder, str(i % 4), f"{i}.jpg"), quality=90)


def measure(a, folder, bench, way, side, batch):
    """Images a second and the peak memory of a process, in MB."""
    env = dict(os.environ)
    run = tempfile.mkdtemp(dir=folder)
    if way in here:
        env["XDG_CACHE_HOME"] = os.path.join(folder, "cache")  # where packs are
        command = [bench, "train", "--stage", "heaviest", "--data", str(a.folder), "--out", run, "--image-size", str(side), "--batch-size", str(batch), "--threads", str(a.threads),
                   "--epochs", "3", "--train-percent", "90", "--augment", "pictures", "--validation", "16", "--log-interval", "1", "--lr", "0.001"]
        if not a.loading:
            command = [bench, "-test.run", "^$", "-test.bench", f"^BenchmarkTrainStep$/^{side}px$", "-test.benchtime", f"{a.steps}x", "-images", str(batch)]
        env.pop("BINAS_KERNELS", None)
        if way == "off":
            env["BINAS_KERNELS"] = "off"
    else:
        command = [sys.executable, os.path.abspath(__file__), "--threads", str(a.threads), "--steps", str(a.steps), "--one", way, str(side), str(batch)]
        if a.loading:
            command += ["--folder", a.folder]
    p = subprocess.Popen(command, cwd=os.path.join(root, "supernet", "backprop"), env=env, stdout=subprocess.PIPE, text=True)
    text = p.stdout.read()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = status
    speed = re.search(r"([\d.]+) images/s", text)
    if way in here and a.loading and not status:
        lines = [json.loads(line) for line in open(os.path.join(run, "metrics.jsonl"))]
        speed = [None, statistics.median(m["images_per_second"] for m in lines if m["epoch"] > 1 and m.get("images_per_second"))]
    if status or not speed:
        sys.exit(f"{way} at {side} pixels failed:\n{text}")
    return float(speed[1]), usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def train(way, side, batch, threads, steps, folder):
    """Prints what PyTorch reaches."""
    import torch
    from torch import nn
    import torch.nn.functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(1)

    def divisible(v, d=8):
        n = max(d, int(v + d / 2) // d * d)
        return n + d if n < 0.9 * v else n


    class Block(nn.Module):
        """Inverted residual: expand 6, kernel 5, squeeze-excite 1/4."""

        def __init__(self, cin, cout, stride, act, drop):
            super().__init__()
            mid = 6 * cin
            self.act, self.drop, self.residual = act, drop, stride == 1 and cin == cout
            self.pw, self.bn1 = nn.Conv2d(cin, mid, 1, bias=False), nn.BatchNorm2d(mid)
            self.dw, self.bn2 = nn.Conv2d(mid, mid, 5, stride, 2, groups=mid, bias=False), nn.BatchNorm2d(mid)
            self.reduce, self.expand = nn.Conv2d(mid, divisible(mid / 4), 1), nn.Conv2d(divisible(mid / 4), mid, 1)
            self.pwl, self.bn3 = nn.Conv2d(mid, cout, 1, bias=False), nn.BatchNorm2d(cout)

        def forward(self, x):
            y = self.act(self.bn1(self.pw(x)), inplace=True)
            y = self.act(self.bn2(self.dw(y)), inplace=True)
            y = y * F.hardsigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(y, 1)), inplace=True)))
            y = self.bn3(self.pwl(y))
            if not self.residual:
                return y
            if self.drop:
                keep = 1 - self.drop
                y = y / keep * (keep + torch.rand(len(y), 1, 1, 1)).floor_()
            return x + y


    class Heaviest(nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.stem, self.bn0 = nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
            self.dw, self.bn1 = nn.Conv2d(32, 32, 3, 1, 1, groups=32, bias=False), nn.BatchNorm2d(32)
            self.pw, self.bn2 = nn.Conv2d(32, 16, 1, bias=False), nn.BatchNorm2d(16)
            blocks, cin, i = [], 16, 1
            for cout, stride, act in [(24, 2, F.relu), (40, 2, F.relu), (80, 2, F.hardswish), (112, 1, F.hardswish), (192, 2, F.hardswish)]:
                for j in range(4):
                    blocks.append(Block(cin, cout, stride if j == 0 else 1, act, 0.2 * i / 22))
                    cin, i = cout, i + 1
            self.blocks = nn.Sequential(*blocks)
            self.last, self.bn3 = nn.Conv2d(cin, 960, 1, bias=False), nn.BatchNorm2d(960)
            self.head, self.classifier = nn.Conv2d(960, 1280, 1), nn.Linear(1280, classes)

        def forward(self, x):
            x = F.hardswish(self.bn0(self.stem(x)), inplace=True)
            x = self.bn2(self.pw(F.relu(self.bn1(self.dw(x)), inplace=True)))
            x = F.hardswish(self.bn3(self.last(self.blocks(x))), inplace=True)
            x = F.hardswish(self.head(F.adaptive_avg_pool2d(x, 1)), inplace=True).flatten(1)
            return self.classifier(F.dropout(x, 0.3, self.training))

    net = Heaviest(10).train()
    layout = torch.contiguous_format if way == "nchw" else torch.channels_last

    def noise():
        x, y = torch.randn(batch, 3, side, side).to(memory_format=layout), torch.randint(10, (batch,))
        while True:
            yield x, y

    def files():
        from torchvision import datasets, transforms as t

        change = t.Compose([t.RandomResizedCrop(side, (0.35, 1)), t.RandomHorizontalFlip(), t.ToTensor(), t.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
        loader = torch.utils.data.DataLoader(datasets.ImageFolder(folder, change), batch, shuffle=True, drop_last=True, num_workers=2, persistent_workers=True)
        while True:
            yield from loader

    net, batches = net.to(memory_format=layout), files() if folder else noise()
    optimizer = torch.optim.SGD(net.parameters(), 0.001, momentum=0.9, weight_decay=1e-5, nesterov=True)
    run = torch.compile(net) if way == "compiled" else net
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    start = 0
    for step in range(steps + 3):
        if step == 3:
            start = time.perf_counter()
        x, y = next(batches)
        x = x.to(memory_format=layout)
        net.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=way == "bf16"):
            z = run(x)
        loss(z.float(), y).backward()
        if folder:
            optimizer.step()
    print(f"torch {torch.__version__}: {batch * steps / (time.perf_counter() - start)} images/s")


if __name__ == "__main__":
    a = arguments()
    if a.one:
        train(a.one[0], int(a.one[1]), int(a.one[2]), a.threads, a.steps, a.folder)
    else:
        main(a)
